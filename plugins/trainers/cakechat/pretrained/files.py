"""Finds the files of a start model: one of our model folders, or the files of an original CakeChat model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from autocakechat import Input, UserError
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.conversations import dataset_file

MODELS_FOLDER, TOKENS_FOLDER, CONDITIONS_FOLDER = "nn_models", "tokens_index", "conditions_index"
"""The folders of CakeChat's S3 bucket."""

TOKENS_FILE, CONDITIONS_FILE = "t_idx_processed_dialogs.json", "c_idx_processed_dialogs.json"

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar")
MODEL_NAME = "model"
"""Name of the weights file in an archive."""

_WEIGHTS_SUFFIXES = (*ARCHIVE_SUFFIXES, ".h5", ".hdf5")
_WEIGHTS_NAMES = (MODEL_NAME, f"reverse_{MODEL_NAME}")
_NETWORK_OPTIONS = ("hidden", "embedding", "condition_embedding", "vocabulary")
"""Options whose values a start model determines."""


@attrs.frozen
class ModelFolder:
    """A start model in our format.

    Attributes:
        path: The model folder.
        reverse: Whether to load its reverse model.
    """

    path: Path
    reverse: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that training reads."""
        names = ["settings.json", "vocabulary.json", "conditions.json", "weights.safetensors"]
        if self.reverse:
            names.append("reverse.safetensors")
        return tuple(self.path / name for name in names)


@attrs.frozen
class OriginalFiles:
    """A start model in the format of the original CakeChat.

    Attributes:
        weights: The model: HDF5, or an archive that contains it.
        tokens: The token index.
        conditions: The condition index.
        reverse: The reverse model; None if not requested or not available.
    """

    weights: Path
    tokens: Path
    conditions: Path
    reverse: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that training reads."""
        files = (self.weights, self.tokens, self.conditions)
        return files if self.reverse is None else (*files, self.reverse)


def inputs(options: Options) -> Sequence[Input]:
    """Lists the files that a start model is read from or trained on: their content is part of the artifact key.

    Raises:
        UserError: A file is missing, or the options contradict each other.
    """
    if options.start != "pretrained" and options.start_path is not None:
        raise UserError(
            f'trainer.start_path: has no effect with start = "{options.start}"',
            'set start = "pretrained" in [trainer], or remove start_path',
        )
    if options.start_fallback != "none" and (options.start != "pretrained" or options.start_path is not None):
        raise UserError(
            "trainer.start_fallback: has an effect only if the published model is downloaded",
            'remove start_fallback, or set start = "pretrained" without start_path',
        )
    if options.start == "scratch":
        return []
    for name in _NETWORK_OPTIONS:
        if getattr(options, name) is not None:
            raise UserError(
                f"trainer.{name}: is determined by the start model", f'remove {name}, or set start = "scratch"'
            )
    if options.word2vec:
        raise UserError(
            "trainer.word2vec: the start model already has embeddings", 'remove word2vec, or set start = "scratch"'
        )
    if "conversations" in (options.start, options.start_fallback):
        return [Input("conversations", (dataset_file(),))]
    if options.start_path is None:
        return []
    return [Input("start model", find_start_model(options.start_path, options.reverse).files)]


def find_start_model(path: Path, reverse: bool) -> ModelFolder | OriginalFiles:
    """Finds the files of a local start model.

    Args:
        path: One of: a model folder of ours; a folder that contains the original's weights and both indexes, directly
            or in the folders of CakeChat's bucket; or the original's weights, HDF5 or archive, next to the indexes.
        reverse: Whether to look for the reverse model.

    Raises:
        UserError: A file is missing, or several files match.
    """
    if (path / "settings.json").is_file():
        return ModelFolder(path, reverse and (path / "reverse.safetensors").is_file())
    if path.is_dir():
        return _find_original_files(path, None, reverse)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file or folder", "set trainer.start_path to a model folder or an original CakeChat model"
        )
    folder = path.parent.parent if path.parent.name == MODELS_FOLDER else path.parent
    return _find_original_files(folder, path, reverse)


def _find_original_files(folder: Path, weights: Path | None, reverse: bool) -> OriginalFiles:
    subfolders = [folder / name for name in (MODELS_FOLDER, TOKENS_FOLDER, CONDITIONS_FOLDER)]
    files = sorted(
        file for place in (folder, *subfolders) if place.is_dir() for file in place.iterdir() if file.is_file()
    )
    weights = weights or _find_one(folder, files, "model", _is_forward_model)
    tokens = _find_one(folder, files, "token index t_idx*.json", _is_token_index)
    conditions = _find_one(folder, files, "condition index c_idx*.json", _is_condition_index)
    reverse_model = None
    if reverse and any(_is_reverse_model(file.name) for file in files):
        reverse_model = _find_one(folder, files, "reverse model", _is_reverse_model)
    return OriginalFiles(weights, tokens, conditions, reverse_model)


def _find_one(folder: Path, files: Sequence[Path], kind: str, matches: Callable[[str], bool]) -> Path:
    """Returns the only file whose name matches."""
    matching = [file for file in files if matches(file.name)]
    if len(matching) == 1:
        return matching[0]
    problem = f"contains no {kind}"
    if matching:
        problem = f"contains several candidates for the {kind}: {', '.join(file.name for file in matching[:5])}"
    raise UserError(
        f"{folder}: {problem}",
        "a start model is a model folder, or a folder with one original CakeChat model (.tar.gz, .h5 or model), its "
        "t_idx*.json and its c_idx*.json",
    )


def _is_weights(name: str) -> bool:
    return name.endswith(_WEIGHTS_SUFFIXES) or name in _WEIGHTS_NAMES


def _is_forward_model(name: str) -> bool:
    return _is_weights(name) and not name.startswith("reverse")


def _is_reverse_model(name: str) -> bool:
    return _is_weights(name) and name.startswith("reverse")


def _is_token_index(name: str) -> bool:
    return name.startswith("t_idx") and name.endswith(".json")


def _is_condition_index(name: str) -> bool:
    return name.startswith("c_idx") and name.endswith(".json")

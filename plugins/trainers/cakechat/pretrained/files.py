"""Which files a start model is made of: one of our model folders, or what the original CakeChat left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from autocakechat import Input, UserError
from autocakechat.plugins.trainers.cakechat.options import Options

MODELS, TOKENS, CONDITIONS = "nn_models", "tokens_index", "conditions_index"
"""The folders of CakeChat's bucket."""

TOKENS_FILE, CONDITIONS_FILE = "t_idx_processed_dialogs.json", "c_idx_processed_dialogs.json"

_WEIGHTS = (".tar.gz", ".tgz", ".tar", ".h5", ".hdf5")
_FROM_THE_NETWORK = ("hidden", "embedding", "condition_embedding", "vocabulary")


@attrs.frozen
class ModelFolder:
    """A model folder of ours.

    Attributes:
        path: The folder.
        reverse: Whether its reverse model is wanted and there.
    """

    path: Path
    reverse: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """All that training begins with."""
        names = ("settings.json", "vocabulary.json", "conditions.json", "weights.safetensors")
        return tuple(self.path / name for name in (*names, *(["reverse.safetensors"] if self.reverse else [])))


@attrs.frozen
class OriginalFiles:
    """A model of the original's.

    Attributes:
        weights: HDF5, or an archive with it.
        tokens: Index of tokens.
        conditions: Index of conditions.
        reverse: The reverse model, if it is wanted and there.
    """

    weights: Path
    tokens: Path
    conditions: Path
    reverse: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """All that training begins with."""
        files = (self.weights, self.tokens, self.conditions)
        return files if self.reverse is None else (*files, self.reverse)


def inputs(options: Options) -> Sequence[Input]:
    """Names the files of a local start model, so that what they hold becomes part of the model's key.

    Raises:
        UserError: They are not there, or options contradict each other.
    """
    if options.start == "scratch":
        if options.start_path is not None:
            raise UserError("trainer.start_path: is not read", 'set start = "pretrained" in [trainer], or leave it out')
        return []
    for name in _FROM_THE_NETWORK:
        if getattr(options, name) is not None:
            raise UserError(f"trainer.{name}: is that of the start model", 'leave it out, or set start = "scratch"')
    if options.word2vec:
        raise UserError("trainer.word2vec: the start model has vectors", 'leave it out, or set start = "scratch"')
    return [] if options.start_path is None else [Input("start model", find(options.start_path, options.reverse).files)]


def find(path: Path, reverse: bool) -> ModelFolder | OriginalFiles:
    """Finds the files of a local start model.

    Args:
        path: A model folder; a folder with the original's weights and both indexes, or with the folders of its bucket
            in it; or the weights themselves, as HDF5 or archive, with the indexes beside them.
        reverse: Whether the reverse model is wanted.

    Raises:
        UserError: Something is missing, or cannot be told from something else.
    """
    if (path / "settings.json").is_file():
        return ModelFolder(path, reverse and (path / "reverse.safetensors").is_file())
    if path.is_dir():
        return _original(path, None, reverse)
    if not path.is_file():
        raise UserError(f"{path}: no such file or folder", "set trainer.start_path to a model folder, or to CakeChat's")
    return _original(path.parent.parent if path.parent.name == MODELS else path.parent, path, reverse)


def _original(folder: Path, weights: Path | None, reverse: bool) -> OriginalFiles:
    places = (folder, folder / MODELS, folder / TOKENS, folder / CONDITIONS)
    files = sorted(file for place in places if place.is_dir() for file in place.iterdir() if file.is_file())

    def one(what: str, fits: Callable[[str], bool]) -> Path:
        found = [file for file in files if fits(file.name)]
        if len(found) != 1:
            names = ", ".join(file.name for file in found[:5])
            raise UserError(
                f"{folder}: {f'several files may be the {what}: {names}' if found else f'there is no {what}'}",
                "a start model is a model folder of ours, or a folder with one model of CakeChat (.tar.gz, .h5 or "
                "model), its t_idx*.json and its c_idx*.json",
            )
        return found[0]

    reversed_ones = [file.name for file in files if _is_weights(file.name) and file.name.startswith("reverse")]
    return OriginalFiles(
        weights=weights or one("model", lambda name: _is_weights(name) and name not in reversed_ones),
        tokens=one("token index t_idx*.json", lambda name: _is_index(name, "t_idx")),
        conditions=one("condition index c_idx*.json", lambda name: _is_index(name, "c_idx")),
        reverse=one("reverse model", reversed_ones.__contains__) if reverse and reversed_ones else None,
    )


def _is_weights(name: str) -> bool:
    return name.endswith(_WEIGHTS) or name in ("model", "reverse_model")


def _is_index(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name.endswith(".json")

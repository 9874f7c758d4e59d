"""Seals a trained model's folder and opens it again, wherever it was copied to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import msgspec

from autocakechat.artifacts.store import MANIFEST, Ingredients
from autocakechat.config.pipeline_file import StageConfig
from autocakechat.errors import AccError, UserError
from autocakechat.files import hash_file, write_whole
from autocakechat.interface.model import Responder, TrainedModel
from autocakechat.interface.options import values_affecting_key
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.registry.manager import PluginManager, missing_requirements, plugin_error

FORM = 1


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What `model.json` says.

    Attributes:
        form: Version of this form.
        trainer: Name of the trainer that made the model.
        trainer_version: Its version.
        made_with: Version of autocakechat.
        created: When, ISO 8601.
        options: The trainer's options.
        metrics: What the training measured.
        files: SHA-256 of every other file of the folder, by relative path.
        key: The key of the artifact.
        ingredients: What the key was made of.
    """

    form: int
    trainer: str
    trainer_version: int
    made_with: str
    created: str
    options: dict[str, Any]
    metrics: dict[str, Any]
    files: dict[str, str]
    key: str
    ingredients: dict[str, Any]


def write_manifest(
    folder: Path, trainer: StageConfig, metrics: Mapping[str, Any], key: str, ingredients: Ingredients
) -> None:
    """Writes the manifest of a folder that a trainer has filled."""
    manifest = Manifest(
        form=FORM,
        trainer=trainer.stage.name,
        trainer_version=trainer.stage.version,
        made_with=version("autocakechat"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        options=values_affecting_key(trainer.options),
        metrics=dict(metrics),
        files={name: hash_file(folder / name) for name in _files(folder)},
        key=key,
        ingredients=ingredients,
    )
    write_whole(folder / MANIFEST["model"], msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def finalize_model_folder(folder: Path, trainer: TrainerType, options: Any, metrics: Mapping[str, Any]) -> None:
    """Writes the manifest of a model that `acc run` did not train, so that it loads like any other.

    Args:
        folder: The model folder, with every file that the trainer's `load` reads.
        trainer: The trainer that loads it.
        options: The trainer's options that are closest to how the model was made.
        metrics: What is known of its quality.
    """
    write_manifest(folder, StageConfig(trainer, options, "trainer"), metrics, key="", ingredients={})


def open_model(
    folder: Path,
    manager: PluginManager,
    reply: Callable[[TrainerType], Any],
    run: RunContext,
    seed: int | None = None,
) -> TrainedModel:
    """Opens a model folder. Its weights are only read when it is asked to answer.

    Args:
        folder: The folder.
        manager: Knows the trainers.
        reply: Makes the reply options, given the trainer.
        run: What the trainer is handed when it loads the model.
        seed: For the same answers every time, if the reply options know a seed and have none.

    Raises:
        UserError: The folder is no model, is damaged, or its trainer is not installed.
    """
    manifest = _read(folder)
    _verify(folder, manifest)
    try:
        trainer: TrainerType = manager.find("trainer", manifest.trainer)
    except UserError as error:
        raise UserError(f"{folder}: was made by a trainer that is not here: {error}") from None
    missing = missing_requirements(trainer)
    if missing:
        raise UserError(f"{folder}: answering needs {', '.join(missing)}", f"type: {trainer.install}")
    options = reply(trainer)
    if seed is not None and getattr(options, "seed", seed) is None:
        options = attrs.evolve(options, seed=seed)

    def load() -> Responder:
        try:
            return trainer.load(folder, options, run)
        except (AccError, MemoryError):
            raise
        except Exception as error:
            run.log.debug("while loading %s", folder, exc_info=True)
            raise plugin_error(manager.owner(trainer), error) from error

    return TrainedModel(path=folder, trainer=manifest.trainer, metrics=manifest.metrics, load=load)


def corpus_key(folder: Path) -> str | None:
    """Returns the key of the corpus that a model learnt from; None if its folder does not tell, as an imported one's.

    Raises:
        UserError: The folder is no model.
    """
    key = _read(folder).ingredients.get("corpus")
    return key if isinstance(key, str) else None


def _read(folder: Path) -> Manifest:
    file = folder / MANIFEST["model"]
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder", "give the folder of a model")
    if not file.is_file():
        raise UserError(f"{folder}: no model (it has no {file.name})", "give a folder that `acc run` made")
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, OSError) as error:
        raise UserError(f"{file}: damaged: {error}", "copy the folder again, or train again") from None
    if manifest.form != FORM:
        raise UserError(f"{file}: form {manifest.form} is not known here", "update autocakechat")
    return manifest


def _verify(folder: Path, manifest: Manifest) -> None:
    for name, digest in manifest.files.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{folder}: names a file outside: {name}", "this is no folder that `acc run` made")
        if not file.is_file():
            raise UserError(f"{file}: missing", "copy the whole folder again, or train again")
        if hash_file(file) != digest:
            raise UserError(f"{file}: damaged (its checksum differs)", "copy the folder again, or train again")


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

"""Writes the manifest of a model folder, and verifies and opens a model folder, wherever it was copied to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import attrs
import msgspec
from msgspec import Meta, structs

from autocakechat.artifacts.store import MANIFEST_NAMES, Count, Ingredients, Name, is_key
from autocakechat.artifacts.summary import ArtifactSummary
from autocakechat.config.pipeline import StageConfig
from autocakechat.errors import UserError
from autocakechat.files import hash_file, write_whole
from autocakechat.interface.model import Responder, TrainedModel
from autocakechat.interface.model_file import damaged_file, read_json, require_file
from autocakechat.interface.options import values_affecting_key
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.requirements import missing_to_load
from autocakechat.registry.responder import load_responder
from autocakechat.standard_output import stdout_to_stderr

FORM = 1
_PAGE = ".html"
"""The ending of pages for people, which no trainer reads: they may be deleted from a model folder."""

_FileName = Annotated[str, Meta(max_length=1000, pattern=r"\A[^\0]+\Z")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """The content of `model.json`.

    Attributes:
        form: The version of this file format.
        trainer: The name of the trainer that made the model.
        trainer_version: The version of the trainer.
        made_with: The version of autocakechat.
        created: The time, ISO 8601.
        options: The trainer options.
        metrics: The metrics that the trainer returned.
        files: The SHA-256 of every other file in the folder, by relative path. Pages (`.html`) may be missing.
        key: The artifact key; empty for a model that was not trained by `acc run`.
        ingredients: What the key was computed from.
        person: The name of the person whose replies it was trained on, if known.
        replies: The number of replies of the corpus, if known.
    """

    form: int
    trainer: Name
    trainer_version: int
    made_with: Name
    created: Name
    options: dict[str, Any]
    metrics: dict[Name, Any]
    files: dict[_FileName, str]
    key: Name
    ingredients: Ingredients
    person: Name | None = None
    replies: Count | None = None


def write_manifest(
    folder: Path,
    trainer: StageConfig[TrainerType],
    metrics: Mapping[str, Any],
    key: str,
    ingredients: Ingredients,
    person: str | None = None,
    replies: int | None = None,
) -> None:
    """Writes the manifest of a model folder, which must contain all other files already.

    Args:
        folder: The model folder.
        trainer: The trainer that made the model, and its options.
        metrics: The metrics that the trainer returned.
        key: The artifact key.
        ingredients: What the key was computed from.
        person: The name of the person whose replies it was trained on, if known.
        replies: The number of replies of the corpus, if known.
    """
    manifest = Manifest(
        form=FORM,
        trainer=trainer.stage.name,
        trainer_version=trainer.stage.version,
        made_with=version("autocakechat"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        options=values_affecting_key(trainer.options),
        metrics=dict(metrics),
        files={name: hash_file(folder / name) for name in _relative_files(folder)},
        key=key,
        ingredients=ingredients,
        person=person,
        replies=replies,
    )
    write_whole(folder / MANIFEST_NAMES["model"], msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def finalize_model_folder(folder: Path, trainer: TrainerType, options: Any, metrics: Mapping[str, Any]) -> None:
    """Writes the manifest of a model that was not trained by `acc run`, so that it can be opened like any other.

    Args:
        folder: The model folder, with every file that the trainer's `load` reads.
        trainer: The trainer that loads it.
        options: The trainer options closest to how the model was made.
        metrics: The metrics that are known.
    """
    write_manifest(folder, StageConfig(trainer, options, "trainer"), metrics, key="", ingredients={})


def open_model(
    folder: Path,
    manager: PluginManager,
    reply: Callable[[TrainerType], Any],
    run: RunContext,
    seed: int | None = None,
) -> TrainedModel:
    """Verifies and opens a model folder. The weights are loaded later, by `TrainedModel.load`.

    Args:
        folder: The model folder.
        manager: The plugins that provide the trainer.
        reply: Returns the reply options for a trainer.
        run: The run context in which the trainer loads the model.
        seed: Makes the replies reproducible, if the reply options have a seed and it is not set.

    Raises:
        UserError: The folder is not a model folder or is damaged, or the trainer is not installed.
    """
    manifest = _read_manifest(folder)
    _verify_files(folder, manifest)
    trainer = _find_trainer(folder, manifest, manager)
    options = reply(trainer)
    if seed is not None and getattr(options, "seed", seed) is None:
        options = attrs.evolve(options, seed=seed)

    @stdout_to_stderr()
    def load() -> Responder:
        return load_responder(manager.owner(trainer), trainer, folder, options, run)

    run.log.info("model: %s", ArtifactSummary.of_manifest("model", structs.asdict(manifest), folder))
    return TrainedModel(
        path=folder,
        trainer=manifest.trainer,
        metrics=manifest.metrics,
        person=manifest.person,
        created=manifest.created,
        load=load,
    )


def corpus_key(folder: Path) -> str | None:
    """Returns the key of the corpus that a model was trained on; None if the manifest has none (an imported model).

    Raises:
        UserError: The folder is not a model folder.
    """
    key = _read_manifest(folder).ingredients.get("corpus")
    return key if is_key(key) else None


def _find_trainer(folder: Path, manifest: Manifest, manager: PluginManager) -> TrainerType:
    try:
        trainer: TrainerType = manager.find("trainer", manifest.trainer)
    except UserError as error:
        raise UserError(f"{folder}: the trainer of this model is not installed: {error}") from None
    if missing := missing_to_load(trainer):
        raise UserError(f"{folder}: {missing}")
    return trainer


def _read_manifest(folder: Path) -> Manifest:
    file = folder / MANIFEST_NAMES["model"]
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder", "give a model folder")
    if not file.is_file():
        raise UserError(f"{folder}: not a model folder (no {file.name})", "give a model folder that `acc run` made")
    manifest = read_json(file, Manifest)
    if manifest.form != FORM:
        raise UserError(f"{file}: unknown format version {manifest.form}", "update autocakechat")
    return manifest


def _verify_files(folder: Path, manifest: Manifest) -> None:
    for path in folder.rglob("*"):
        _require_inside(folder, path)
        if not path.is_dir():
            require_file(path)
    for name, digest in manifest.files.items():
        file = folder / name
        _require_inside(folder, file)
        if not os.path.lexists(file) and file.suffix == _PAGE:
            continue
        if not os.path.isfile(file):
            raise UserError(f"{file}: missing", "copy the whole folder again, or train again")
        if hash_file(file) != digest:
            raise UserError(f"{file}: damaged (wrong checksum)", "copy the folder again, or train again")


def _require_inside(folder: Path, path: Path) -> None:
    """Checks that a path, also one that is a link or that the manifest lists, does not lead out of a model folder."""
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a RuntimeError for links in a circle
        raise damaged_file(path, f"cannot be read: {error}") from None
    if not is_inside:
        raise UserError(f"{path}: leads out of the model folder", "give a model folder that `acc run` made")


def _relative_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

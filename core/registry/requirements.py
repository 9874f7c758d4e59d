"""The libraries that the stages need, and which of them are not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence

import attrs

from autocakechat.interface.stage_types import StageType, TrainerType


@attrs.frozen
class MissingModules:
    """Modules that a stage needs for a purpose and that are not installed.

    Attributes:
        purpose: What needs them: the name of the stage, or `training` or `answering`.
        modules: Their import names.
        install: The command that installs them.
    """

    purpose: str
    modules: Sequence[str]
    install: str

    def __bool__(self) -> bool:
        return bool(self.modules)

    def __str__(self) -> str:
        return f"{self.purpose} needs {', '.join(self.modules)}; run: {self.install}"


def missing_to_run(stage: StageType) -> MissingModules:
    """Returns what is missing to run a stage; for a trainer, to train."""
    return _missing(stage.name, stage.requires, stage.install)


def missing_to_load(trainer: TrainerType) -> MissingModules:
    """Returns what is missing to load a model of a trainer and to answer with it."""
    if trainer.load_requires is None:
        return attrs.evolve(missing_to_run(trainer), purpose="answering")
    return _missing("answering", trainer.load_requires, trainer.load_install)


def describe_missing(stage: StageType) -> Iterator[str]:
    """Yields a line for each purpose for which modules of a stage are missing."""
    label, to_run = f"{stage.kind} {stage.name}", missing_to_run(stage)
    if not isinstance(stage, TrainerType) or stage.load_requires is None:
        if to_run:
            yield str(attrs.evolve(to_run, purpose=label))
        return
    to_load = missing_to_load(stage)
    if to_load:
        yield f"{label}: {to_load}"
    if to_run:
        ready = "" if to_load else "ready to reply; "
        yield f"{label}: {ready}{attrs.evolve(to_run, purpose='training')}"


def _missing(purpose: str, names: Sequence[str], install: str) -> MissingModules:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return MissingModules(purpose, missing, install or (f"pip install {' '.join(missing)}" if missing else ""))

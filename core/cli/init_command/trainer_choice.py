"""The choice of the trainer, with an estimate of time and quality for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import click

from autocakechat.cli.init_command.questions import ask
from autocakechat.cli.init_command.stage_choices import require_no_more_options
from autocakechat.interface.stage_types import TrainerType, TrainingEstimate

if TYPE_CHECKING:
    from autocakechat.registry.manager import PluginManager

_MESSAGES_PER_REPLY = 2
_LONGEST_SECONDS = 3 * 3600


def find_trainer(manager: PluginManager, name: str) -> TrainerType:
    """Returns the trainer of a name.

    Raises:
        UserError: There is none, or it requires options that this command does not ask for.
    """
    trainer: TrainerType = manager.find("trainer", name)
    require_no_more_options(trainer)
    return trainer


def trainer_with_start(manager: PluginManager) -> TrainerType | None:
    """Returns the trainer that `--start` is about: the only one with this option, if it is the only one."""
    found = [name for name, trainer in _trainers(manager).items() if "start" in attrs.fields_dict(trainer.config)]
    return find_trainer(manager, found[0]) if len(found) == 1 else None


def ask_trainer(manager: PluginManager, messages: int, texts: Sequence[str]) -> TrainerType:
    """Asks for the trainer, and recommends one.

    Args:
        manager: The plugins.
        messages: The number of messages of the person to learn.
        texts: Some messages of the chat log.
    """
    from autocakechat.pipeline.stage_results import estimate_training

    replies = messages // _MESSAGES_PER_REPLY
    trainers = _trainers(manager)
    estimates = {
        name: found
        for name, trainer in trainers.items()
        if (found := estimate_training(manager.owner(trainer), trainer, replies, texts))
    }
    best = _recommend(estimates)
    click.echo(f"Trainers, for about {replies:,} replies on this machine:", err=True)
    width = max(map(len, trainers))
    for name, trainer in trainers.items():
        estimate = estimates.get(name)
        time = _duration(estimate.seconds) if estimate and estimate.quality else "?"
        about = estimate.remark if estimate else trainer.summary
        mark = " (recommended)" if name == best else ""
        click.echo(f"  {name:<{width}}  {time:>12}  {about}{mark}", err=True)
    question = f"Which trainer (one of {', '.join(trainers)})?"
    return ask("--trainer", question, lambda answer: find_trainer(manager, answer), best)


def _trainers(manager: PluginManager) -> dict[str, TrainerType]:
    """Returns all trainers by name, in the order of their names."""
    found = sorted(manager.stages("trainer").items())
    return {name: trainer for name, trainer in found if isinstance(trainer, TrainerType)}


def _recommend(estimates: Mapping[str, TrainingEstimate]) -> str | None:
    """Returns the name of the best trainer that takes hours at most; None if there is no estimate."""
    possible = {
        name: found.quality for name, found in estimates.items() if found.quality and found.seconds <= _LONGEST_SECONDS
    }
    return max(possible, key=possible.__getitem__, default=None)


def _duration(seconds: float) -> str:
    if seconds < 45:
        return "seconds"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    return f"about {seconds / 3600:.0f} h"

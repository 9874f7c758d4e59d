"""CakeChat: a hierarchical recurrent encoder-decoder that learns to answer like the server of a corpus.

The way of the data: `text` (tokens) -> `vocabulary` (ids) -> `samples` (arrays and batches) -> `network` (the model),
taught by `training`, kept by `folder`, and made to talk by `decoding` and `responder`. `trainer` goes from a corpus to
a model folder: `beginning` settles what there is to learn and with which weights, `lesson` has it learnt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autocakechat import CommandType, TrainerType, hookimpl
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER

if TYPE_CHECKING:
    import click


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer."""
    yield TRAINER


@hookimpl
def acc_commands() -> Iterable[CommandType]:
    """Yields `acc cakechat`."""
    yield CommandType(name="cakechat", summary="Import models of the original CakeChat.", load=load_command)


def load_command() -> click.Command:
    """Imports `acc cakechat`; see `commands`."""
    from autocakechat.plugins.trainers.cakechat import commands

    return commands.cakechat

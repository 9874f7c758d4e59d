"""CakeChat: a hierarchical recurrent encoder-decoder (HRED) trained to reply like the server of a corpus.

Packages, in the order of their layers:
    `data`: text to tokens, token ids, samples and mini-batches.
    `network`: the HRED in NumPy, and its files.
    `inference`: decoding and reranking.
    `pretrained`: start models, among them those of the original CakeChat.
    `training_network`: the HRED in TensorFlow, with its loss and gradients.
    `ranking`: past and generated replies, ranked together.
    `training`: from a corpus to a model folder; begins in `training.train`.
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
    """Imports the `acc cakechat` command; see `commands`."""
    from autocakechat.plugins.trainers.cakechat import commands

    return commands.cakechat

"""A language model that is trained on the person's replies with a low-rank adapter (LoRA, arXiv 2106.09685).

Packages, in the order of their layers:
    `prompts`: dialogs as text. `bases`: the language models to start from.
    `model`: the model folder.
    `gguf_files`: adapter, merged model and chat format in the format of llama.cpp.
    `language_model`: base, tokenizer and adapter in PyTorch.
    `engine`: generates and scores replies, with PyTorch or llama.cpp.
    `replies`: candidates, ranking, the responder.
    `training`: from a corpus to a model folder; begins in `training.train`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autocakechat import CommandType, TrainerType, hookimpl
from autocakechat.plugins.trainers.lora.trainer_type import TRAINER

if TYPE_CHECKING:
    import click


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer."""
    yield TRAINER


@hookimpl
def acc_commands() -> Iterable[CommandType]:
    """Yields `acc lora`."""
    yield CommandType(name="lora", summary="Export a language model, or use one without training.", load=load_command)


def load_command() -> click.Command:
    """Imports the `acc lora` command; see `commands`."""
    from autocakechat.plugins.trainers.lora import commands

    return commands.lora

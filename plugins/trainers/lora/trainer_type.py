"""The trainer as a pipeline stage. Each function imports its heavy modules on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import Input, TrainerType, TrainingEstimate, UserError
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions

if TYPE_CHECKING:
    from autocakechat import Corpus, Responder, RunContext


def inputs(options: Options) -> Sequence[Input]:
    """Returns the files of a base on this machine.

    Raises:
        UserError: A file is missing or of the wrong kind, or the options need something that is not installed.
    """
    from autocakechat.plugins.trainers.lora.bases.local import local_files

    if options.examples and not options.ranking:
        raise UserError("trainer.examples needs past replies", "set trainer.ranking = true, or trainer.examples = 0")
    if options.precision == "4bit":
        from autocakechat.plugins.trainers.lora.language_model.precision import choose_precision

        choose_precision(options.precision)
    if options.base_path is None:
        return []
    files = local_files(options.base_path)
    if options.base_path.is_file() and find_spec("gguf") is None:
        raise UserError("a base in a .gguf file needs gguf", "run: pip install 'autocakechat[lora]'")
    return [Input("base", tuple(files))]


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Trains an adapter on a corpus; see `training.train.train`."""
    from autocakechat.plugins.trainers.lora.training import train

    return train.train(options, corpus, into, run)


def load(path: Path, reply: ReplyOptions, run: RunContext) -> Responder:
    """Loads a model folder; see `replies.responder.load`."""
    from autocakechat.plugins.trainers.lora.replies import responder

    return responder.load(path, reply, run)


def estimate(replies: int, texts: Sequence[str]) -> TrainingEstimate:
    """Estimates a training on this machine; see `training.estimate`."""
    from autocakechat.plugins.trainers.lora.training.estimate import estimate_training

    return estimate_training(replies, texts)


TRAINER = TrainerType(
    name="lora",
    summary="a small language model that learns the person's replies in an adapter (LoRA)",
    config=Options,
    reply=ReplyOptions,
    train=train,
    load=load,
    inputs=inputs,
    requires=("torch", "transformers", "peft", "gguf", "platformdirs", "bm25s", "numpy"),
    install="pip install 'autocakechat[lora]'",
    # `load` checks that one of the engines is installed.
    load_requires=("bm25s", "numpy", "platformdirs"),
    load_install="pip install 'autocakechat[llama]'",
    distributed="torch",
    estimate=estimate,
)

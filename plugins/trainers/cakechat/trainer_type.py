"""The trainer as a pipeline stage. Each function imports its heavy modules on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import Input, TrainerType, TrainingEstimate, UserError
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions

if TYPE_CHECKING:
    from autocakechat import Corpus, Responder, RunContext


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Trains a network on a corpus; see `train.train`. A start model that is made on this machine is trained first."""
    from autocakechat.plugins.trainers.cakechat.start_training import with_start_model
    from autocakechat.plugins.trainers.cakechat.training import train
    from autocakechat.plugins.trainers.cakechat.training.workers.cluster import join_group

    group = join_group(run.log)  # first, since TensorFlow cannot join one after it has computed anything
    return train.train(with_start_model(options, TRAINER, run), corpus, into, run, group)


def continue_training(
    options: Options, previous: Path, corpus: Corpus, into: Path, run: RunContext
) -> Mapping[str, Any]:
    """Trains a network on a corpus, from the weights of an earlier model, which also determines the network's size."""
    from autocakechat.plugins.trainers.cakechat.start_training import from_model
    from autocakechat.plugins.trainers.cakechat.training import train
    from autocakechat.plugins.trainers.cakechat.training.workers.cluster import join_group

    group = join_group(run.log)
    return train.train(from_model(options, previous), corpus, into, run, group)


def inputs(options: Options) -> Sequence[Input]:
    """Returns the files that a start model is read from or trained on; see `files.inputs`.

    Raises:
        UserError: A file is missing, options contradict each other, or the library of an option is not installed.
    """
    from autocakechat.plugins.trainers.cakechat.pretrained import files

    uses_cache = options.start != "scratch" and options.start_path is None
    for is_set, option_name, module, extra in (
        (options.word2vec, "word2vec", "gensim", "word2vec"),
        (options.tensorboard, "tensorboard", "tensorboard", "tensorboard"),
        (uses_cache, "start", "pooch", "cakechat"),
        (options.embedder != "none", "embedder", options.embedder, "meaning"),
    ):
        if is_set and find_spec(module) is None:
            raise UserError(f"trainer.{option_name} needs {module}", f"run: pip install 'autocakechat[{extra}]'")
    return files.inputs(options)


def load(path: Path, reply: ReplyOptions, run: RunContext) -> Responder:
    """Loads a model folder for inference; see `loading.load`."""
    from autocakechat.plugins.trainers.cakechat.ranking import loading

    return loading.load(path, reply)


def estimate(replies: int, texts: Sequence[str]) -> TrainingEstimate:
    """Estimates a training with the default options; see `presets.estimate_training`."""
    from autocakechat.plugins.trainers.cakechat.training.presets import estimate_training

    return estimate_training(replies)


TRAINER = TrainerType(
    name="cakechat",
    summary="hierarchical recurrent encoder-decoder (HRED) with emotions, as in CakeChat",
    config=Options,
    reply=ReplyOptions,
    train=train,
    load=load,
    inputs=inputs,
    continue_training=continue_training,
    distributed="tensorflow",
    requires=("tensorflow", "keras", "numpy", "threadpoolctl", "bm25s"),
    install="pip install 'autocakechat[cakechat]'",
    load_requires=("numpy", "threadpoolctl", "bm25s"),
    load_install="pip install 'autocakechat[reply]'",
    estimate=estimate,
)

"""Model folders with random weights, and a corpus, for `replies.py`."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import conversations
import numpy as np

from autocakechat import RunContext, finalize_model_folder
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_weights, write_arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.ranking.past_replies import PastReplies
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER
from autocakechat.plugins.trainers.cakechat.training.presets import Hyperparameters

DEMO_CONVERSATIONS = 400
"""Conversations of the demo's export."""

_HELD_OUT = 10
"""One of so many conversations is held out."""


def make_model(folder: Path, sizes: Hyperparameters, past_replies: int) -> None:
    """Writes a model folder with random weights, a reverse model and past replies.

    The weights of the ranker are fitted without the networks, which know nothing.

    Args:
        folder: The folder, which must not exist.
        sizes: The sizes of its network, and the maximum size of its vocabulary.
        past_replies: The number of past replies.
    """
    vocabulary = conversations.read(sizes.vocabulary).batcher.vocabulary
    network = NetworkSettings(
        tokens=len(vocabulary),
        conditions=1,
        embedding=sizes.embedding,
        condition_embedding=sizes.condition_embedding,
        hidden=sizes.hidden,
        recurrent_activation="sigmoid",
    )
    settings = ModelSettings(
        network=network,
        padding="masked",
        context_lines=conversations.CONTEXT_LINES,
        text="cakechat",
        line_tokens=conversations.LINE_TOKENS,
        reply_tokens=conversations.REPLY_TOKENS,
    )
    networks = [Network(network, random_weights(network, vocabulary, seed)) for seed in (1, 2)]
    folder.mkdir()
    model = Model(settings, vocabulary, Conditions.from_labels(()), *networks)
    save_model(model, folder)
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as temporary:
        corpus = conversations.write_corpus(Path(temporary) / "corpus", _dialogs_with(past_replies), ())
        run = RunContext(log=logging.getLogger("benchmark"), progress=silent_progress, seed=1, state=folder)
        PastReplies.write(model, corpus, (), Options(), folder, run)
    finalize_model_folder(folder, TRAINER, Options(), {})


def random_weights(settings: NetworkSettings, vocabulary: Vocabulary, seed: int) -> dict[str, Any]:
    """Returns weights as before a training, but no reply ends early."""
    random = np.random.default_rng(seed)
    weights = {
        name: (shape[0] ** -0.5 * random.standard_normal(shape)).astype(np.float32)
        for name, shape in weight_shapes(settings).items()
    }
    weights["output.bias"][:] = 0.0
    weights["output.bias"][[vocabulary.end, vocabulary.pad]] = -50.0
    return weights


def copy_for_version_0(model: Path, folder: Path) -> None:
    """Copies a model folder in the format of the first version, whose kernels are stored by rows."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("past_replies"))
    for file in folder.glob("*.safetensors"):
        write_arrays(file, {name: np.ascontiguousarray(weight) for name, weight in read_weights(file).items()})
    settings = json.loads((folder / "settings.json").read_bytes())
    (folder / "settings.json").write_text(json.dumps(settings | {"form": 1}))
    (folder / "model.json").unlink()
    finalize_model_folder(folder, TRAINER, Options(), {})


def write_demo_corpus(folder: Path) -> None:
    """Writes a corpus of as many conversations as the demo has."""
    dialogs = conversations.conversations()[:DEMO_CONVERSATIONS]
    size = len(dialogs) // _HELD_OUT
    conversations.write_corpus(folder, dialogs[size:], dialogs[:size])


def _dialogs_with(replies: int) -> Iterator[conversations.Dialog]:
    """Yields dialogs with so many replies in all: real conversations, again and again."""
    for dialog in cycle(conversations.conversations()):
        if replies <= 0:
            break
        yield dialog
        replies -= len(dialog) // 2

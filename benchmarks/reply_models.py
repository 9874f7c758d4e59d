"""Model folders with random weights, and a corpus, for `replies.py`."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import conversations
import numpy as np

from autocakechat import finalize_model_folder
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_weights, write_arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER
from autocakechat.plugins.trainers.cakechat.training.presets import Hyperparameters

DEMO_CONVERSATIONS = 400
"""Conversations of the demo's export."""

_HELD_OUT = 10
"""One of so many conversations is held out."""


def make_model(folder: Path, sizes: Hyperparameters) -> None:
    """Writes a model folder with random weights and a reverse model.

    Args:
        folder: The folder, which must not exist.
        sizes: The sizes of its network, and the maximum size of its vocabulary.
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
    save_model(Model(settings, vocabulary, Conditions.from_labels(()), *networks), folder)
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
    shutil.copytree(model, folder)
    for file in folder.glob("*.safetensors"):
        write_arrays(file, {name: np.ascontiguousarray(weight) for name, weight in read_weights(file).items()})
    settings = json.loads((folder / "settings.json").read_bytes())
    (folder / "settings.json").write_text(json.dumps(settings | {"form": 1}))
    (folder / "model.json").unlink()
    finalize_model_folder(folder, TRAINER, Options(), {})


def write_corpus(folder: Path) -> None:
    """Writes a corpus of as many conversations as the demo has. A dialog has an even number of lines."""
    dialogs = [
        [{"text": line.text, "condition": line.emotion} for line in dialog[: len(dialog) // 2 * 2]]
        for dialog in islice(conversations.conversations(), DEMO_CONVERSATIONS)
    ]
    size = len(dialogs) // _HELD_OUT
    folder.mkdir()
    (folder / "report.json").write_text("{}")
    for part, chosen in (("train", dialogs[size:]), ("validation", dialogs[:size])):
        (folder / f"{part}.jsonl").write_text("".join(f"{json.dumps(dialog)}\n" for dialog in chosen), "utf-8")

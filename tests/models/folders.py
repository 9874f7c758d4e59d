"""Small model folders of both trainers, made without a training."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from autocakechat import Corpus, ReplyIndex, RunContext, finalize_model_folder
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import write_arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER
from autocakechat.plugins.trainers.retrieval import acc_trainers, train
from autocakechat.plugins.trainers.retrieval.options import Options as RetrievalOptions

_WORDS = ["do", "you", "have", "any", "pets", "two", "cats", "tom", "and", "jerry", "what", "are", "their", "names"]
_DIALOGS = [
    ["do you have any pets", "two cats", "what are their names", "tom and jerry"],
    ["what do you have", "any cats", "and names", "tom"],
]


def run_context(folder: Path) -> RunContext:
    return RunContext(log=logging.getLogger("autocakechat.test"), progress=silent_progress, seed=1, state=folder)


def write_retrieval_model(folder: Path) -> None:
    (trainer,) = acc_trainers()
    folder.mkdir()
    metrics = train(RetrievalOptions(), _corpus(folder.with_name("corpus")), folder, run_context(folder))
    finalize_model_folder(folder, trainer, RetrievalOptions(), metrics)


def write_cakechat_model(folder: Path, shared_embedding: bool) -> None:
    """Writes a model with random weights, a reverse model and past replies."""
    tokens = [*SERVICE_TOKENS, *_WORDS]
    size = NetworkSettings(
        tokens=len(tokens),
        conditions=2,
        embedding=4,
        condition_embedding=3,
        hidden=5,
        recurrent_activation="sigmoid",
        shared_embedding=shared_embedding,
    )
    settings = ModelSettings(
        network=size, padding="masked", text="natural", context_lines=3, line_tokens=10, reply_tokens=10
    )
    forward, reverse = (_network(size, seed) for seed in (1, 2))
    folder.mkdir()
    save_model(Model(settings, Vocabulary(tokens), Conditions(["neutral", "joy"]), forward, reverse), folder)
    past = folder / "past_replies"
    past.mkdir()
    ReplyIndex.build(_corpus(folder.with_name("corpus")), past, silent_progress)
    write_arrays(past / "mean_thought.safetensors", {"mean_thought": np.zeros(size.thought_size, np.float32)})
    _write_ranker(past / "ranker.json")
    finalize_model_folder(folder, TRAINER, Options(), {"perplexity": 12.5})


def _write_ranker(file: Path) -> None:
    names = ("length", "rare words", "is likelier here, by the network", "leads to the message, by the reverse network")
    weights = [{"feature": name, "weight": 0.5, "mean": 1.0, "deviation": 2.0} for name in names]
    file.write_text(json.dumps({"moments": 20, "weights": weights}))


def _network(settings: NetworkSettings, seed: int) -> Network:
    generator = np.random.default_rng(seed)
    shapes = weight_shapes(settings).items()
    return Network(settings, {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes})


def _corpus(folder: Path) -> Corpus:
    folder.mkdir(exist_ok=True)
    lines = [json.dumps([{"text": text, "condition": "neutral"} for text in dialog]) + "\n" for dialog in _DIALOGS]
    (folder / "train.jsonl").write_text("".join(lines))
    (folder / "validation.jsonl").write_text(lines[0])
    return Corpus(folder)

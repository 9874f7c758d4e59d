"""Fixtures: a corpus of real conversations, a model trained on it, and the golden data of the original CakeChat."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import chitchat_dataset
import numpy as np
import pytest
from safetensors.numpy import load_file

from autocakechat import Corpus, Progress, RunContext
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig
from tests.conftest import ROOT, silent_progress
from tests.made_once import made_once

SMALL = Options(
    hidden=32, embedding=24, vocabulary=400, batch_size=32, epochs=2, learning_rate=0.02, precision="float32"
)
NETWORK = attrs.evolve(SMALL, ranking=False)
"""Trains the network alone, without past replies: the ranker takes as long as the network."""

QUICK = attrs.evolve(NETWORK, epochs=1, batch_size=512, rehearsals=0)
"""For tests of a training whose model is not used."""

CONFIG = TrainingConfig(
    epochs=1,
    patience=1,
    batch_size=8,
    optimizer="adam",
    learning_rate=0.01,
    decay=False,
    warm_up=0,
    clip_norm=None,
    clip_value=None,
    dropout=0.0,
    seed=1,
    checkpoint_seconds=1000.0,
)

GOLDEN = ROOT / "tests" / "data" / "cakechat-golden"


def conversations(number: int) -> list[list[dict[str, str]]]:
    """Returns conversations of two people, sorted by id.

    Consecutive messages of one sender are joined to a turn; the number of turns is made even.
    """
    dialogs: list[list[dict[str, str]]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package does not close its file
        dataset = chitchat_dataset.Dataset()
    for _, conversation in sorted(dataset.items()):
        messages = list(itertools.chain(*conversation["messages"]))
        turns = [
            {"text": "\n".join(message["text"] for message in turn), "condition": "neutral"}
            for _, turn in itertools.groupby(messages, key=lambda message: message["sender"])
        ]
        if len({message["sender"] for message in messages}) == 2 and len(turns) > 1:
            dialogs.append(turns[: len(turns) // 2 * 2])
        if len(dialogs) == number:
            break
    return dialogs


def write_corpus(folder: Path, train: list[Any], validation: list[Any]) -> Corpus:
    folder.mkdir(parents=True, exist_ok=True)
    for part, dialogs in (("train", train), ("validation", validation)):
        lines = [json.dumps(dialog, ensure_ascii=False) for dialog in dialogs]
        (folder / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / "report.json").write_text("{}")
    return Corpus(folder)


def run_in(folder: Path, seed: int = 42) -> RunContext:
    folder.mkdir(parents=True, exist_ok=True)
    return RunContext(log=logging.getLogger("autocakechat.test"), progress=silent_progress, seed=seed, state=folder)


def assert_same_weights(first: Path, second: Path) -> None:
    """Compares the weights of two model folders."""
    first_weights, second_weights = (load_file(folder / "weights.safetensors") for folder in (first, second))
    assert first_weights.keys() == second_weights.keys()
    for name in first_weights:
        np.testing.assert_array_equal(first_weights[name], second_weights[name])


class InterruptedProgress:
    """Raises KeyboardInterrupt after a number of mini-batches."""

    def __init__(self, batches: int) -> None:
        self.batches_left = batches

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        self.batches_left -= bool(figures)
        if not self.batches_left:
            raise KeyboardInterrupt


def interrupted(run: RunContext, batches: int) -> RunContext:
    @contextmanager
    def progress(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
        yield InterruptedProgress(batches)

    return attrs.evolve(run, progress=progress)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    dialogs = conversations(50)
    return write_corpus(tmp_path_factory.mktemp("corpus"), dialogs[:45], dialogs[45:])


def trained_once(
    name: str, options: Options, corpus: Corpus, factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Returns a model folder and its metrics, trained once for all processes of the tests."""

    def make(folder: Path) -> None:
        (folder / "model").mkdir()
        metrics = dict(train(options, corpus, folder / "model", run_in(folder / "state")))
        (folder / "metrics.json").write_text(json.dumps(metrics))

    folder = made_once(factory, name, make)
    return folder / "model", json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="session")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A trained model folder with past replies, and its metrics."""
    return trained_once("trained", SMALL, corpus, tmp_path_factory)


@pytest.fixture(scope="session")
def trained_network(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A trained model folder without past replies, and its metrics."""
    return trained_once("trained_network", NETWORK, corpus, tmp_path_factory)


@pytest.fixture(scope="session")
def golden_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `small` and `small-cudnn` of the golden data, with the HDF5 files decompressed."""
    unpacked = tmp_path_factory.mktemp("golden")
    for source in GOLDEN.glob("*/*"):
        target = unpacked / source.relative_to(GOLDEN)
        target.parent.mkdir(exist_ok=True)
        if source.suffix == ".gz":
            target.with_suffix("").write_bytes(gzip.decompress(source.read_bytes()))
        else:
            shutil.copyfile(source, target)
    return unpacked

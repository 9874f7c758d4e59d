"""Two processes on this machine train as one: gloo over the loopback interface."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus
from autocakechat.plugins.trainers.lora.options import Options

WORKER = """
import json, logging, sys
from pathlib import Path

import torch

from autocakechat import Corpus, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.options import Options

torch.set_num_threads(1)
settings = json.loads(sys.argv[1])
options = Options(**settings["options"] | {"base_path": Path(settings["options"]["base_path"])})
run = RunContext(logging.getLogger("worker"), silent_progress, 42, Path(settings["state"]))
print(json.dumps(TRAINER.train(options, Corpus(Path(settings["corpus"])), Path(settings["model"]), run)))
"""


def start(rank: int, port: int, folder: Path, options: Options, corpus: Corpus) -> subprocess.Popen[str]:
    for name in ("state", "model"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "options": attrs.asdict(options) | {"base_path": str(options.base_path)},
        "corpus": str(corpus.path),
        "state": str(folder / "state"),
        "model": str(folder / "model"),
    }
    launched = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, json.dumps(settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | launched,
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def train_in_two_processes(folder: Path, options: Options, corpus: Corpus) -> list[dict[str, Any]]:
    port = free_port()
    workers = [start(rank, port, folder / str(rank), options, corpus) for rank in range(2)]
    ended = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], ended
    return [json.loads(output.splitlines()[-1]) for output, _ in ended]


def curve(model: Path) -> list[float]:
    history = json.loads((model / "training.json").read_bytes())
    return [loss for _, loss in history["losses"]] + [found["bits_per_character"] for found in history["evaluations"]]


def test_two_processes_train_as_one_with_the_same_batches_and_resume(
    tmp_path: Path, options: Options, corpus: Corpus, learn: Callable[..., Path]
) -> None:
    tuned = attrs.evolve(options, dropout=0.0, epochs=1.0, ranking=False)
    alone = learn(tuned, corpus)
    first, second = train_in_two_processes(tmp_path, tuned, corpus)
    assert curve(tmp_path / "0/model") == pytest.approx(curve(alone), rel=1e-3)
    assert first["bits_per_character"] == second["bits_per_character"]
    assert not list((tmp_path / "1").rglob("*.*")), "only the first process writes"

    shutil.rmtree(tmp_path / "0/model")
    for resumed in train_in_two_processes(tmp_path, tuned, corpus):
        assert resumed["tokens_per_second"] == first["tokens_per_second"], "it was finished"
        assert resumed["bits_per_character"] == first["bits_per_character"]


def test_a_process_that_ends_is_reported_by_the_other(tmp_path: Path, options: Options, corpus: Corpus) -> None:
    port = free_port()
    worker = start(0, port, tmp_path / "0", options, corpus)
    other = start(1, port, tmp_path / "1", attrs.evolve(options, min_replies=1000), corpus)
    assert "fewer than trainer.min_replies" in other.communicate()[1]
    assert "cannot reach each other" in worker.communicate()[1]

"""Two processes on this machine train as one: gloo over the loopback interface."""

from __future__ import annotations

import json
import os
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

TRAINING = """
import json, logging, sys
from pathlib import Path

import torch

from autocakechat import Corpus, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.options import Options

torch.set_num_threads(1)
corpus, folder, options = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
options = Options(**options | {"base_path": Path(options["base_path"])})
run = RunContext(logging.getLogger("worker"), silent_progress, 42, folder / "state")
print(json.dumps(TRAINER.train(options, Corpus(corpus), folder / "model", run)))
"""

GROUP = """
import json, sys
from pathlib import Path

import torch

from autocakechat.plugins.trainers.lora.training.process_group import join_process_group

with join_process_group(torch.device("cpu")) as group:
    {}
"""


def run_in_two_processes(program: str, *arguments: str) -> list[subprocess.CompletedProcess[str]]:
    """Runs a program twice, as torchrun does; `RANK` in its arguments is the rank."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    launched = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, *(argument.replace("RANK", str(rank)) for argument in arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | launched | {"RANK": str(rank)},
        )
        for rank in range(2)
    ]
    try:
        return [
            subprocess.CompletedProcess(process.args, process.returncode, output, errors)
            for process in processes
            for output, errors in [process.communicate()]
        ]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def curve(model: Path) -> list[float]:
    history: dict[str, Any] = json.loads((model / "training.json").read_bytes())
    return [loss for _, loss in history["losses"]] + [found["bits_per_character"] for found in history["evaluations"]]


def test_two_processes_train_as_one_with_the_same_batches(
    tmp_path: Path, options: Options, corpus: Corpus, learn: Callable[..., Path]
) -> None:
    tuned = attrs.evolve(options, dropout=0.0, epochs=1.0, ranking=False)
    alone = learn(tuned, corpus)
    for rank in range(2):
        for name in ("state", "model"):
            (tmp_path / str(rank) / name).mkdir(parents=True)
    values = json.dumps(attrs.asdict(tuned) | {"base_path": str(tuned.base_path)})
    done = run_in_two_processes(TRAINING, str(corpus.path), str(tmp_path / "RANK"), values)
    assert [process.returncode for process in done] == [0, 0], done
    assert curve(tmp_path / "0/model") == pytest.approx(curve(alone), rel=1e-3)
    assert not list((tmp_path / "1").rglob("*.*")), "only the first process writes"
    first, second = (json.loads(process.stdout.splitlines()[-1]) for process in done)
    assert first["bits_per_character"] == second["bits_per_character"]


def test_a_process_that_joins_has_the_checkpoint_of_the_first(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra `lora` is not installed")
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
    content = {"checkpoint": os.urandom(1000), "best-1": b""}
    for name, value in content.items():
        (tmp_path / "0" / name).write_bytes(value)
    done = run_in_two_processes(GROUP.format("group.copy_files(Path(sys.argv[1]))"), str(tmp_path / "RANK"))
    assert [process.returncode for process in done] == [0, 0], done
    assert {file.name: file.read_bytes() for file in (tmp_path / "1").iterdir()} == content


def test_gradients_and_numbers_are_added_also_without_a_part_of_the_batch() -> None:
    pytest.importorskip("torch", reason="the extra `lora` is not installed")
    program = GROUP.format(
        """
    weight = torch.nn.Parameter(torch.ones(2, 2))
    part = group.part([3.0])
    for factor in part:
        (weight * factor).sum().backward()
    group.sum_gradients([weight])
    print(json.dumps([list(part), weight.grad.tolist(), group.sum_numbers(group.rank, 5)]))
"""
    )
    done = run_in_two_processes(program)
    assert [process.returncode for process in done] == [0, 0], done
    gradient = [[3.0, 3.0], [3.0, 3.0]]
    assert [json.loads(process.stdout) for process in done] == [[[3.0], gradient, [1, 10]], [[], gradient, [1, 10]]]


def test_a_process_that_ends_is_reported_by_the_other() -> None:
    pytest.importorskip("torch", reason="the extra `lora` is not installed")
    _, second = run_in_two_processes(GROUP.format("group.rank == 0 and sys.exit(); group.sum_numbers(1)"))
    assert "the processes of the training cannot reach each other" in second.stderr

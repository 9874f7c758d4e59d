"""Several workers train one network: two processes that `TF_CONFIG` connects on the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus, UserError
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.workers.cluster import Place, read_place
from tests.conftest import ROOT
from tests.trainers.cakechat.conftest import NETWORK, interrupted, run_in

OPTIONS = attrs.evolve(NETWORK, dropout=0.2, rehearsals=0)

WORKER = """
import json, logging, sys
from pathlib import Path
from autocakechat import Corpus, StageError
from tests.trainers.cakechat.training.test_workers import train_in
logging.basicConfig(level=logging.INFO, format="%(message)s")
corpus, folder, options, batches = sys.argv[1:]
try:
    train_in(Path(folder), Corpus(Path(corpus)), int(batches), **json.loads(options))
except StageError as error:
    sys.exit(str(error))
except KeyboardInterrupt:
    sys.exit(130)
"""
TIMEOUT = 360


def train_in(folder: Path, corpus: Corpus, interrupted_after: int = 0, **options: Any) -> None:
    """Trains in this process, as the worker that `TF_CONFIG` names, or alone.

    Args:
        folder: A folder for checkpoints and the model.
        corpus: The corpus.
        interrupted_after: Mini-batches after which the training is interrupted; 0 for none.
        options: Options of the training.
    """
    run = run_in(folder / "state")
    (folder / "model").mkdir(exist_ok=True)
    if interrupted_after:
        run = interrupted(run, interrupted_after)
    train(attrs.evolve(OPTIONS, **options), corpus, folder / "model", run)


class Workers:
    """Processes that train one network together.

    Args:
        corpus: The corpus.
        folders: A folder for each worker, with its checkpoints and its model.
        interrupted_after: Mini-batches after which each worker is interrupted; 0 for none.
        options: Options of the training.
    """

    def __init__(self, corpus: Corpus, folders: list[Path], interrupted_after: int = 0, **options: Any) -> None:
        addresses = free_addresses(len(folders))
        arguments = [json.dumps(options), str(interrupted_after)]
        self.processes = []
        for index, folder in enumerate(folders):
            folder.mkdir(exist_ok=True)
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = os.environ | {"TF_CONFIG": json.dumps(config)}
            command = [sys.executable, "-c", WORKER, str(corpus.path), str(folder), *arguments]
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
            )

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def wait(self) -> list[tuple[int, str]]:
        """Returns the exit status and the log of each worker."""
        logs = [process.communicate(timeout=TIMEOUT)[1] for process in self.processes]
        return [(process.returncode, log) for process, log in zip(self.processes, logs, strict=True)]


def free_addresses(number: int) -> list[str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{free.getsockname()[1]}" for free in sockets]


def train_together(
    corpus: Corpus, folders: list[Path], interrupted_after: int = 0, **options: Any
) -> list[tuple[int, str]]:
    with Workers(corpus, folders, interrupted_after, **options) as workers:
        return workers.wait()


def losses(folder: Path) -> list[float]:
    history = json.loads((folder / "model" / "training.json").read_text())["forward"]
    return [point["loss"] for point in history["curve"]] + history["perplexities"]


def files(folder: Path) -> set[str]:
    return {file.name for part in ("model", "state") for file in (folder / part).iterdir()}


def test_two_workers_learn_what_one_learns_and_resume_with_another_number_of_workers(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = [tmp_path / "chief", tmp_path / "other"]
    for status, log in train_together(corpus, folders, interrupted_after=10):
        assert status == 130, log
    caplog.set_level("INFO")
    with pytest.raises(KeyboardInterrupt):
        train_in(folders[0], corpus, interrupted_after=10)
    assert "resuming from step 10" in caplog.text
    (status, log), (other_status, _) = train_together(corpus, folders)
    assert (status, other_status) == (0, 0), log
    assert "resuming from step 20" in log

    alone = tmp_path / "alone"
    train_in(alone, corpus)
    assert losses(folders[0]) == pytest.approx(losses(alone), abs=1e-3)
    assert len(losses(alone)) > 50
    assert files(folders[0]) == files(alone)
    assert not files(folders[1])


def test_a_killed_worker_ends_the_others_and_the_training_resumes(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = [tmp_path / "chief", tmp_path / "other"]
    with Workers(corpus, folders, epochs=50, patience=50, checkpoint_seconds=0.01) as workers:
        deadline = time.monotonic() + TIMEOUT
        while not (folders[0] / "state" / "checkpoint-forward.safetensors").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers.processes[1].send_signal(signal.SIGKILL)
        status, log = workers.wait()[0]
    assert status == 1
    assert "another worker of the training has ended or cannot be reached; see its log, and start all workers" in log
    caplog.set_level("INFO")
    with pytest.raises(KeyboardInterrupt):
        train_in(folders[0], corpus, interrupted_after=1, epochs=50, patience=50)
    assert "resuming from step" in caplog.text


def test_the_chief_is_the_first_worker() -> None:
    def place(task: dict[str, Any], **cluster: list[str]) -> Place:
        return read_place({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})

    addresses = ["a:1", "b:1"]
    assert read_place({}) == read_place({"TF_CONFIG": "{}"}) == Place(0, 1)
    assert place({"type": "worker", "index": 1}, worker=addresses) == Place(1, 2)
    assert place({"type": "chief", "index": 0}, worker=addresses, chief=["c:1"]) == Place(0, 3)
    assert place({"type": "worker", "index": 0}, worker=addresses, chief=["c:1"]) == Place(1, 3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "environment variable TF_CONFIG: Input data was truncated; set it as TensorFlow documents it"),
        ('{"cluster": {"worker": "a:1"}}', r"environment variable TF_CONFIG: Expected `array`, got `str`"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            "environment variable TF_CONFIG: task 'ps' 0 is not one of the 1 workers",
        ),
    ],
)
def test_an_invalid_variable_is_an_error(config: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_place({"TF_CONFIG": config})

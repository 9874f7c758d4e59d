"""A cluster makes the same corpus and the same model as one machine, also when it loses a worker or is interrupted."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat.testing import Project
from tests.core.cluster.conftest import EXPORTS, LocalCluster

SECONDS = 180  # the machine may be busy


@attrs.frozen
class Training:
    """Trainings of a project in a cluster.

    Attributes:
        project: The project.
        cluster: The cluster.
        processes: Where the workers write the ids of their processes.
    """

    project: Project
    cluster: LocalCluster
    processes: Path

    def command(self, **options: object) -> list[str]:
        """Returns the command line of a training with some options of `[trainer]` and `[cluster]`."""
        tables = {"workers": "cluster", "storage": "cluster"}
        settings = {f"{tables.get(name, 'trainer')}.{name}": value for name, value in options.items()}
        settings["trainer.processes"] = self.processes
        overrides = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        return ["run", "--until", "model", "--json", "--cluster", self.cluster.address, *overrides]

    def metrics(self, **options: object) -> dict[str, Any]:
        """Trains, and returns the metrics."""
        return metrics_of(self.project.acc(*self.command(**options)))

    def here(self, steps: int) -> int:
        """Trains on this machine alone, and returns the sum."""
        total: int = metrics_of(
            self.project.run("--until", "model", "--json", "--force", "model", "--set", f"trainer.steps={steps}")
        )["sum"]
        return total

    def process(self, rank: int) -> int:
        """Returns the id of the process of a worker."""
        return int((self.processes / str(rank)).read_text())


def metrics_of(completed: Any) -> dict[str, Any]:
    """Returns the metrics that `acc run --json` printed."""
    assert completed.returncode == 0, completed.stderr
    metrics: dict[str, Any] = json.loads(completed.stdout)["model"]["metrics"]
    return metrics


@pytest.fixture
def training(project: Project, cluster: LocalCluster, tmp_path: Path) -> Training:
    """Trainings of the project in the cluster."""
    processes = tmp_path / "processes"
    processes.mkdir()
    return Training(project, cluster, processes)


def corpus_files(project: Project, *arguments: str) -> dict[str, bytes]:
    """Builds the corpus, and returns its files except for the manifest, which contains the time."""
    built = project.run("--until", "corpus", "--json", *arguments)
    assert built.returncode == 0, built.stderr
    folder = Path(json.loads(built.stdout)["corpus"]["path"])
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "corpus.json"}


def checkpoints(folder: Path) -> list[Path]:
    """Returns the checkpoints under a folder."""
    return list(folder.rglob("checkpoint.json"))


def is_running(process: int) -> bool:
    """Returns whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_corpus_is_the_same_byte_for_byte(project: Project, cluster: LocalCluster) -> None:
    here = corpus_files(project)
    there = corpus_files(project, "--force", "corpus", "--cluster", cluster.address)
    assert there == here
    assert b"[phone]" in here["train.jsonl"]
    assert json.loads(here["report.json"])["dialogs"] == EXPORTS


def test_a_killed_worker_does_not_change_the_model(training: Training) -> None:
    with training.project.start(*training.command(steps=12, pause=0.2)) as acc:
        acc.wait_for(lambda: checkpoints(training.project.folder), SECONDS)
        os.kill(training.process(rank=1), signal.SIGKILL)
        acc.process.wait(SECONDS)
    assert acc.process.returncode == 0, acc.stderr
    assert "a worker was lost; the training continues from the last checkpoint" in acc.stderr
    metrics = json.loads(acc.stdout)["model"]["metrics"]
    assert metrics["workers"] == 2
    assert metrics["first_step"] > 0
    assert checkpoints(training.project.folder) == []
    assert metrics["sum"] == training.here(steps=12)


def test_an_interrupted_training_resumes_with_another_number_of_workers(training: Training, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with training.project.start(*training.command(steps=12, pause=0.2, storage=storage)) as acc:
        acc.wait_for(lambda: checkpoints(storage), SECONDS)
        assert acc.stop(signal.SIGINT, SECONDS) == 130
    assert "Traceback" not in acc.stderr
    assert not any(is_running(training.process(rank)) for rank in range(2))
    assert checkpoints(storage)
    metrics = training.metrics(steps=12, storage=storage, workers=1)
    assert metrics["workers"] == 1
    assert metrics["first_step"] > 0
    assert list(storage.iterdir()) == []
    assert metrics["sum"] == training.here(steps=12)


def test_a_bug_of_a_worker_is_attributed_to_its_plugin(training: Training) -> None:
    failed = training.project.acc(*training.command(crash="true"))
    assert failed.returncode == 1
    assert "plugin summing (acc-summing 1.2): failed with ZeroDivisionError: a bug" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_cluster_that_is_too_small_is_an_error(training: Training) -> None:
    failed = training.project.acc(*training.command(workers=3))
    assert failed.returncode == 2
    assert "cluster: there is room for 2 of 3 workers with a CPU each; add machines" in failed.stderr

"""A cluster makes the same corpus and the same model as one machine, also when it loses a worker or is interrupted."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from autocakechat.testing import Project
from tests.core.cluster.conftest import EXPORTS, LocalCluster
from tests.core.cluster.trainings import SECONDS, Training, checkpoints, corpus_files


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


@pytest.mark.soak
def test_a_bug_of_a_worker_is_attributed_to_its_plugin(training: Training) -> None:
    failed = training.project.acc(*training.command(crash="true"), timeout=SECONDS)
    assert failed.returncode == 1
    assert "plugin summing (acc-summing 1.2): failed with ZeroDivisionError: a bug" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_cluster_that_is_too_small_is_an_error(training: Training) -> None:
    failed = training.project.acc(*training.command(workers=3), timeout=SECONDS)
    assert failed.returncode == 2
    assert "cluster: there is room for 2 of 3 workers with a CPU each; add machines" in failed.stderr

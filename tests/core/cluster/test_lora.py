"""The trainer `lora` learns on two workers what it learns in one process, also when one of them is killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from autocakechat.testing import Project
from tests.core.cluster.conftest import LocalCluster
from tests.core.cluster.trainings import SECONDS
from tests.trainers.lora.tiny_base import make_tiny_base


def curve(printed: str) -> list[float]:
    """Returns the losses and the bits per character of a training, from what `acc run --json` printed."""
    model = Path(json.loads(printed)["model"]["path"])
    history: dict[str, Any] = json.loads((model / "training.json").read_bytes())
    return [loss for _, loss in history["losses"]] + [found["bits_per_character"] for found in history["evaluations"]]


@pytest.mark.soak
def test_a_lost_worker_does_not_change_the_curve(project: Project, cluster: LocalCluster, tmp_path: Path) -> None:
    for library in ("torch", "peft"):
        pytest.importorskip(library, reason="the extra `lora` is not installed")
    project.environment["OMP_NUM_THREADS"] = "1"  # on a small model, threads only wait for each other
    base = make_tiny_base(tmp_path / "base")
    options = {"epochs": 6, "window": 128, "step_tokens": 512, "dropout": 0.0, "precision": "float32"}
    project.pipeline(
        source={"use": "telegram", "path": "chats"},
        extractor={"use": "turns", "server": "user2"},
        trainer={"use": "lora", "base_path": str(base), "ranking": False, "rehearsals": 0, "checkpoint_seconds": 0.1}
        | options,
    )
    command = ("run", "--until", "model", "--json", "--force", "model")
    here = project.acc(*command, timeout=SECONDS)
    assert here.returncode == 0, here.stderr
    expected = curve(here.stdout)
    with project.start(*command, "--cluster", cluster.address) as acc:
        acc.wait_for(lambda: list(project.folder.rglob("checkpoint.safetensors")), SECONDS)
        os.kill(cluster.workers()[0], signal.SIGKILL)
        acc.process.wait(SECONDS)
    assert acc.process.returncode == 0, acc.stderr
    assert "a worker was lost; the training continues from the last checkpoint" in acc.stderr
    assert "resuming from step" in acc.stderr
    assert curve(acc.stdout) == pytest.approx(expected, rel=1e-3)

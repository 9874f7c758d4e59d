"""What each worker of a cluster copies before a training."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from autocakechat.config.pipeline import StageConfig
from autocakechat.pipeline.distributed_training import Places, TrainingJob
from autocakechat.testing.fake_stages import EchoOptions, acc_trainers

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'autocakechat[ray]'")


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    """A training whose folders all machines see."""
    (tmp_path / "corpus").mkdir()
    (trainer,) = acc_trainers()
    places = Places(
        corpus=str(tmp_path / "corpus"),
        previous=None,
        checkpoints=str(tmp_path / "checkpoints"),
        model=str(tmp_path / "model"),
    )
    config = StageConfig(trainer, EchoOptions(), "trainer")
    return TrainingJob(trainer=config, owner="test", seed=1, log=logging.getLogger("test"), places=places)


def test_a_worker_may_be_ready_before_the_chief_has_created_the_folder_for_checkpoints(
    job: TrainingJob, tmp_path: Path
) -> None:
    job.prepare(1, tmp_path / "other")
    job.prepare(0, tmp_path / "chief")
    (tmp_path / "checkpoints" / "one").write_text("1")
    job.prepare(2, tmp_path / "late")
    assert not list((tmp_path / "other" / "checkpoints").iterdir())
    assert (tmp_path / "late" / "checkpoints" / "one").read_text() == "1"

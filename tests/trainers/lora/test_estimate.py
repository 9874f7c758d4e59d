"""What `acc init` is told about a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import multiplies_bfloat16
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.training import estimate
from autocakechat.plugins.trainers.lora.training.memory import free_memory

ENGLISH = ["hey, what is up?", "I have to go to the dentist", "that is my idea of fun and you know it"]
GERMAN = ["na, was geht?", "ich muss zum zahnarzt, das ist so ein mist", "und du weißt das auch, oder?"]


@pytest.fixture(autouse=True)
def enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda: 8 * 10**9)


def test_more_replies_take_longer_and_are_learnt_better() -> None:
    assert TRAINER.estimate
    few, many = (TRAINER.estimate(replies, ENGLISH) for replies in (500, 20_000))
    assert 60 < few.seconds < many.seconds
    assert few.quality < many.quality < 0.8


def test_the_default_base_is_no_good_for_another_language() -> None:
    english, german = (estimate.estimate_training(5000, texts) for texts in (ENGLISH, GERMAN))
    assert "knows English only" in german.remark
    assert german.quality < 0.5 < english.quality
    assert not estimate.is_english([])


def test_without_memory_it_cannot_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda: 2 * 10**9)
    found = estimate.estimate_training(5000, ENGLISH)
    assert found.quality == 0
    assert found.remark == "needs 4 GB of free memory"


def test_without_bfloat16_it_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = []
    for fast in (True, False):
        monkeypatch.setattr(estimate, "multiplies_bfloat16", lambda fast=fast: fast)
        seconds.append(estimate.estimate_training(50_000, ENGLISH).seconds)
    assert seconds[1] == pytest.approx(2 * seconds[0], rel=0.1)


def test_the_machine_is_read_from_the_files_of_linux(tmp_path: Path) -> None:
    file = tmp_path / "info"
    file.write_text("flags : fpu avx512_bf16\n")
    assert multiplies_bfloat16(file)
    file.write_text("MemTotal: 8 kB\nMemAvailable:    2000 kB\n")
    assert not multiplies_bfloat16(file)
    assert free_memory(file) == 2_048_000
    assert free_memory(tmp_path / "missing") is None
    assert not multiplies_bfloat16(tmp_path / "missing")

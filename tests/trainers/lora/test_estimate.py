"""What `acc init` is told about a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import multiplies_bfloat16
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.training import estimate
from autocakechat.plugins.trainers.lora.training.memory import free_memory, lacks_memory

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
    monkeypatch.setattr(estimate, "free_memory", lambda: 25 * 10**8)
    found = estimate.estimate_training(5000, ENGLISH)
    assert found.quality == 0
    assert found.remark == "needs 2.8 GB of free memory"


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
    assert free_memory(file, tmp_path, tmp_path / "missing") == 2_048_000
    assert free_memory(tmp_path / "missing") is None
    assert not multiplies_bfloat16(tmp_path / "missing")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"memory.max": "max", "memory.current": "7000"}, 2_048_000),
        ({"memory.max": "9000", "memory.current": "7000"}, 2000),
        ({"memory.max": "9000", "memory.current": "7000", "memory.stat": "anon 1\ninactive_file 500"}, 2500),
        ({"memory.max": "9000", "memory.current": "9500"}, 0),
        ({"bots/one/memory.max": "9000", "bots/one/memory.current": "7000"}, 2000),
        ({"bots/memory.max": "9000", "bots/memory.current": "7000"}, 2000),
        ({"memory/memory.limit_in_bytes": "9000", "memory/memory.usage_in_bytes": "8000"}, 1000),
        ({"memory/memory.limit_in_bytes": str(2**63 - 4096), "memory/memory.usage_in_bytes": "8000"}, 2_048_000),
    ],
)
def test_a_container_may_have_less_memory_than_the_machine(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:    2000 kB\n")
    (tmp_path / "membership").write_text("0::/bots/one\n")
    for name, content in files.items():
        (tmp_path / "cgroups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroups" / name).write_text(content + "\n")
    assert free_memory(tmp_path / "meminfo", tmp_path / "cgroups", tmp_path / "membership") == expected


def test_only_errors_that_say_so_are_a_lack_of_memory() -> None:
    torch = pytest.importorskip("torch")
    processor = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError(processor)):
        assert lacks_memory(error)
    assert lacks_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."))
    for text in ("unsupported memory format option", "CUDA error: an illegal memory access was encountered"):
        assert not lacks_memory(RuntimeError(text))

"""The trainer `lora` passes the contract tests of `autocakechat.testing`, with both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import TrainerType
from autocakechat.testing import TrainerContract
from autocakechat.testing.trainer import TrainingResult
from tests.trainers.lora.llama_cpp.gguf_base import write_gguf_base


class TestLora(TrainerContract):
    name = "lora"
    reply = {"max_tokens": 12}  # noqa: RUF012 - as in the base class
    diaries = ("training.json", "training.html")
    refused = (
        {"base": "no-such-base"},
        {"base": "hf:owner/name"},
        {"rank": 0, "dropout": 1.0},
        {"precision": "int3"},
        {"sha256": ["abc"]},
    )

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def small(cls, tiny_base: Path) -> None:
        cls.options = {
            "base_path": str(tiny_base),
            "window": 128,
            "precision": "float32",
            "epochs": 0.5,
            "rehearsals": 1,
            "checkpoint_seconds": 3600.0,
        }

    def test_the_model_replies_in_a_new_process(self, trained: TrainingResult, stage: TrainerType) -> None:
        """A base that is no GGUF file needs PyTorch; without it one line says so."""
        project = trained.project.without_modules(["torch"])
        done = project.acc("chat", trained.folder, stdin="hello\n")
        assert done.returncode == 2
        assert "llama.cpp needs a base in a .gguf file" in done.stderr


class TestLoraWithLlama(TestLora):
    """A base in a GGUF file, so that llama.cpp replies."""

    test_the_model_replies_in_a_new_process = TrainerContract.test_the_model_replies_in_a_new_process

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def small(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        pytest.importorskip("xllamacpp", reason="the extra `llama` is not installed")
        base = write_gguf_base(tmp_path_factory.mktemp("base") / "tiny.gguf")
        cls.options = {
            "base_path": str(base),
            "window": 128,
            "precision": "float32",
            "epochs": 0.5,
            "rehearsals": 1,
            "checkpoint_seconds": 3600.0,
        }

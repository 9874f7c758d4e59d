"""The trainer `lora` passes the contract tests of `autocakechat.testing`."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat.testing import TrainerContract


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

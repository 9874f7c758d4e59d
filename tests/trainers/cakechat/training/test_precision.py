"""`precision`: what `auto` chooses, what a training in bfloat16 learns, and that a resumed training keeps its own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from autocakechat import Corpus, RunContext
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_arrays
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training import precision as precision_module
from autocakechat.plugins.trainers.cakechat.training.checkpoint import recorded_precision
from autocakechat.plugins.trainers.cakechat.training.precision import choose_precision
from tests.trainers.cakechat.conftest import NETWORK, interrupted, run_in

BFLOAT16 = attrs.evolve(NETWORK, precision="bfloat16")
AUTO = attrs.evolve(NETWORK, precision="auto")


def on_a_processor(monkeypatch: pytest.MonkeyPatch, multiplies_bfloat16: bool) -> None:
    monkeypatch.setattr(precision_module, "multiplies_bfloat16", lambda: multiplies_bfloat16)


def test_auto_is_what_the_processor_multiplies(run: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_processor(monkeypatch, True)
    assert choose_precision("auto", run) == "bfloat16"
    assert choose_precision("float32", run) == "float32"
    on_a_processor(monkeypatch, False)
    assert choose_precision("auto", run) == "float32"
    assert choose_precision("bfloat16", run) == "bfloat16"


def test_a_training_in_bfloat16_learns_as_much(
    corpus: Corpus, trained_network: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    metrics = train(BFLOAT16, corpus, tmp_path, run_in(tmp_path / "state"))
    assert metrics["perplexity"] == pytest.approx(trained_network[1]["perplexity"], rel=0.03)
    assert metrics["perplexity"] != trained_network[1]["perplexity"]
    weights, _ = read_arrays(tmp_path / "weights.safetensors")
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_a_resumed_training_keeps_its_precision(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    on_a_processor(monkeypatch, True)
    run = run_in(tmp_path / "state")
    with pytest.raises(KeyboardInterrupt):
        train(AUTO, corpus, tmp_path, interrupted(run, 5))
    assert recorded_precision(run.state) == "bfloat16"

    on_a_processor(monkeypatch, False)
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        train(AUTO, corpus, tmp_path, interrupted(run, 1))
    assert "the training is in bfloat16, which this machine emulates slowly" in caplog.text
    assert "resuming from step 5" in caplog.text


def test_a_damaged_checkpoint_names_no_precision(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-forward.safetensors").write_bytes(b"half a checkpoint")
    assert recorded_precision(tmp_path) is None

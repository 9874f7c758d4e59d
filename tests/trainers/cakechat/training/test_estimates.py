"""Estimates of time and memory before the training."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import attrs
import numpy as np
import pytest

from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER, train
from autocakechat.plugins.trainers.cakechat.training import train as train_module
from autocakechat.plugins.trainers.cakechat.training.estimates import available_memory, format_duration
from autocakechat.plugins.trainers.cakechat.training.preparation import prepare
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainStep
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from tests.trainers.cakechat.conftest import CONFIG, SMALL, interrupted, run_in


def test_measuring_steps_changes_nothing(corpus: Corpus, tmp_path: Path) -> None:
    prepared = prepare(SMALL, corpus, 1, run_in(tmp_path / "state"))
    network = TrainableNetwork(prepared.settings.network, 1)
    batcher = prepared.settings.batcher(prepared.vocabulary)
    step = TrainStep(network, CONFIG, 10)
    batch = batcher.batch(prepared.samples, np.arange(8))
    before = step(batch)
    variables = [*network.trainable_variables, *step.optimizer.variables]
    values = [np.array(variable.numpy()) for variable in variables]
    assert all(seconds > 0 for seconds in step.measure_seconds([batch, batch, batch]))
    for variable, value in zip(variables, values, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert step.steps == 1
    assert step(batch) < before


def test_the_time_and_the_memory_are_estimated_before_the_training(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    options, run = attrs.evolve(SMALL, reverse=True), run_in(tmp_path / "state")
    shortage = "GB of memory, but only 0.0 GB are available; lower trainer.batch_size"
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        train(options, corpus, tmp_path, interrupted(run, 1))
    assert re.search(r" weights; about \d\.\d GB of memory; products in float32\n", caplog.text)
    expected = r"forward model: about \d+ s for 2 epochs on this machine, and as long again for the reverse model\n"
    assert re.search(expected, caplog.text)
    assert shortage not in caplog.text

    caplog.clear()
    monkeypatch.setattr(train_module, "available_memory", lambda: 2 * 2**20)
    with pytest.raises(KeyboardInterrupt):
        train(options, corpus, tmp_path, interrupted(run, 1))
    assert "s for the rest of 2 epochs on this machine" in caplog.text
    assert shortage in caplog.text


def test_durations_have_few_digits() -> None:
    seconds = (1, 52, 94, 96, 12 * 60 + 20, 3599, 3.33 * 3600, 28.4 * 3600)
    expected = ["10 s", "50 s", "90 s", "2 min", "12 min", "1 h", "3.3 h", "28 h"]
    assert [format_duration(value) for value in seconds] == expected


def test_the_available_memory_is_that_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemFree:   1 kB\nMemAvailable:    2048 kB\n")
    assert available_memory(tmp_path / "meminfo") == 2 * 2**20
    assert available_memory(tmp_path / "none") is None


def test_more_replies_take_longer_and_give_a_better_bot() -> None:
    assert TRAINER.estimate
    found = [TRAINER.estimate(replies, ()) for replies in (0, 500, 6_000, 100_000)]
    assert [estimate.seconds for estimate in found] == sorted(estimate.seconds for estimate in found)
    assert [estimate.quality for estimate in found] == sorted(estimate.quality for estimate in found)
    assert found[2].seconds < 120
    assert found[3].seconds > 200

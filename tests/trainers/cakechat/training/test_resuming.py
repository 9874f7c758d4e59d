"""Trainings that are interrupted or killed resume with the same result, and checkpoints that cannot be used."""

from __future__ import annotations

import logging
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_arrays, write_arrays
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training import checkpoint
from autocakechat.plugins.trainers.cakechat.training.checkpoint import Checkpoints
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History
from autocakechat.plugins.trainers.cakechat.training.preparation import prepare
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainStep
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from tests.conftest import ROOT
from tests.trainers.cakechat.conftest import CONFIG, NETWORK, QUICK, assert_same_weights, interrupted, run_in


def test_an_interrupted_training_ends_with_the_same_weights(
    corpus: Corpus, trained_network: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run = run_in(tmp_path / "state")
    batches_into_second_epoch = math.ceil(trained_network[1]["samples"] / 32) + 5
    with pytest.raises(KeyboardInterrupt):
        train(NETWORK, corpus, tmp_path, interrupted(run, batches_into_second_epoch))
    metrics = train(NETWORK, corpus, tmp_path, run)
    assert metrics["perplexity"] == trained_network[1]["perplexity"]
    assert_same_weights(tmp_path, trained_network[0])


TRAIN_WITH_FREQUENT_CHECKPOINTS = """
import logging, sys
from pathlib import Path
import attrs
from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from tests.trainers.cakechat.conftest import NETWORK, run_in
options = attrs.evolve(NETWORK, checkpoint_seconds=0.001)
train(options, Corpus(Path(sys.argv[1])), Path(sys.argv[2]), run_in(Path(sys.argv[3])))
"""


def test_a_killed_training_resumes(
    corpus: Corpus, trained_network: tuple[Path, dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-c", TRAIN_WITH_FREQUENT_CHECKPOINTS, str(corpus.path), str(tmp_path), str(state)]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (state / "checkpoint-forward.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "weights.safetensors").exists()

    caplog.set_level(logging.INFO)
    train(NETWORK, corpus, tmp_path, run_in(state))
    assert "resuming from step" in caplog.text
    assert_same_weights(tmp_path, trained_network[0])


def test_a_damaged_checkpoint_is_ignored(corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = run_in(tmp_path / "state")
    (run.state / "checkpoint-forward.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 half a checkpoint")
    metrics = train(QUICK, corpus, tmp_path, run)
    assert metrics["epochs"] == 1
    assert "starting over: the checkpoint cannot be used" in caplog.text


def without_array(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    del arrays["optimizer.3"]


def with_array_of_another_shape(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    arrays["optimizer.3"] = np.zeros(7, np.float32)


def without_history(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    del metadata["history"]


def test_an_incomplete_checkpoint_is_ignored_and_changes_nothing(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_in(tmp_path / "state")
    network = TrainableNetwork(prepare(NETWORK, corpus, 1, run).settings.network, 1)
    optimizer = TrainStep(network, CONFIG, 10).optimizer
    checkpoints = Checkpoints(run.state, "forward", "this training", network, optimizer, run.log, WorkerGroup())
    history = History(losses=[3.0], perplexities=[20.0], steps=[5])
    checkpoints.save(history, 0.25)

    file = run.state / "checkpoint-forward.safetensors"
    complete = file.read_bytes()
    variables = [*network.trainable_variables, *optimizer.variables]
    saved = [variable.numpy().copy() for variable in variables]
    others = [np.ones_like(value) for value in saved]
    for variable, value in zip(variables, others, strict=True):
        variable.assign(value)
    for damage in (without_array, without_history, with_array_of_another_shape):
        arrays, metadata = read_arrays(file)
        damage(arrays, metadata)
        write_arrays(file, arrays, metadata)
        caplog.clear()
        assert checkpoints.resume() == (History(), 0.0)
        assert "starting over: the checkpoint cannot be used" in caplog.text, damage
        for variable, value in zip(variables, others, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
        file.write_bytes(complete)

    assert checkpoints.resume() == (history, 0.25)
    for variable, value in zip(variables, saved, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


class InterruptFirstCall:
    """Raises KeyboardInterrupt when a function of the checkpoint module is called for the first time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        original = getattr(checkpoint, name)
        self.raised = False

        def replacement(*arguments: Any) -> Any:
            if not self.raised:
                self.raised = True
                raise KeyboardInterrupt
            return original(*arguments)

        monkeypatch.setattr(checkpoint, name, replacement)


def test_ctrl_c_at_the_end_of_an_epoch_loses_nothing(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in(tmp_path / "state")
    # Both are first called at the end of the epoch, to save the best weights.
    for function in ("get_weights", "write_arrays"):
        with monkeypatch.context() as patch:
            interruption = InterruptFirstCall(patch, function)
            with pytest.raises(KeyboardInterrupt):
                train(QUICK, corpus, tmp_path, run)
        assert interruption.raised
    assert train(QUICK, corpus, tmp_path, run)["epochs"] == 1

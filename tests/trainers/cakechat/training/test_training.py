"""Training: what it leaves behind, and that it bears interruption."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from safetensors.numpy import load_file

from autocakechat import Corpus, Progress, Request, RunContext, StageError, UserError
from autocakechat.plugins.trainers.cakechat.data.samples import make_samples
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import inputs, load, train
from autocakechat.plugins.trainers.cakechat.training import loop
from autocakechat.plugins.trainers.cakechat.training import train as trainer
from autocakechat.plugins.trainers.cakechat.training.loop import Plan, Training
from autocakechat.plugins.trainers.cakechat.training.memory_estimate import bytes_available
from autocakechat.plugins.trainers.cakechat.training.presets import GENTLE, SIZES, size_of
from tests.conftest import ROOT
from tests.trainers.cakechat.conftest import SMALL, conversations, run_in, write_corpus

PLAN = Plan(
    epochs=1,
    patience=1,
    batch_size=8,
    optimizer="adam",
    learning_rate=0.01,
    decay=False,
    warm_up=0,
    clip_norm=None,
    clip_value=None,
    dropout=0.0,
    seed=1,
    checkpoint_seconds=1000.0,
)


class InterruptedProgress:
    """Presses Ctrl-C after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        self.left -= bool(figures)
        if not self.left:
            raise KeyboardInterrupt


def interrupted(run: RunContext, batches: int) -> RunContext:
    @contextmanager
    def progress(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
        yield InterruptedProgress(batches)

    return attrs.evolve(run, progress=progress)


def assert_same_weights(first: Path, second: Path) -> None:
    ours, theirs = (load_file(folder / "weights.safetensors") for folder in (first, second))
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_training_learns_more_than_word_frequencies(trained: tuple[Path, dict[str, Any]]) -> None:
    _, metrics = trained
    assert metrics["perplexity"] < 0.9 * metrics["unigram_perplexity"]
    assert metrics["words"] == 400


def test_training_on_lower_case_tokens_learns_far_more_than_word_frequencies(corpus: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    metrics = train(attrs.evolve(SMALL, text="cakechat"), corpus, folder, run_in(tmp_path / "state"))
    assert metrics["perplexity"] < 0.8 * metrics["unigram_perplexity"]
    assert metrics["samples"] > 500


def test_the_perplexity_is_that_of_the_folder(corpus: Corpus, trained: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = trained
    model = load_model(folder)
    validation = make_samples(corpus.dialogs("validation"), model.style.tokenize, model.vocabulary, model.conditions, 3)
    measured = Training(
        model.network, model.batcher, validation, validation, PLAN, run_in(folder.parent / "s"), "forward", ""
    )
    assert measured.perplexity(validation) == pytest.approx(metrics["perplexity"], rel=1e-5)


def test_an_interrupted_training_ends_with_the_same_weights(
    corpus: Corpus, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run = run_in(tmp_path / "state")
    within_the_second_epoch = math.ceil(trained[1]["samples"] / 32) + 5
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, corpus, tmp_path, interrupted(run, within_the_second_epoch))
    metrics = train(SMALL, corpus, tmp_path, run)
    assert metrics["perplexity"] == trained[1]["perplexity"]
    assert_same_weights(tmp_path, trained[0])


KILLED = """
import logging, sys
from pathlib import Path
import attrs
from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from tests.trainers.cakechat.conftest import SMALL, run_in
class Progress: pass
options = attrs.evolve(SMALL, checkpoint_seconds=0.001)
train(options, Corpus(Path(sys.argv[1])), Path(sys.argv[2]), run_in(Path(sys.argv[3])))
"""


def test_a_killed_training_goes_on(corpus: Corpus, trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-c", KILLED, str(corpus.path), str(tmp_path), str(state)]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (state / "checkpoint-forward.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "weights.safetensors").exists()

    train(SMALL, corpus, tmp_path, run_in(state))
    assert_same_weights(tmp_path, trained[0])


def test_a_damaged_checkpoint_costs_only_time(corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = run_in(tmp_path / "state")
    (run.state / "checkpoint-forward.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 half a checkpoint")
    metrics = train(attrs.evolve(SMALL, epochs=1), corpus, tmp_path, run)
    assert metrics["epochs"] == 1
    assert "starting anew" in caplog.text


class InterruptedAt:
    """Presses Ctrl-C where something is called for the first time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        original = getattr(loop, name)
        self.pressed = False

        def replaced(*arguments: Any) -> Any:
            if not self.pressed:
                self.pressed = True
                raise KeyboardInterrupt
            return original(*arguments)

        monkeypatch.setattr(loop, name, replaced)


@pytest.mark.parametrize("place", ["write_arrays", "get_weights"])
def test_ctrl_c_at_the_end_of_an_epoch_loses_nothing(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    options = attrs.evolve(SMALL, epochs=1, batch_size=512)
    run = run_in(tmp_path / "state")
    interruption = InterruptedAt(monkeypatch, place)
    with pytest.raises(KeyboardInterrupt):
        train(options, corpus, tmp_path, run)
    assert interruption.pressed
    assert train(options, corpus, tmp_path, run)["epochs"] == 1


def test_too_few_answers_are_refused_with_their_number(tmp_path: Path, run: RunContext) -> None:
    dialogs = conversations(3)
    corpus = write_corpus(tmp_path / "corpus", dialogs[:2], dialogs[2:])
    answers = sum(len(dialog) // 2 for dialog in dialogs[:2])
    assert answers < 50
    with pytest.raises(UserError, match=f"{answers} answers .* at least 50 .*thousands"):
        train(Options(), corpus, tmp_path, run)


def test_nothing_to_measure_with_is_an_error(tmp_path: Path, run: RunContext) -> None:
    corpus = write_corpus(tmp_path / "corpus", conversations(10), [])
    with pytest.raises(UserError, match=r"validation\.jsonl"):
        train(Options(), corpus, tmp_path, run)


def test_a_loss_that_is_no_number_ends_in_advice(corpus: Corpus, tmp_path: Path, run: RunContext) -> None:
    with pytest.raises(StageError, match="learning_rate"):
        train(attrs.evolve(SMALL, learning_rate=1e38, clip_norm=None), corpus, tmp_path, run)


def test_a_training_that_will_not_fit_is_told_beforehand(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemFree:   1 kB\nMemAvailable:    2048 kB\n")
    assert bytes_available(tmp_path / "meminfo") == 2 * 2**20
    assert bytes_available(tmp_path / "none") is None
    monkeypatch.setattr(trainer, "bytes_available", lambda: bytes_available(tmp_path / "meminfo"))
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, corpus, tmp_path, interrupted(run_in(tmp_path / "state"), 1))
    assert "GB of memory will be needed, and 0.0 GB are free; lower trainer.batch_size" in caplog.text


def test_a_step_that_ruins_the_weights_is_noticed_by_the_measuring(corpus: Corpus, tmp_path: Path) -> None:
    # One step is the whole epoch: its loss is still fine, what it leaves behind is not.
    options = attrs.evolve(SMALL, learning_rate=1e38, clip_norm=None, batch_size=10_000, decay=False)
    with pytest.raises(StageError, match=r"after 1 steps: training went astray; lower trainer\.learning_rate"):
        train(options, corpus, tmp_path, run_in(tmp_path / "state"))


# The first thing that does not fit is one table of 80 GB, so that nothing else finds the memory full.
SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import attrs
from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from tests.trainers.cakechat.conftest import SMALL, run_in
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 4 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
corpus, into, state = map(Path, sys.argv[1:])
try:
    train(attrs.evolve(SMALL, embedding=50_000_000), Corpus(corpus), into, run_in(state))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to an address space")
def test_too_little_memory_ends_in_advice(corpus: Corpus, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(corpus.path), str(tmp_path), str(tmp_path / "state")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("StageError there is not enough memory"), done.stderr
    assert "lower trainer.batch_size" in done.stdout


def test_an_option_whose_library_is_missing_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocakechat.plugins.trainers.cakechat.trainer_type.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"trainer.word2vec needs gensim; type: pip install 'autocakechat\[word2vec\]'"):
        inputs(Options(word2vec=True))
    with pytest.raises(UserError, match=r"'autocakechat\[tensorboard\]'"):
        inputs(Options(tensorboard=Path("board")))
    with pytest.raises(UserError, match=r"trainer.start needs pooch; type: pip install 'autocakechat\[cakechat\]'"):
        inputs(Options(start="pretrained"))


def test_single_options_come_before_the_named_size() -> None:
    assert size_of(Options(size="small"), 10) == SIZES["small"]
    assert size_of(Options(size="small", hidden=3), 10) == attrs.evolve(SIZES["small"], hidden=3)
    gentle = attrs.evolve(SIZES["small"], learning_rate=GENTLE * SIZES["small"].learning_rate)
    assert size_of(Options(), 10, hidden=200) == size_of(Options(size="small"), 10, hidden=768) == gentle
    assert size_of(Options(learning_rate=0.5), 10, hidden=200).learning_rate == 0.5
    assert size_of(Options(optimizer="adadelta"), 10, hidden=200).learning_rate == 6.0
    assert [size_of(Options(), samples) for samples in (100, 100_000, 10**6, 10**8)] == list(SIZES.values())


def test_a_reverse_model_is_trained_along_and_reranks(corpus: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    options = attrs.evolve(SMALL, reverse=True, text="cakechat", epochs=1)
    run = run_in(tmp_path / "state")
    metrics = train(options, corpus, folder, run)
    assert metrics["reverse_perplexity"] < metrics["unigram_perplexity"]
    requests = [Request(["hello"]), Request(["hi", "how are you?", "good"])]
    replies = load(folder, ReplyOptions(mode="sampling-reranking"), run).respond(requests)
    assert all(len(reply.candidates) > 1 for reply in replies)
    assert all(reply.text in reply.candidates[:3] for reply in replies)


def test_the_model_folder_is_complete_and_no_pickle(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    names = {"weights.safetensors", "vocabulary.json", "conditions.json", "settings.json"}
    names |= {"training.json", "training.html"}
    assert {file.name for file in folder.iterdir()} == names
    history = json.loads((folder / "training.json").read_text())
    perplexities = history["forward"]["perplexities"]
    assert len(perplexities) == 2
    assert perplexities == sorted(perplexities, reverse=True)


def test_the_page_on_training_tells_the_sizes_as_they_are() -> None:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    for name, size in SIZES.items():
        figures = (size.hidden, size.embedding, size.vocabulary, size.batch_size, size.epochs)
        assert f"| `{name}` | " + " | ".join(f"{figure:,}" for figure in figures) + " |" in page

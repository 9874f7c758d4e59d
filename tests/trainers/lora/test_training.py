"""Training: resuming, the best adapter, held-out replies, refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus, Request, RunContext, UserError
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions
from tests.trainers.lora.conftest import write_corpus

Learn = Callable[..., Path]


class InterruptAfter:
    """A progress display that interrupts the training after some steps, like Ctrl-C."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0.0

    @contextmanager
    def __call__(self, title: str, total: float | None = None, unit: str = "") -> Iterator[InterruptAfter]:
        yield self

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        self._done += steps if "loss" in figures else 0
        if self._done >= self._steps:
            raise KeyboardInterrupt


def history_of(folder: Path) -> dict[str, Any]:
    history: dict[str, Any] = json.loads((folder / "training.json").read_bytes())
    return history


def test_a_resumed_training_ends_with_the_same_adapter(
    tmp_path: Path, run: RunContext, options: Options, corpus: Corpus, learn: Learn
) -> None:
    whole = learn(options, corpus, "whole")
    (tmp_path / "unfinished").mkdir()
    interrupted = attrs.evolve(run, progress=InterruptAfter(3))
    with pytest.raises(KeyboardInterrupt):
        TRAINER.train(options, corpus, tmp_path / "unfinished", interrupted)
    assert (run.state / "checkpoint.safetensors").is_file()
    (tmp_path / "resumed").mkdir()
    TRAINER.train(options, corpus, tmp_path / "resumed", run)
    assert (tmp_path / "resumed/adapter.safetensors").read_bytes() == (whole / "adapter.safetensors").read_bytes()
    first, second = history_of(whole), history_of(tmp_path / "resumed")
    assert first["losses"] == second["losses"]
    assert first["evaluations"] == second["evaluations"]


def test_a_checkpoint_of_another_training_is_ignored(
    run: RunContext, options: Options, corpus: Corpus, tmp_path: Path
) -> None:
    (tmp_path / "unfinished").mkdir()
    with pytest.raises(KeyboardInterrupt):
        TRAINER.train(options, corpus, tmp_path / "unfinished", attrs.evolve(run, progress=InterruptAfter(2)))
    (tmp_path / "other").mkdir()
    other = attrs.evolve(options, rank=4)
    metrics = TRAINER.train(other, corpus, tmp_path / "other", run)
    assert metrics["steps"] == history_of(tmp_path / "other")["steps"]
    assert history_of(tmp_path / "other")["evaluations"][0]["step"] == 0


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"damaged")], ids=["missing", "damaged"])
def test_a_checkpoint_without_its_best_adapter_starts_over(
    run: RunContext, options: Options, corpus: Corpus, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        TRAINER.train(options, corpus, folder, run)
        (best,) = run.state.glob("best-*.safetensors")
        damage(best)
    assert (second / "adapter.safetensors").read_bytes() == (first / "adapter.safetensors").read_bytes()


def test_the_model_learns_and_has_the_best_adapter(options: Options, corpus: Corpus, learn: Learn) -> None:
    folder = learn(attrs.evolve(options, epochs=6.0, learning_rate=0.02), corpus)
    history = history_of(folder)
    bits = [found["bits_per_character"] for found in history["evaluations"]]
    assert min(bits) < 0.9 * bits[0]
    assert [step for step, _ in history["losses"]] == sorted({step for step, _ in history["losses"]})
    page = (folder / "training.html").read_text()
    assert "Robin" in page
    assert "Held-out replies" in page


def test_training_stops_when_nothing_improves(tmp_path: Path, options: Options, learn: Learn) -> None:
    # What is learnt soon makes the held-out reply less likely.
    corpus = write_corpus(
        tmp_path / "corpus", [["hello", f"yes yes yes {number}"] for number in range(40)], [["hello", "zq" * 40]]
    )
    folder = learn(attrs.evolve(options, epochs=6.0, learning_rate=0.02, warm_up=0, patience=2), corpus)
    history = history_of(folder)
    bits = [found["bits_per_character"] for found in history["evaluations"]]
    assert len(bits) < 24, "it did not stop early"
    assert bits.index(min(bits)) == len(bits) - 3, "it stops after two evaluations without improvement"


def test_a_corpus_without_held_out_replies_is_trained_on(tmp_path: Path, options: Options, learn: Learn) -> None:
    corpus = write_corpus(tmp_path / "corpus", [["hello", f"hi {number}"] for number in range(20)])
    folder = learn(options, corpus)
    assert history_of(folder)["evaluations"] == []
    assert "no held-out replies" in (folder / "training.html").read_text()


def test_too_few_replies_are_refused(tmp_path: Path, options: Options, learn: Learn) -> None:
    corpus = write_corpus(tmp_path / "corpus", [["hello", "hi"]])
    with pytest.raises(UserError, match=r"1 replies to train on.*min_replies"):
        learn(options, corpus)


def test_a_window_that_the_base_cannot_read_is_refused(options: Options, corpus: Corpus, learn: Learn) -> None:
    with pytest.raises(UserError, match=r"reads at most 4096 tokens at once, but trainer\.window is 5000"):
        learn(attrs.evolve(options, window=5000), corpus)


def test_a_system_line_that_leaves_no_space_is_refused(options: Options, corpus: Corpus, learn: Learn) -> None:
    with pytest.raises(UserError, match=r"trainer\.system has \d+ tokens, more than half of trainer\.window \(128\)"):
        learn(attrs.evolve(options, system="you are Robin " * 200), corpus)


def test_an_architecture_without_adapters_is_refused(
    tmp_path: Path, tiny_base: Path, options: Options, corpus: Corpus, learn: Learn
) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    base = tmp_path / "tiny-mamba"
    shutil.copytree(tiny_base, base)
    MambaForCausalLM(MambaConfig(vocab_size=320, hidden_size=32, num_hidden_layers=1)).save_pretrained(base)
    with pytest.raises(UserError, match="PEFT cannot add an adapter to a base of the type mamba"):
        learn(attrs.evolve(options, base_path=base), corpus)


def test_a_model_without_ranking_stores_no_past_replies(
    options: Options, corpus: Corpus, learn: Learn, run: RunContext
) -> None:
    folder = learn(attrs.evolve(options, ranking=False), corpus)
    stored = b"".join(file.read_bytes() for file in folder.rglob("*") if file.suffix in (".jsonl", ".npy"))
    assert stored == b""
    assert not (folder / "past_replies").exists()
    responder = TRAINER.load(folder, ReplyOptions(engine="torch", max_tokens=4), run)
    assert responder.respond([Request(["hello"])])[0].text
    for needed in ({"past_replies": 3}, {"examples": 3}):
        with pytest.raises(UserError, match=r"stores no past replies.*ranking = true"):
            TRAINER.load(folder, ReplyOptions(**needed), run)
    with pytest.raises(UserError, match=r"trainer.examples needs past replies"):
        TRAINER.inputs(attrs.evolve(options, ranking=False, examples=1))


def test_a_model_is_trained_with_examples(options: Options, corpus: Corpus, learn: Learn, run: RunContext) -> None:
    folder = learn(attrs.evolve(options, examples=2, window=256), corpus)
    assert json.loads((folder / "settings.json").read_bytes())["examples"] == 2
    responder = TRAINER.load(folder, ReplyOptions(engine="torch", max_tokens=4), run)
    assert responder.respond([Request(["do you like tea?"])])[0].text


def test_short_memory_is_reported_and_spared(
    options: Options, corpus: Corpus, learn: Learn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = learn(options, corpus, "plain")
    monkeypatch.setattr("autocakechat.plugins.trainers.lora.training.train.available_memory", lambda: 1)
    with caplog.at_level("WARNING"):
        spared = learn(options, corpus, "spared")
    assert "training needs about" in caplog.text
    assert history_of(spared)["evaluations"][-1]["bits_per_character"] == pytest.approx(
        history_of(plain)["evaluations"][-1]["bits_per_character"], rel=1e-3
    )

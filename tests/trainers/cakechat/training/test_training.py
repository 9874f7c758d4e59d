"""Training: metrics, model folder and errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from autocakechat import Corpus, Request, RunContext, UserError
from autocakechat.plugins.trainers.cakechat.data.samples import make_samples
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.ranking.network_features import MESSAGE_GAIN
from autocakechat.plugins.trainers.cakechat.trainer_type import inputs, load, train
from autocakechat.plugins.trainers.cakechat.training.presets import (
    FINE_TUNING_LR_FACTOR,
    PRESETS,
    resolve_hyperparameters,
)
from tests.conftest import ROOT
from tests.trainers.cakechat.conftest import NETWORK, QUICK, SMALL, conversations, run_in, write_corpus


def test_the_perplexity_is_lower_than_that_of_the_unigram_baseline(trained: tuple[Path, dict[str, Any]]) -> None:
    _, metrics = trained
    assert metrics["perplexity"] < 0.9 * metrics["unigram_perplexity"]
    assert metrics["words"] == 400


def test_the_reported_perplexity_is_that_of_the_saved_model(
    corpus: Corpus, trained: tuple[Path, dict[str, Any]]
) -> None:
    folder, metrics = trained
    model = load_model(folder)
    validation = make_samples(corpus.dialogs("validation"), model.style.tokenize, model.vocabulary, model.conditions, 3)
    scorer = Scorer(model.network, model.vocabulary.pad)
    scores = [scorer.score(batch) for batch in model.batcher.batches_by_length(validation, 32)]
    log_p, tokens = (np.concatenate(part) for part in zip(*scores, strict=True))
    assert np.exp(-log_p.sum() / tokens.sum()) == pytest.approx(metrics["perplexity"], rel=1e-5)


def test_too_few_replies_are_refused_with_their_number(tmp_path: Path, run: RunContext) -> None:
    dialogs = conversations(3)
    corpus = write_corpus(tmp_path / "corpus", dialogs[:2], dialogs[2:])
    replies = sum(len(dialog) // 2 for dialog in dialogs[:2])
    assert replies < 50
    with pytest.raises(UserError, match=f"{replies} replies .* at least 50 .*thousands"):
        train(Options(), corpus, tmp_path, run)


def test_an_empty_validation_part_is_an_error(tmp_path: Path, run: RunContext) -> None:
    corpus = write_corpus(tmp_path / "corpus", conversations(10), [])
    with pytest.raises(UserError, match=r"validation\.jsonl"):
        train(Options(), corpus, tmp_path, run)


def test_a_diverging_training_fails_with_a_hint(corpus: Corpus, tmp_path: Path, run: RunContext) -> None:
    with pytest.raises(UserError, match="learning_rate"):
        train(attrs.evolve(NETWORK, learning_rate=1e38, clip_norm=None), corpus, tmp_path, run)


def test_validation_notices_divergence_in_the_last_step(tmp_path: Path) -> None:
    # The epoch is a single step: its loss is finite, the weights after it are not.
    options = attrs.evolve(QUICK, learning_rate=1e38, clip_norm=None, decay=False)
    dialogs = conversations(10)
    corpus = write_corpus(tmp_path / "corpus", dialogs[:9], dialogs[9:])
    with pytest.raises(
        UserError, match=r"training diverged: the loss is \S+ after 1 steps; lower trainer\.learning_rate"
    ):
        train(options, corpus, tmp_path, run_in(tmp_path / "state"))


# The first allocation that fails is an embedding table of 80 GB, so that no other allocation meets full memory.
TRAIN_WITH_LIMITED_MEMORY = """
import resource, sys
from pathlib import Path
import attrs
from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from tests.trainers.cakechat.conftest import SMALL, run_in
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 4 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
corpus, into, state = map(Path, sys.argv[1:])
try:
    train(attrs.evolve(SMALL, embedding=16_000_000), Corpus(corpus), into, run_in(state))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_too_little_memory_fails_with_a_hint(corpus: Corpus, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        TRAIN_WITH_LIMITED_MEMORY,
        str(corpus.path),
        str(tmp_path),
        str(tmp_path / "state"),
    ]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert completed.stdout.startswith("StageError there is not enough memory"), completed.stderr
    assert "lower trainer.batch_size" in completed.stdout


def test_a_missing_library_is_an_error_with_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocakechat.plugins.trainers.cakechat.trainer_type.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"trainer.word2vec needs gensim; run: pip install 'autocakechat\[word2vec\]'"):
        inputs(Options(word2vec=True))
    with pytest.raises(UserError, match=r"'autocakechat\[tensorboard\]'"):
        inputs(Options(tensorboard=Path("board")))
    with pytest.raises(UserError, match=r"trainer.start needs pooch; run: pip install 'autocakechat\[cakechat\]'"):
        inputs(Options(start="pretrained"))


def test_single_options_override_the_preset() -> None:
    assert resolve_hyperparameters(Options(size="small"), 10) == PRESETS["small"]
    assert resolve_hyperparameters(Options(size="small", hidden=3), 10) == attrs.evolve(PRESETS["small"], hidden=3)
    fine_tuning = attrs.evolve(PRESETS["small"], learning_rate=FINE_TUNING_LR_FACTOR * PRESETS["small"].learning_rate)
    assert (
        resolve_hyperparameters(Options(), 10, start_hidden=200)
        == resolve_hyperparameters(Options(size="small"), 10, start_hidden=768)
        == fine_tuning
    )
    assert resolve_hyperparameters(Options(learning_rate=0.5), 10, start_hidden=200).learning_rate == 0.5
    assert resolve_hyperparameters(Options(optimizer="adadelta"), 10, start_hidden=200).learning_rate == 6.0
    assert [resolve_hyperparameters(Options(), samples) for samples in (100, 100_000, 10**6, 10**8)] == list(
        PRESETS.values()
    )


def test_a_reverse_model_is_also_trained_and_reranks(corpus: Corpus, tmp_path: Path) -> None:
    """With lower-case tokens, whose perplexity is far lower than the baseline."""
    folder = tmp_path / "model"
    folder.mkdir()
    options = attrs.evolve(SMALL, reverse=True, text="cakechat")
    run = run_in(tmp_path / "state")
    metrics = train(options, corpus, folder, run)
    assert metrics["perplexity"] < 0.8 * metrics["unigram_perplexity"]
    assert metrics["samples"] > 500
    assert metrics["reverse_perplexity"] < metrics["unigram_perplexity"]
    requests = [Request(["hello"]), Request(["hi", "how are you?", "good"])]
    replies = load(folder, ReplyOptions(mode="sampling-reranking"), run).respond(requests)
    assert all(len(reply.candidates) > 1 for reply in replies)
    assert all(reply.text in reply.candidates[:3] for reply in replies)
    ranked = load(folder, ReplyOptions(seed=1), run).respond(requests)
    assert all(MESSAGE_GAIN in reply.reasons for reply in ranked)


def test_the_model_folder_has_exactly_the_expected_files(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    names = {"weights.safetensors", "vocabulary.json", "conditions.json", "settings.json"}
    names |= {"training.json", "training.html", "past_replies"}
    assert {file.name for file in folder.iterdir()} == names
    history = json.loads((folder / "training.json").read_text())
    perplexities = history["forward"]["perplexities"]
    assert len(perplexities) == 2
    assert perplexities == sorted(perplexities, reverse=True)


def test_the_documented_presets_are_the_real_ones() -> None:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    for name, preset in PRESETS.items():
        values = (preset.hidden, preset.embedding, preset.vocabulary, preset.batch_size, preset.epochs)
        assert f"| `{name}` | " + " | ".join(f"{value:,}" for value in values) + " |" in page

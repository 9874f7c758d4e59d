"""The whole flow on real conversations: an export, a trained network, a bot that replies."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autocakechat.testing import Project
from tests.conftest import ROOT

CONVERSATIONS = 120


def run_until_model(demo: Project, *arguments: str) -> dict[str, Any]:
    """Runs the pipeline up to the model and returns the output of `--json`."""
    done = demo.acc("run", "--until", "model", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def write_export(folder: Path, conversations: int) -> None:
    spec = importlib.util.spec_from_file_location("chitchat_export", ROOT / "examples/demo/chitchat_export.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.export(folder, conversations)


def make_demo(folder: Path, conversations: int) -> Project:
    """Makes a folder with the pipeline.toml of the demo and an export."""
    shutil.copy(ROOT / "examples/demo/pipeline.toml", folder)
    write_export(folder / "tg_data", conversations)
    return Project(folder, dict(os.environ))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo with a trained model. Its training was killed once and resumed."""
    demo = make_demo(tmp_path_factory.mktemp("demo"), CONVERSATIONS)
    with demo.start("run", "--until", "model") as process:
        process.wait_for(lambda: any(demo.folder.glob(".acc/state/model-*/checkpoint*.safetensors")), seconds=300)
        process.stop(signal.SIGKILL)
    resumed = demo.acc("run", "--until", "model", "--export-model", "model", timeout=600)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming from step" in resumed.stderr
    return demo


@pytest.fixture(scope="module")
def outcome(trained: Project) -> dict[str, Any]:
    """The output of `acc run --until model --json` for the trained model."""
    return run_until_model(trained)


def test_the_network_is_far_better_than_word_frequencies(outcome: dict[str, Any]) -> None:
    metrics = outcome["model"]["metrics"]
    assert metrics["perplexity"] < 0.6 * metrics["unigram_perplexity"]


def test_replies_consist_of_words_of_the_corpus(trained: Project, outcome: dict[str, Any]) -> None:
    assert outcome["corpus"]["reused"]
    assert outcome["model"]["reused"]
    corpus = Path(outcome["corpus"]["path"])
    words = set(re.findall(r"\w+", (corpus / "train.jsonl").read_text().lower()))
    messages = ["hello", "how are you?", "what do you do for fun?", "do you have a pet", "bye!"] * 4
    done = trained.acc("chat", "model", stdin="\n".join(messages) + "\n")
    replies = done.stdout.splitlines()
    assert len(replies) == len(messages), done.stderr
    assert all(replies)
    assert set(re.findall(r"\w+", " ".join(replies).replace("\\n", " ").lower())) <= words
    assert len(set(replies)) > 5
    assert re.fullmatch(r"model: Robin, .*\n", done.stderr), "libraries print nothing"


def test_a_second_run_starts_the_bot_without_training(trained: Project) -> None:
    done = trained.acc("run", stdin="hello\n")
    assert done.returncode == 0, done.stderr
    assert "corpus: reused" in done.stderr
    assert "model: reused" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_evaluation_measures_the_perplexity_of_the_training(trained: Project, outcome: dict[str, Any]) -> None:
    metrics = outcome["model"]["metrics"]
    done = trained.acc("evaluate", "--json", "--samples", "100000", "--candidates", "2", "--html", "page.html")
    assert done.returncode == 0, done.stderr
    evaluation = json.loads(done.stdout)
    assert evaluation["samples"] == evaluation["available"] == metrics["validation_samples"]
    measures = evaluation["models"]["pipeline"]["measures"]
    # Where the processor multiplies bfloat16, the training measures with it.
    assert measures["likelihood.perplexity"]["person"] == pytest.approx(metrics["perplexity"], rel=1e-3)
    similarity, distinct = measures["variety.lexical_similarity"], measures["variety.distinct_1"]
    assert similarity["baselines"]["most_frequent"] < similarity["value"] < 1
    assert distinct["baselines"]["most_frequent"] < distinct["value"]
    assert "<h1>Evaluation</h1>" in (trained.folder / "page.html").read_text()


def test_a_copied_model_folder_works(trained: Project, tmp_path: Path) -> None:
    copied = shutil.copytree(trained.folder / "model", tmp_path / "copied")
    done = Project(Path("/"), trained.environment).acc("chat", copied, stdin="hi\n")
    assert len(done.stdout.splitlines()) == 1, done.stderr


def test_the_model_folder_contains_no_pickle(trained: Project) -> None:
    files = [path for path in (trained.folder / "model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".jsonl", ".safetensors", ".html", ".npy"}
    for path in files:
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)


def test_changed_reply_options_do_not_train_again(trained: Project) -> None:
    assert run_until_model(trained, "--set", "reply.temperature=0.9")["model"]["reused"]


def test_too_few_pairs_are_an_error_with_the_minimum(tmp_path: Path) -> None:
    done = make_demo(tmp_path, conversations=1).acc("run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(r"\d+ replies to train on, but at least \d+ are needed", done.stderr)


def test_an_unknown_server_is_an_error_with_the_participants(tmp_path: Path) -> None:
    done = make_demo(tmp_path, conversations=2).acc("run", "--set", "extractor.server=user5")
    assert done.returncode == 2
    assert "no pairs found" in done.stderr
    assert "user1000001 (Robin" in done.stderr

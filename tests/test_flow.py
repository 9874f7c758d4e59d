"""The whole flow on real conversations: an export, a trained network, a bot that answers."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from tests.conftest import ROOT

CONVERSATIONS = 120


@attrs.frozen
class Demo:
    """The demo in a folder of its own."""

    folder: Path

    def acc(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "autocakechat", *map(str, arguments)]
        return subprocess.run(command, cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=600)

    def outcome(self, *arguments: str) -> dict[str, dict[str, object]]:
        done = self.acc("run", "--until", "model", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        outcome: dict[str, dict[str, object]] = json.loads(done.stdout)
        return outcome


def write_export(folder: Path, conversations: int) -> None:
    spec = importlib.util.spec_from_file_location("chitchat_export", ROOT / "examples/demo/chitchat_export.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.export(folder, conversations)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    shutil.copy(ROOT / "examples/demo/pipeline.toml", folder)
    write_export(folder / "tg_data", CONVERSATIONS)
    return Demo(folder)


@pytest.fixture(scope="module")
def trained(demo: Demo) -> Demo:
    """The demo with its model trained, killed once on the way."""
    command = [sys.executable, "-m", "autocakechat", "run", "--until", "model"]
    process = subprocess.Popen(command, cwd=demo.folder, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(demo.folder.glob(".acc/state/model-*/checkpoint*.safetensors")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    going_on = demo.acc("run", "--until", "model", "--export-model", "model")
    assert going_on.returncode == 0, going_on.stderr
    assert "resuming from step" in going_on.stderr
    return demo


def test_the_network_learns_far_more_than_how_frequent_words_are(trained: Demo) -> None:
    metrics = trained.outcome()["model"]["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["perplexity"] < 0.6 * metrics["unigram_perplexity"]


def test_replies_are_made_of_words_of_the_corpus(trained: Demo) -> None:
    outcome = trained.outcome()
    assert outcome["corpus"]["reused"]
    assert outcome["model"]["reused"]
    corpus = Path(str(outcome["corpus"]["path"]))
    words = set(re.findall(r"\w+", (corpus / "train.jsonl").read_text().lower()))
    questions = ["hello", "how are you?", "what do you do for fun?", "do you have a pet", "bye!"] * 4
    answered = trained.acc("chat", "model", stdin="\n".join(questions) + "\n")
    replies = answered.stdout.splitlines()
    assert len(replies) == len(questions), answered.stderr
    assert all(replies)
    assert set(re.findall(r"\w+", " ".join(replies).replace("\\n", " ").lower())) <= words
    assert len(set(replies)) > 5


def test_the_second_run_starts_the_bot_at_once(trained: Demo) -> None:
    done = trained.acc("run", stdin="hello\n")
    assert done.returncode == 0, done.stderr
    assert "corpus: reused" in done.stderr
    assert "model: reused" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_measuring_finds_the_perplexity_of_the_training(trained: Demo) -> None:
    metrics = trained.outcome()["model"]["metrics"]
    assert isinstance(metrics, dict)
    done = trained.acc("evaluate", "--json", "--samples", "100000", "--candidates", "2", "--html", "page.html")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["samples"] == found["available"] == metrics["validation_samples"]
    measures = found["measures"]
    assert measures["perplexity"]["person"] == pytest.approx(metrics["perplexity"], rel=1e-4)
    assert measures["lexical_similarity"]["most_frequent"] < measures["lexical_similarity"]["bot"] < 1
    assert measures["distinct_1"]["most_frequent"] < measures["distinct_1"]["bot"]
    assert "Evaluation of a bot" in (trained.folder / "page.html").read_text()


def test_nothing_but_answers_and_our_own_lines_is_shown(trained: Demo) -> None:
    done = trained.acc("chat", "model", stdin="hello\n")
    assert done.stderr == ""


def test_the_model_folder_answers_wherever_it_is_copied_to(trained: Demo, tmp_path: Path) -> None:
    copied = shutil.copytree(trained.folder / "model", tmp_path / "copied")
    done = subprocess.run(
        [sys.executable, "-m", "autocakechat", "chat", copied], cwd="/", input="hi\n", capture_output=True, text=True
    )
    assert len(done.stdout.splitlines()) == 1, done.stderr


def test_the_model_folder_holds_no_pickle(trained: Demo) -> None:
    kinds = {path.suffix for path in (trained.folder / "model").rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".html"}


def test_changing_how_to_reply_trains_nothing(trained: Demo) -> None:
    assert trained.outcome("--set", "reply.temperature=0.9")["model"]["reused"]


def test_too_few_pairs_are_refused_with_what_is_sensible(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples/demo/pipeline.toml", tmp_path)
    write_export(tmp_path / "tg_data", 1)
    done = Demo(tmp_path).acc("run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(r"\d+ replies to train on, but at least \d+ are needed", done.stderr)


def test_an_unknown_server_is_answered_with_who_is_there(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples/demo/pipeline.toml", tmp_path)
    write_export(tmp_path / "tg_data", 2)
    done = Demo(tmp_path).acc("run", "--set", "extractor.server=user5")
    assert done.returncode == 2
    assert "no pairs found" in done.stderr
    assert "user1000001 (Robin" in done.stderr

"""`acc evaluate --canaries`: a bot is trained once more on a corpus with planted strings."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.core.conftest import LOG, Project


@pytest.fixture
def trained(project: Project) -> Project:
    """A project with a model that always says the same, and a model of the trainer `retrieval`."""
    project.write("log.txt", LOG.replace("bob: ", "bob: well, "))
    project.change('server = "bob"', 'server = "bob"\ndialog_turns = 4\n\n[corpus]\nvalidation = 0.4')
    toml = (project.folder / "pipeline.toml").read_text()
    project.write("past.toml", toml.replace('use = "toy"\n\n[deployer]', 'use = "retrieval"\n\n[deployer]'))
    for pipeline in ("pipeline.toml", "past.toml"):
        done = project.acc("run", pipeline, "--until", "model", "--export-model", f"{pipeline}-model")
        assert done.returncode == 0, done.stderr
    return project


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bot_that_repeats_the_past_returns_them_all_and_another_one_none(trained: Project) -> None:
    pytest.importorskip("bm25s")
    store = trained.folder / ".acc"
    artifacts = {name: content for name, content in files(store).items() if name != "lock"}
    done = trained.acc("evaluate", "pipeline.toml", "past.toml", "--canaries", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "canaries: training past.toml on a temporary copy of the corpus with 3 planted strings" in done.stderr
    models: dict[str, Any] = json.loads(done.stdout)["models"]
    learnt, same = (models[name]["measures"]["copying.canaries"] for name in ("past", "pipeline"))
    assert (learnt["value"], learnt["high"], learnt["baselines"]) == (1.0, 1.0, {"untrained": 0.0})
    assert (same["value"], same["low"], same["baselines"]) == (0.0, 0.0, {"untrained": 0.0})
    assert models["past"]["measures"]["copying.canary_part"]["value"] == 1.0
    assert models["pipeline"]["measures"]["copying.canary_part"]["value"] < 0.3
    assert "planted strings that came back whole: 3 of 3 planted once" in models["past"]["notes"]
    assert {name: content for name, content in files(store).items() if name != "lock"} == artifacts
    assert not any((store / "unfinished").iterdir())


def test_the_table_has_their_rows_only_with_the_option(trained: Project) -> None:
    with_option = trained.acc("evaluate", "--canaries", "--html", "page.html").stdout
    assert "Planted strings that came back" in with_option
    assert "untrained" in with_option
    # A string that is planted nine times becomes the most frequent reply, which this bot always gives.
    assert "11 % of the planted strings came back." in with_option
    assert "0 of 3 planted once, 0 of 3 planted 3 times, 1 of 3 planted 9 times" in with_option
    assert "Planted strings" in (trained.folder / "page.html").read_text()
    assert "Planted strings" not in trained.acc("evaluate").stdout


def test_an_interrupted_training_leaves_nothing(trained: Project) -> None:
    unfinished = trained.folder / ".acc" / "unfinished"
    pause = ("--set", "trainer.pause=30")
    with trained.start("evaluate", "--canaries", *pause) as process:
        process.wait_for(lambda: any(unfinished.glob("*/corpus/train.jsonl")))
        status = process.stop(signal.SIGINT)
    assert status == 130
    assert (process.stdout, "Traceback" in process.stderr) == ("", False)
    assert not any(unfinished.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--canaries", "pipeline.toml"),
            "--canaries pipeline.toml: not a number of strings; run: acc evaluate pipeline",
        ),
        (("--canaries", "0"), "--canaries 0: out of range; give a number from 1 to 1000"),
        (("pipeline.toml-model", "--canaries"), "a model folder does not say how; give its pipeline.toml"),
        (("--canaries", "3", "--blind"), "--canaries does not go with --blind"),
        (("--canaries", "--set", "trainer.fails=true"), "the toy broke; fix it"),
    ],
)
def test_bad_input_gives_one_line(trained: Project, arguments: tuple[str, ...], message: str) -> None:
    done = trained.acc("evaluate", *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

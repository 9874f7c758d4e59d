"""`acc run`: two artifacts, made once, whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.core.conftest import Project


def test_a_run_ends_in_a_conversation(project: Project) -> None:
    done = project.acc("run", stdin="hello\nare you there?\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["answer 0", "answer 0"]


def test_a_second_run_reuses_both_artifacts_and_says_so(project: Project) -> None:
    project.acc("run", stdin="")
    again = project.acc("run", stdin="hello\n")
    assert "corpus: reused" in again.stderr
    assert "model: reused" in again.stderr
    assert again.stdout == "answer 0\n"


@pytest.mark.parametrize(
    ("change", "corpus", "model"),
    [
        (("[deployer]", "[reply]\nloud = true\n[deployer]"), True, True),
        (('[deployer]\nuse = "console"', ""), True, True),
        (('use = "toy"\n\n[deployer]', 'use = "toy"\npause = 0.001\n[deployer]'), True, True),
        (('use = "toy"\n\n[deployer]', 'use = "toy"\nsteps = 2\n[deployer]'), True, False),
        (('server = "bob"', 'server = "bob"\ngap_minutes = 10'), False, False),
        (("[[source]]", "seed = 7\n[[source]]"), False, False),
    ],
)
def test_only_what_a_change_concerns_is_made_again(
    project: Project, change: tuple[str, str], corpus: bool, model: bool
) -> None:
    assert project.acc("run", "--until", "model").returncode == 0
    project.change(*change)
    done = project.acc("run", "--until", "model", "--json")
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "done"
    assert (outcome["corpus"]["reused"], outcome["model"]["reused"]) == (corpus, model), done.stderr


def test_a_changed_log_is_read_again_and_named(project: Project) -> None:
    project.acc("run", "--until", "corpus")
    project.write("log.txt", (project.folder / "log.txt").read_text() + "ann: more\nbob: yes\n")
    again = project.acc("run", "--until", "corpus")
    assert "corpus: building (changed: source: log.txt)" in again.stderr


def test_what_a_trainer_reads_besides_the_corpus_is_part_of_the_models_key(project: Project) -> None:
    run = ("run", "--until", "model", "--set", "trainer.manners=manners.txt")
    refused = project.acc(*run)
    assert refused.returncode == 2
    assert "manners.txt: no such file; write one" in refused.stderr
    assert "corpus: building" not in refused.stderr

    project.write("manners.txt", "say please")
    assert "model: training" in project.acc(*run).stderr
    assert "model: reused" in project.acc(*run).stderr
    project.write("manners.txt", "say thank you")
    again = project.acc(*run)
    assert "corpus: reused" in again.stderr
    assert "model: training (changed: trainer: manners)" in again.stderr


def test_force_makes_an_artifact_again(project: Project) -> None:
    project.acc("run", "--until", "model")
    outcome = json.loads(project.acc("run", "--until", "model", "--json", "--force", "model").stdout)
    assert (outcome["corpus"]["reused"], outcome["model"]["reused"]) == (True, False)


def test_json_tells_where_things_are(project: Project) -> None:
    outcome = json.loads(project.acc("run", "--until", "corpus", "--json").stdout)
    assert set(outcome) == {"status", "corpus"}
    assert set(outcome["corpus"]) == {"path", "key", "reused", "report"}
    corpus = Path(outcome["corpus"]["path"])
    assert corpus.is_absolute()
    assert {"train.jsonl", "validation.jsonl", "report.json"} <= {path.name for path in corpus.iterdir()}
    model = json.loads(project.acc("run", "--until", "model", "--json").stdout)["model"]
    assert set(model) == {"path", "key", "reused", "metrics"}


def test_json_tells_of_a_failure_too(project: Project) -> None:
    failed = project.acc("run", "--until", "model", "--json", "--set", "trainer.fails=true")
    outcome = json.loads(failed.stdout)
    assert failed.returncode == 1
    assert outcome["status"] == "failed"
    assert "the toy broke; mend it" in outcome["error"]


def test_a_failure_ends_with_the_command_that_goes_on(project: Project) -> None:
    failed = project.acc("run", "pipeline.toml", "--set", "trainer.fails=true")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-2:] == [
        "acc: the toy broke; mend it",
        "acc: to go on: acc run pipeline.toml --set trainer.fails=true",
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_training_goes_on(project: Project, number: signal.Signals, status: int) -> None:
    slow = ("run", "--until", "model", "--set", "trainer.steps=40", "--set", "trainer.pause=0.1")
    process = project.start(*slow)
    deadline = time.monotonic() + 30
    while not list((project.folder / ".acc").glob("state/model-*/steps")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    if number != signal.SIGKILL:
        assert "to go on: acc run --until model --set trainer.steps=40 --set trainer.pause=0.1" in errors
    assert not list((project.folder / ".acc" / "model").glob("*"))
    outcome = json.loads(project.acc(*slow, "--json", "--set", "trainer.pause=0").stdout)
    assert outcome["model"]["metrics"]["first_step"] >= 1
    assert not list((project.folder / ".acc").glob("state/model-*"))


def test_a_second_run_at_the_same_time_is_told_to_wait(project: Project) -> None:
    slow = project.start("run", "--until", "model", "--set", "trainer.steps=100", "--set", "trainer.pause=0.1")
    deadline = time.monotonic() + 30
    while not list((project.folder / ".acc").glob("state/model-*/steps")) and time.monotonic() < deadline:
        time.sleep(0.05)
    second = project.acc("run", "--until", "model", "--set", "trainer.steps=2")
    slow.kill()
    slow.communicate()
    assert second.returncode == 2
    assert f"process {slow.pid} is building here" in second.stderr


def test_a_dry_run_makes_nothing(project: Project) -> None:
    done = project.acc("run", "--dry-run")
    assert done.returncode == 0
    assert "corpus: would be built (there is no corpus yet)" in done.stderr
    assert "deployer: console would start" in done.stderr
    assert not (project.folder / ".acc" / "corpus").exists()


def test_the_exported_model_answers_anywhere(project: Project, tmp_path: Path) -> None:
    assert project.acc("run", "--until", "model", "--export-model", str(tmp_path / "out")).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "out").rename(elsewhere)
    (project.folder / "log.txt").unlink()
    assert project.acc("chat", str(elsewhere), stdin="hello\n").stdout == "answer 0\n"
    shouted = project.acc("chat", str(elsewhere), "--set", "reply.loud=true", stdin="hello\n")
    assert shouted.stdout == "ANSWER 0\n"


def test_exporting_overwrites_a_model_but_nothing_else(project: Project) -> None:
    export = ("run", "--until", "model", "--export-model", "out")
    assert project.acc(*export).returncode == 0
    assert project.acc(*export).returncode == 0
    (project.folder / "out" / "model.json").unlink()
    refused = project.acc(*export)
    assert refused.returncode == 2
    assert "is there and is no model" in refused.stderr
    assert (project.folder / "out" / "answer.json").exists()


def test_deploy_needs_no_chat_log(project: Project) -> None:
    project.acc("run", "--until", "model")
    (project.folder / "log.txt").unlink()
    done = project.acc("deploy", stdin="hello\n")
    assert done.stdout == "answer 0\n", done.stderr
    assert project.acc("chat", "pipeline.toml", stdin="hello\n").stdout == "answer 0\n"


def test_training_on_the_newest_corpus_needs_no_chat_log(project: Project) -> None:
    none_yet = project.acc("train")
    assert none_yet.returncode == 2
    assert none_yet.stderr == "acc: pipeline.toml: no corpus was made yet; type: acc run pipeline.toml --until corpus\n"
    project.acc("run", "--until", "corpus", "--set", 'extractor.server="ann"')
    (project.folder / "log.txt").unlink()
    trained = project.acc("train", "--export-model", "out")
    assert trained.returncode == 0, trained.stderr
    assert "question" in (project.folder / "out" / "answer.json").read_text()
    again = project.acc("train")
    assert "model: reused" in again.stderr
    assert "model: training" in project.acc("train", "--force").stderr


def test_a_failed_training_ends_with_what_was_typed(project: Project) -> None:
    project.acc("run", "--until", "corpus")
    failed = project.acc("train", "--set", "trainer.fails=true")
    assert failed.returncode == 1
    assert failed.stderr.endswith("acc: to go on: acc train --set trainer.fails=true\n")
    project.environment["ACC_TYPED"] = "make bread"
    failed = project.acc("train", "--set", "trainer.fails=true")
    assert failed.stderr.endswith("acc: to go on: make bread\n")


def test_a_deployer_keeps_its_state_where_it_is_told_to(project: Project) -> None:
    project.acc("run", "--until", "model", "--export-model", "out")
    for folder in (project.folder / ".acc", project.folder / "log.txt"):
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    done = project.acc("deploy", "--model", "out", "--state", "kept/here", stdin="hello\n")
    assert done.stdout == "answer 0\n", done.stderr
    assert (project.folder / "kept" / "here").stat().st_mode & 0o777 == 0o700
    assert not (project.folder / ".acc").exists()


@pytest.mark.parametrize(
    ("state", "complaint"),
    [("out/state", "lies in the model's folder"), ("pipeline.toml", "File exists"), ("/proc/x", "No such file")],
)
def test_a_folder_that_cannot_hold_the_state_is_told(project: Project, state: str, complaint: str) -> None:
    project.acc("run", "--until", "model", "--export-model", "out")
    refused = project.acc("deploy", "--model", "out", "--state", state, stdin="hello\n")
    assert refused.returncode == 2
    assert re.fullmatch(rf"acc: \S+: {complaint}.*; give another --state folder\n", refused.stderr)
    assert not (project.folder / "out" / "state").exists()


def test_clean_removes_what_was_replaced(project: Project) -> None:
    project.acc("run", "--until", "model")
    project.acc("run", "--until", "model", "--set", "seed=1")
    project.acc("clean")
    assert len(list((project.folder / ".acc" / "model").iterdir())) == 1
    assert json.loads(project.acc("run", "--until", "model", "--set", "seed=1", "--json").stdout)["model"]["reused"]
    project.acc("clean", "--all")
    assert not (project.folder / ".acc").exists()


def test_pairs_are_shown_to_who_asks_for_them(project: Project) -> None:
    quiet = project.acc("run", "--until", "corpus", "--json")
    assert "question" not in quiet.stderr
    assert json.loads(quiet.stdout)["corpus"]["report"]["samples"] == []
    asked = project.acc("run", "--until", "corpus", "--json", "--samples", "1")
    assert asked.stderr.count("> question") == 1
    assert len(json.loads(asked.stdout)["corpus"]["report"]["samples"]) == 1

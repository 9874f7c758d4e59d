"""`acc run`, `train`, `deploy` and `clean`: two artifacts, built once, complete or not at all."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.conftest import LOG, Project


def checkpoint_exists(project: Project) -> Callable[[], bool]:
    """Returns a condition: whether the toy trainer has written a checkpoint."""
    return lambda: any((project.folder / ".acc").glob("state/model-*/steps"))


def test_a_run_starts_the_bot(project: Project) -> None:
    done = project.acc("run", stdin="hello\nare you there?\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["answer 0", "answer 0"]


def test_a_second_run_reuses_both_artifacts_and_logs_it(project: Project) -> None:
    project.acc("run", stdin="")
    second = project.acc("run", stdin="hello\n")
    assert "corpus: reused" in second.stderr
    assert "model: reused" in second.stderr
    assert second.stdout == "answer 0\n"


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
def test_only_artifacts_that_depend_on_a_change_are_rebuilt(
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
    second = project.acc("run", "--until", "corpus")
    assert "corpus: building (changed: source: log.txt)" in second.stderr


def test_input_files_of_the_trainer_are_part_of_the_model_key(project: Project) -> None:
    run = ("run", "--until", "model", "--set", "trainer.manners=manners.txt")
    refused = project.acc(*run)
    assert refused.returncode == 2
    assert "manners.txt: no such file; create it" in refused.stderr
    assert "corpus: building" not in refused.stderr

    project.write("manners.txt", "say please")
    assert "model: training" in project.acc(*run).stderr
    assert "model: reused" in project.acc(*run).stderr
    project.write("manners.txt", "say thank you")
    retrained = project.acc(*run)
    assert "corpus: reused" in retrained.stderr
    assert "model: training (changed: trainer: manners)" in retrained.stderr


def test_force_rebuilds_an_artifact(project: Project) -> None:
    project.acc("run", "--until", "model")
    done = project.acc("run", "--until", "model", "--json", "--force", "model")
    outcome = json.loads(done.stdout)
    assert (outcome["corpus"]["reused"], outcome["model"]["reused"]) == (True, False)
    assert "model: training (forced)" in done.stderr


def test_json_contains_the_artifacts(project: Project) -> None:
    outcome = json.loads(project.acc("run", "--until", "corpus", "--json").stdout)
    assert set(outcome) == {"status", "corpus"}
    assert set(outcome["corpus"]) == {"path", "key", "reused", "report"}
    corpus = Path(outcome["corpus"]["path"])
    assert corpus.is_absolute()
    assert {"train.jsonl", "validation.jsonl", "report.json"} <= {path.name for path in corpus.iterdir()}
    model = json.loads(project.acc("run", "--until", "model", "--json").stdout)["model"]
    assert set(model) == {"path", "key", "reused", "metrics"}


def test_json_contains_the_error_of_a_failed_run(project: Project) -> None:
    failed = project.acc("run", "--until", "model", "--json", "--set", "trainer.fails=true")
    outcome = json.loads(failed.stdout)
    assert failed.returncode == 1
    assert outcome["status"] == "failed"
    assert "the toy broke; fix it" in outcome["error"]


def test_an_error_ends_with_the_command_that_resumes(project: Project) -> None:
    failed = project.acc("run", "pipeline.toml", "--set", "trainer.fails=true")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-2:] == [
        "acc: the toy broke; fix it",
        "acc: to resume: acc run pipeline.toml --set trainer.fails=true",
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("RuntimeError('a crash')", "failed with RuntimeError: a crash"),
        ("MemoryError()", "out of memory; set a smaller trainer.size"),
        ("OSError(28, 'No space left on device', 'model')", "model: disk full"),
    ],
)
def test_a_crash_after_a_checkpoint_can_be_resumed(project: Project, error: str, message: str) -> None:
    failed = project.acc("run", "--until", "model", "--set", f"trainer.raises={error}", "--set", "trainer.steps=2")
    assert failed.returncode == 1
    assert message in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("acc: to resume: acc run --until model --set ")
    resumed = project.acc("run", "--until", "model", "--set", "trainer.steps=2")
    assert "starting at step 1" in resumed.stderr


@pytest.mark.parametrize(
    ("log", "setting", "message"),
    [
        (LOG, "trainer.steps=0", "trainer.steps"),
        (LOG, 'source.path="nothing.txt"', "nothing.txt: no such file"),
        (LOG, 'extractor.server="nobody"', "no pairs found"),
        ("ann: boom\n", "seed=2", "failed with ValueError: a bug"),
        ("", "seed=2", "no pairs found"),
    ],
    ids=["option", "file", "server", "plugin", "corpus"],
)
def test_an_error_that_comes_again_names_no_command_to_resume(
    project: Project, log: str, setting: str, message: str
) -> None:
    project.write("log.txt", log)
    failed = project.acc("run", "--set", setting)
    assert failed.returncode
    assert message in failed.stderr
    assert "to resume" not in failed.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_training_resumes(project: Project, number: signal.Signals, status: int) -> None:
    slow = ("run", "--until", "model", "--set", "trainer.steps=40", "--set", "trainer.pause=0.1")
    with project.start(*slow) as process:
        process.wait_for(checkpoint_exists(project))
        assert process.stop(number) == status, process.stderr
    assert "Traceback" not in process.stderr
    if number != signal.SIGKILL:
        assert "to resume: acc run --until model --set trainer.steps=40 --set trainer.pause=0.1" in process.stderr
    assert not list((project.folder / ".acc" / "model").glob("*"))
    outcome = json.loads(project.acc(*slow, "--json", "--set", "trainer.pause=0").stdout)
    assert outcome["model"]["metrics"]["first_step"] >= 1
    assert not list((project.folder / ".acc").glob("state/model-*"))


def test_a_second_run_at_the_same_time_is_refused(project: Project) -> None:
    with project.start("run", "--until", "model", "--set", "trainer.steps=100", "--set", "trainer.pause=0.1") as first:
        first.wait_for(checkpoint_exists(project))
        second = project.acc("run", "--until", "model", "--set", "trainer.steps=2")
    assert second.returncode == 2
    assert f"process {first.process.pid} is already building here" in second.stderr


def test_a_dry_run_builds_nothing(project: Project) -> None:
    done = project.acc("run", "--dry-run")
    assert done.returncode == 0
    assert "corpus: would be built (there is no corpus yet)" in done.stderr
    assert "deployer: would start console" in done.stderr
    assert not (project.folder / ".acc" / "corpus").exists()


def test_an_exported_model_works_anywhere(project: Project, tmp_path: Path) -> None:
    assert project.acc("run", "--until", "model", "--export-model", str(tmp_path / "out")).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "out").rename(elsewhere)
    (project.folder / "log.txt").unlink()
    assert project.acc("chat", str(elsewhere), stdin="hello\n").stdout == "answer 0\n"
    loud = project.acc("chat", str(elsewhere), "--set", "reply.loud=true", stdin="hello\n")
    assert loud.stdout == "ANSWER 0\n"


def test_export_overwrites_a_model_folder_but_nothing_else(project: Project) -> None:
    export = ("run", "--until", "model", "--export-model", "out")
    assert project.acc(*export).returncode == 0
    assert project.acc(*export).returncode == 0
    (project.folder / "out" / "model.json").unlink()
    refused = project.acc(*export)
    assert refused.returncode == 2
    assert "already exists and is not a model folder" in refused.stderr
    assert (project.folder / "out" / "answer.json").exists()


def test_deploy_needs_no_chat_log(project: Project) -> None:
    project.acc("run", "--until", "model")
    (project.folder / "log.txt").unlink()
    done = project.acc("deploy", stdin="hello\n")
    assert done.stdout == "answer 0\n", done.stderr
    assert project.acc("chat", "pipeline.toml", stdin="hello\n").stdout == "answer 0\n"


def test_chat_shows_the_candidates_of_each_reply(project: Project) -> None:
    project.acc("run", "--until", "model")
    chat = project.acc("chat", "--candidates", stdin="hello\n")
    assert chat.stdout == "answer 0\n  (the model gives no candidates for this reply)\n"


def test_training_on_an_existing_corpus_needs_no_chat_log(project: Project) -> None:
    without_corpus = project.acc("train")
    assert without_corpus.returncode == 2
    assert (
        without_corpus.stderr
        == "acc: pipeline.toml: there is no corpus yet; run: acc run pipeline.toml --until corpus\n"
    )
    project.acc("run", "--until", "corpus", "--set", 'extractor.server="ann"')
    (project.folder / "log.txt").unlink()
    server = ("--set", "extractor.server=ann")
    trained = project.acc("train", *server, "--export-model", "out")
    assert trained.returncode == 0, trained.stderr
    assert "question" in (project.folder / "out" / "answer.json").read_text()
    second = project.acc("train", *server)
    assert "model: reused" in second.stderr
    assert "model: training" in project.acc("train", *server, "--force").stderr


def test_a_failed_training_ends_with_the_typed_command(project: Project) -> None:
    project.acc("run", "--until", "corpus")
    failed = project.acc("train", "--set", "trainer.fails=true")
    assert failed.returncode == 1
    assert failed.stderr.endswith("acc: to resume: acc train --set trainer.fails=true\n")
    project.environment["ACC_TYPED"] = "make bread"
    failed = project.acc("train", "--set", "trainer.fails=true")
    assert failed.stderr.endswith("acc: to resume: make bread\n")


def test_a_deployer_stores_its_state_in_the_given_folder(project: Project) -> None:
    project.acc("run", "--until", "model", "--export-model", "out")
    for path in (project.folder / ".acc", project.folder / "log.txt"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = project.acc("deploy", "--model", "out", "--state", "kept/here", stdin="hello\n")
    assert done.stdout == "answer 0\n", done.stderr
    assert (project.folder / "kept" / "here").stat().st_mode & 0o777 == 0o700
    assert not (project.folder / ".acc").exists()


@pytest.mark.parametrize(
    ("state", "problem"),
    [("out/state", "is inside the model folder"), ("pipeline.toml", "File exists"), ("/proc/x", "No such file")],
)
def test_an_unusable_state_folder_is_an_error(project: Project, state: str, problem: str) -> None:
    project.acc("run", "--until", "model", "--export-model", "out")
    refused = project.acc("deploy", "--model", "out", "--state", state, stdin="hello\n")
    assert refused.returncode == 2
    last_line = refused.stderr.splitlines()[-1]
    assert re.fullmatch(rf"acc: \S+: {problem}.*; give another --state folder", last_line)
    assert not (project.folder / "out" / "state").exists()


def test_sample_pairs_are_shown_only_on_request(project: Project) -> None:
    without = project.acc("run", "--until", "corpus", "--json")
    assert "question" not in without.stderr
    assert json.loads(without.stdout)["corpus"]["report"]["samples"] == []
    with_samples = project.acc("run", "--until", "corpus", "--json", "--samples", "1")
    assert with_samples.stderr.count("> question") == 1
    assert len(json.loads(with_samples.stdout)["corpus"]["report"]["samples"]) == 1

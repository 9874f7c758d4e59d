"""`acc init` asks a few questions and writes a pipeline.toml that runs; completion in the shell."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.core.conftest import Project
from tests.sources.exports import make_chat, make_message


@pytest.fixture
def exported(project: Project) -> Project:
    """A project with a Telegram export and no pipeline.toml."""
    (project.folder / "pipeline.toml").unlink()
    (project.folder / "tg_data").mkdir()
    messages = [make_message(number, 1 + number % 2, f"line {number}") for number in range(40)]
    (project.folder / "tg_data" / "result.json").write_text(json.dumps(make_chat(messages)))
    return project


def read_pipeline(project: Project, name: str = "pipeline.toml") -> dict[str, Any]:
    return tomllib.loads((project.folder / name).read_text())


def test_the_written_pipeline_runs(exported: Project) -> None:
    asked = exported.acc_process("init", "--trainer", "toy", stdin="\n2\n\n")
    assert asked.returncode == 0, asked.stderr
    assert "1  user" in asked.stderr
    assert asked.stdout == ""
    pipeline = read_pipeline(exported)
    second = asked.stderr.split("   2  ")[1].split()[0]
    assert pipeline == {
        "source": [{"use": "telegram", "path": "tg_data"}],
        "extractor": {"use": "turns", "server": second},
        "trainer": {"use": "toy"},
        "deployer": {"use": "console"},
    }
    done = exported.acc("run", stdin="hello\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("line ")


def test_options_replace_questions(exported: Project) -> None:
    options = ["--export", "tg_data", "--person", "user1", "--start", "scratch", "--deployer", "telegram"]
    done = exported.acc("init", "bots/my.toml", *options, "--allow", "12", "--allow", "@anna")
    assert done.returncode == 2
    assert "bots/my.toml: No such file or directory" in done.stderr
    done = exported.acc("init", "my.toml", *options, "--allow", "12", "--allow", "@anna")
    assert done.returncode == 0, done.stderr
    assert "?" not in done.stderr
    assert "export TELEGRAM_BOT_TOKEN=" in done.stderr
    deployer = {"use": "telegram", "token": {"env": "TELEGRAM_BOT_TOKEN"}, "allow": [12, "@anna"]}
    assert read_pipeline(exported, "my.toml")["deployer"] == deployer
    assert read_pipeline(exported, "my.toml")["trainer"] == {"use": "cakechat", "start": "scratch"}
    assert "# Person 1, 20 messages" in (exported.folder / "my.toml").read_text()
    checked = exported.acc("config", "check", "my.toml", "--until", "model")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "--export is missing; give the option, or answer the question"),
        (("--export", "tg_data"), "--person is missing"),
        (
            ("--export", "tg_data", "--person", "user11"),
            "--person: no participant has the id or name 'user11'; did you mean user1 (Person 1)?",
        ),
        (("--export", "nothing"), "nothing: no such file or folder"),
        (("--export", "log.txt"), "log.txt"),
        (("--export", "tg_data", "--person", "user1", "--deployer", "irc"), "no deployer 'irc'"),
        (("--trainer", "cakechatt"), "no trainer 'cakechatt'; did you mean 'cakechat'?"),
    ],
)
def test_a_missing_or_invalid_choice_is_reported_in_one_line(
    exported: Project, arguments: tuple[str, ...], problem: str
) -> None:
    done = exported.acc("init", *arguments)
    assert done.returncode == 2
    assert problem in done.stderr.splitlines()[-1]
    assert not (exported.folder / "pipeline.toml").exists()


def test_an_existing_file_is_not_overwritten(project: Project) -> None:
    before = (project.folder / "pipeline.toml").read_bytes()
    done = project.acc("init", "--export", "log.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipeline.toml: already exists" in done.stderr
    assert (project.folder / "pipeline.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("acc in", ["init", "inspect"]),
        ("acc plugins show tur", ["turns", "turns-extractor"]),
        ("acc plugins list --kind ex", ["extractor"]),
        ("acc plugins uninstall t", ["toys"]),
        ("acc init --deployer c", ["console"]),
        ("acc init --trainer ", ["cakechat", "lora", "retrieval", "toy"]),
    ],
)
def test_words_are_completed(project: Project, typed: str, completed: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_ACC_COMPLETE": "bash_complete"}
    project.environment.update(words)
    done = project.acc()
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == completed, done.stderr


def test_the_completion_script_is_printed(project: Project) -> None:
    project.environment["_ACC_COMPLETE"] = "zsh_source"
    assert "_ACC_COMPLETE=zsh_complete" in project.acc().stdout
    assert Path(project.folder, "pipeline.toml").exists()

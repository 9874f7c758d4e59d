"""Every command works as a program, in a separate process. The other tests run `acc` in theirs."""

from __future__ import annotations

import json
import re

import pytest

from tests.core.conftest import Project


@pytest.fixture
def trained(project: Project) -> Project:
    """A project with a corpus and a model."""
    assert project.acc("run", "--until", "model").returncode == 0
    return project


@pytest.mark.parametrize(
    ("arguments", "stdin", "stdout"),
    [
        (("run",), "hello\n", "answer 0\n"),
        (("train",), "", ""),
        (("deploy",), "hello\n", "answer 0\n"),
        (("chat",), "hello\n", "answer 0\n"),
        (("inspect", "log.txt", "--source", "toy"), "", "100 messages in 1 chat, read by source toy\n"),
        (("corpus", "report"), "", "read 100 messages in 1 chat"),
        (("config", "check"), "", ""),
        (("plugins", "list", "--external"), "", "PLUGIN  FROM"),
        (("clean",), "", ""),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_succeeds(trained: Project, arguments: tuple[str, ...], stdin: str, stdout: str) -> None:
    done = trained.acc_process(*arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(stdout)


def test_an_error_has_one_line_and_a_status(project: Project) -> None:
    refused = project.acc_process("run", "nothing.toml")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert (
        refused.stderr
        == "acc: nothing.toml: no such file; give pipeline.toml; to create a new one, run: acc init nothing.toml\n"
    )
    failed = project.acc_process("run", "--until", "model", "--json", "--set", "trainer.fails=true")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["status"] == "failed"
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "has_time"),
    [
        (("train",), False),
        (("--log-time", "train"), True),
        (("deploy", "nothing.toml"), True),
        (("--no-log-time", "deploy", "nothing.toml"), False),
        (("train", "nothing.toml"), False),
        (("--log-time", "train", "nothing.toml"), True),
    ],
)
def test_the_lines_of_a_service_start_with_the_time(
    trained: Project, arguments: tuple[str, ...], has_time: bool
) -> None:
    lines = trained.acc_process(*arguments).stderr.splitlines()
    assert lines
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ", line) for line in lines) == has_time

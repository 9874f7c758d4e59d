"""Each error is one line: what is wrong, where, and what to do. Exit status 2, no traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.conftest import Project

SECRET = "123456:never-to-be-shown"


def error_lines(project: Project, *arguments: str, status: int = 2) -> list[str]:
    """Runs `acc`, by default `acc run`, expects it to fail, and returns the lines of its error."""
    done = project.acc(*(arguments or ("run",)))
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return [line.removeprefix("acc: ") for line in done.stderr.splitlines()]


def test_every_problem_of_a_table_is_reported_with_its_line(project: Project) -> None:
    project.change(
        '[trainer]\nuse = "toy"', '[trainer]\nuse = "toy"\nsteps = 0\npause = "5"\nfials = true\nfails = "no"'
    )
    assert error_lines(project, "config", "check") == [
        "pipeline.toml:11: trainer.steps: must be >= 1: 0",
        'pipeline.toml:12: trainer.pause: must be a number, not "5"',
        "pipeline.toml:13: trainer.fials: no such option; did you mean 'fails'?",
        'pipeline.toml:14: trainer.fails: must be true or false, not "no"',
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('use = "turns"', 'use = "turn"', "pipeline.toml:6: extractor.use: no extractor 'turn'; did you mean 'turns'?"),
        ('use = "turns"\n', "", "pipeline.toml:5: extractor.use: is required: the extractor to use (turns)"),
        ('server = "bob"\n', "", "pipeline.toml:5: extractor.server: is required"),
        ("[trainer]", "[trianer]", "pipeline.toml:9: trianer: no such table; did you mean 'trainer'?"),
        ("[[source]]", "[source]", "pipeline.toml:1: source: write [[source]], in double brackets"),
        (
            '[[source]]\nuse = "toy"\npath = "log.txt"\n',
            "source = 3\n",
            "pipeline.toml:1: source: write [[source]], in double",
        ),
        ('[[source]]\nuse = "toy"\npath = "log.txt"\n', "source = [3]\n", "source: must be a table: [[source]]"),
        ('use = "turns"', "use = 3", "pipeline.toml:6: extractor.use: must be a string: the extractor to use (turns)"),
        ("[[source]]", "sed = 1\n[[source]]", "pipeline.toml:1: sed: no such option; did you mean 'seed'?"),
        ("[[source]]", "seed = -1\n[[source]]", "pipeline.toml:1: seed: must be an integer, 0 or more"),
        ("[[source]]", "seed = \n[[source]]", "pipeline.toml: not valid TOML"),
        ('path = "log.txt"', 'path = "missing.txt"', "missing.txt: no such file; create it"),
        ('path = "log.txt"', 'path = "log.txt"\npassword = { env = "NOT_SET" }', "environment variable NOT_SET is not"),
        ('[trainer]\nuse = "toy"\n', "", "pipeline.toml: [trainer] is missing"),
        ("[deployer]", "[reply]\nlout = true\n[deployer]", "reply.lout: no such option; did you mean 'loud'?"),
    ],
)
def test_a_problem_is_reported_in_one_line(project: Project, old: str, new: str, problem: str) -> None:
    project.change(old, new)
    lines = error_lines(project)
    assert len(lines) == 1
    assert problem in lines[0]
    assert not (project.folder / ".acc" / "corpus").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("run", "nothing.toml"),
            "nothing.toml: no such file; give pipeline.toml; to create a new one, run: acc init nothing.toml",
        ),
        (("rnu",), "no such command 'rnu'; did you mean 'run'?"),
        (("plugins", "lst"), "no such command 'lst'; did you mean 'list'?"),
        (("config", "chek"), "no such command 'chek'; did you mean 'check'?"),
        (("corpus", "xyz"), "no such command 'xyz'; for all commands: acc corpus --help"),
        (("run", "--set", "trainer"), "--set trainer: not KEY=VALUE"),
        (("run", "--set", "trainer.steps=many"), '--set trainer.steps: must be an integer, not "many"'),
        (("run", "--set", "trainre.steps=1"), "--set trainre: no such table; did you mean 'trainer'?"),
        (("run", "--set", "source=3"), "--set source: write [[source]], in double brackets"),
        (("run", "--json"), "--json needs --until"),
        (("deploy",), "there is no model yet; run: acc run pipeline.toml"),
        (("chat", "site"), "site: no such file"),
        (("plugins", "show", "tois"), "no plugin 'tois'; did you mean 'toys'?"),
        (("clean", "nothing.toml"), "nothing.toml: no such file"),
    ],
)
def test_a_wrong_command_is_an_error_with_a_hint(project: Project, arguments: tuple[str, ...], problem: str) -> None:
    lines = error_lines(project, *arguments)
    assert len(lines) == 1
    assert problem in lines[0]


@pytest.mark.parametrize(
    "arguments",
    [("run",), ("train",), ("deploy",), ("chat",), ("evaluate",), ("config", "check"), ("corpus", "report")],
)
def test_a_folder_without_a_pipeline_leads_to_init(project: Project, arguments: tuple[str, ...]) -> None:
    (project.folder / "pipeline.toml").unlink()
    assert error_lines(project, *arguments) == ["pipeline.toml: no such file; to create it, run: acc init"]


def test_a_secret_is_never_shown(project: Project) -> None:
    project.environment["PASSWORD"] = SECRET
    project.change('path = "log.txt"', 'path = "log.txt"\npassword = { env = "PASSWORD" }')
    project.write("log.txt", "ann: boom\n")
    done = project.acc("-v", "run")
    assert "the password is [secret]" in done.stderr
    assert SECRET not in done.stderr + done.stdout
    project.change('{ env = "PASSWORD" }', f'"{SECRET}"')
    done = project.acc("run")
    assert "source.password: must be" in done.stderr
    assert SECRET not in done.stderr + done.stdout
    for file in (project.folder / ".acc").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_a_bug_in_a_plugin_is_attributed_to_it(project: Project) -> None:
    project.write("log.txt", "ann: boom\n")
    lines = error_lines(project, "run", "--until", "corpus", status=1)
    assert "plugin toys (acc-toys 1.2): failed with ValueError: a bug" in lines[-1]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda model: (model / "model.json").unlink(), "not a model folder (no model.json)"),
        (lambda model: (model / "model.json").write_text("{"), "damaged"),
        (lambda model: (model / "answer.json").write_text("{"), "answer.json: damaged (wrong checksum)"),
        (lambda model: (model / "answer.json").unlink(), "answer.json: missing"),
        (
            lambda model: (model / "model.json").write_text(
                (model / "model.json").read_text().replace('"trainer": "toy"', '"trainer": "other"')
            ),
            "the trainer of this model is not installed: no trainer 'other'",
        ),
    ],
)
def test_a_damaged_model_is_refused(project: Project, damage: Callable[[Path], object], problem: str) -> None:
    assert project.acc("run", "--until", "model", "--export-model", "model").returncode == 0
    damage(project.folder / "model")
    lines = error_lines(project, "chat", "model")
    assert len(lines) == 1
    assert problem in lines[0]


def test_a_model_of_another_trainer_is_refused(project: Project) -> None:
    assert project.acc("run", "--until", "model", "--export-model", "model").returncode == 0
    project.change('[trainer]\nuse = "toy"', '[trainer]\nuse = "cakechat"')
    lines = error_lines(project, "deploy", "--model", "model")
    assert len(lines) == 1
    assert "this model was made by the trainer 'toy', but pipeline.toml has 'cakechat'" in lines[0]

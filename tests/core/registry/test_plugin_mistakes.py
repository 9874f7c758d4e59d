"""Mistakes in the code that registers stages and commands: each is found when the plugin is loaded, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.conftest import Project
from tests.distributions import lay_out

PLUGIN = """
from collections import UserDict

import attrs
from autocakechat import CommandType, DeployerType, hookimpl, option


@attrs.frozen(kw_only=True)
class Options:  # class
    word: str = option(default="x", help="a word")  # option


def deploy(options, model, run):
    pass


def load():
    import click

    @click.command("shout")
    @click.argument("text")
    def shout(text):
        click.echo(text.upper())  # shout

    return shout


@hookimpl  # deployers
def acc_deployers():
    yield DeployerType(name="own", summary="a test", config=Options, deploy=deploy)


@hookimpl  # commands
def acc_commands():
    yield CommandType(name="shout", summary="a test", load=load)
"""
MISTAKES = [
    (
        "@hookimpl  # deployers\ndef acc_deployers",
        "def acc_deployer",
        "def acc_deployer",
        "did you mean 'acc_deployers'?",
    ),
    ("def acc_deployers()", "def acc_deployers(manager)", "# deployers", "with the argument manager, expected none"),
    (
        "yield Dep",
        "return Dep",
        "# deployers",
        "returns DeployerType, expected an iterable of DeployerType: use `yield`",
    ),
    ("yield Dep", "Dep", "# deployers", "returns None, expected an iterable of DeployerType: use `yield`"),
    ("yield CommandType", "yield UserDict  #", "# commands", "yields the class UserDict, expected CommandType"),
    ("config=Options", "config=Options()", "# deployers", "'own' with the options Options, expected an attrs class"),
    ("@attrs.frozen(kw_only=True)\n", "", "# class", "write @attrs.frozen(kw_only=True) above it"),
    ("word: str", "use: str", "# option", "the option Options.use, which a pipeline.toml cannot set"),
    (
        '"x", ',
        '"x", check=lambda value: True, ',
        "# option",
        "Options.word whose default fails its own check: TypeError",
    ),
    ('"x", ', '"x", check=lambda *_: 1 / 0, ', "# option", "fails its own check: ZeroDivisionError: division by zero"),
    ("    return shout", "    return shout :", "return shout :", "cannot be imported: SyntaxError: invalid syntax"),
]


def install(project: Project, code: str) -> Path:
    site = Path(project.environment["PYTHONPATH"])
    lay_out(site, "acc-own", "own", code)
    return next(site.glob("acc_own_own_*.py"))


@pytest.mark.parametrize(("correct", "faulty", "line", "message"), MISTAKES, ids=lambda text: text[:30])
def test_a_mistake_is_found_when_the_plugin_is_loaded(
    project: Project, correct: str, faulty: str, line: str, message: str
) -> None:
    assert correct in PLUGIN
    file = install(project, PLUGIN.replace(correct, faulty, 1))
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if line in text)
    done = project.acc("plugins", "show", "own")
    assert message in done.stdout, done.stderr
    assert f"; {file.name}:{number}" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_stage_that_is_provided_twice_is_named(project: Project) -> None:
    install(project, PLUGIN.replace("    yield Dep", "    for _ in range(2): yield Dep"))
    assert "deployer 'own' is provided more than once" in project.acc("plugins", "show", "own").stdout


def test_a_function_with_a_name_of_its_own_is_no_hook(project: Project) -> None:
    install(project, PLUGIN + "\n\ndef acc_helper():\n    pass\n")
    assert "active" in project.acc("plugins", "show", "own").stdout


def test_an_error_of_a_command_names_its_plugin(project: Project) -> None:
    file = install(project, PLUGIN.replace("text.upper()", "text.shout()"))
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "# shout" in text)
    done = project.acc("shout", "hello")
    assert done.returncode == 1
    assert done.stderr.startswith("acc: plugin own (acc-own 1.2): failed with AttributeError: ")
    assert f"; {file.name}:{number}; " in done.stderr


def test_an_error_of_a_check_names_its_plugin(project: Project) -> None:
    install(project, PLUGIN.replace('default="x"', "check=lambda *_: 1 / 0"))
    project.write("pipeline.toml", '[deployer]\nuse = "own"\nword = "y"\n')
    done = project.acc("config", "check")
    assert done.returncode == 1
    assert done.stderr.startswith("acc: plugin own (acc-own 1.2): failed with ZeroDivisionError: division by zero; ")


def test_a_missing_library_without_an_install_command_gets_one(project: Project) -> None:
    install(project, PLUGIN.replace('summary="a test", config', 'summary="a test", requires=("no_such_lib",), config'))
    assert "deployer own needs no_such_lib; run: pip install no_such_lib" in project.acc("plugins", "list").stdout


def test_a_new_plugin_does_not_take_the_name_of_an_existing_stage(project: Project) -> None:
    done = project.acc("plugins", "new", "turns", "--kind", "extractor")
    assert done.returncode == 2
    assert done.stderr == "acc: plugin turns-extractor has extractor 'turns' already; give another name\n"

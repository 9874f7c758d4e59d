"""What stands in the pages can be used: code compiles, tables are TOML, and commands are there with their options."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from autocakechat.cli.app import App
from autocakechat.cli.main import acc
from tests.docs.pages import DOCS, blocks, pages

PAGES = [str(page.relative_to(DOCS)) for page in pages()]


def typed(page: Path) -> list[str]:
    """Returns the `acc` commands of a page: in blocks for the shell, and in the text."""
    shell = [block.content for block in blocks(page) if block.language in ("sh", "console")]
    lines = re.findall(r"^(?:\$ )?(acc [^#|&;\n]*)", "\n".join(shell), re.M)
    return [*lines, *re.findall(r"`(acc [a-z][^`]*)`", page.read_text("utf-8"))]


@pytest.mark.parametrize("name", PAGES)
def test_code_compiles(name: str) -> None:
    for block in blocks(DOCS / name):
        if block.language == "python" and not block.content.startswith(" "):
            compile(block.content, name, "exec")
        if block.language == "toml":
            tomllib.loads(block.content)


@pytest.mark.parametrize("name", PAGES)
def test_commands_are_there_with_their_options(name: str) -> None:
    for line in typed(DOCS / name):
        unknown = problem_with(shlex.split(line)[1:])
        assert not unknown, f"{line}: {unknown}"


@pytest.mark.parametrize("name", PAGES)
def test_modules_and_folders_that_are_named_are_there(name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    named = re.findall(r"`((?:core|plugins|examples|benchmarks|tests)/[\w./-]+)[` ]", text)
    written = {block.file for block in blocks(DOCS / name)}  # by the reader
    assert [path for path in named if path not in written and not (DOCS.parent / path).exists()] == []


def test_the_picture_and_the_path_of_a_message_name_modules_that_are_there() -> None:
    core, plugins = DOCS.parent / "core", DOCS.parent / "plugins"
    picture = (DOCS / "architecture.svg").read_text("utf-8")
    named = re.findall(r">(?:[^<]*?)((?:core|sources|extractors|annotators|trainers|deployers)/[\w.]+)", picture)
    assert len(named) >= 8
    for path in named:
        assert (plugins / path).exists() or (DOCS.parent / path).exists(), path
    for item in re.split(r"^\d\. ", (DOCS / "architecture.md").read_text("utf-8"), flags=re.M)[1:]:
        folders = [DOCS.parent / folder for folder in re.findall(r"`(plugins/[\w/]+)`", item)] or [
            plugins / "trainers/cakechat"
        ]
        for module in re.findall(r"`(\w+\.py)`", item):
            assert any(next(folder.rglob(module), None) for folder in [*folders, core]), f"{module} in: {item}"


def problem_with(arguments: list[str]) -> str:
    """Follows a command line through the commands of `acc`; returns what there is not."""
    app = App.start((), verbose=False, quiet=False)
    command: click.Command = acc
    context = click.Context(command, obj=app)
    while isinstance(command, click.Group) and arguments:
        word, *arguments = arguments
        if word.startswith("-"):
            continue
        found = command.get_command(context, word)
        if found is None:
            return f"no command '{word}'"
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    wrong = [word for word in arguments if word.startswith("--") and word.split("=")[0] not in known]
    return f"no option {wrong[0]}" if wrong else ""

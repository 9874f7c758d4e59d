"""The pages are correct: code compiles, tables are TOML, and commands, options, modules and folders exist."""

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

README = DOCS.parent / "README.md"
PAGES = [str(page.relative_to(DOCS)) for page in pages()]


def acc_commands(page: Path) -> list[str]:
    """Returns the `acc` commands of a page, in shell blocks and in the text."""
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
def test_commands_and_options_exist(name: str) -> None:
    for line in acc_commands(DOCS / name):
        unknown = problem_with(shlex.split(line)[1:])
        assert not unknown, f"{line}: {unknown}"


@pytest.mark.parametrize("name", PAGES)
def test_modules_and_folders_exist(name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    paths = re.findall(r"`((?:core|plugins|examples|benchmarks|tests)/[\w./-]+)[` ]", text)
    tutorial_files = {block.file for block in blocks(DOCS / name)}
    assert [path for path in paths if path not in tutorial_files and not (DOCS.parent / path).exists()] == []


@pytest.mark.parametrize("page", [README, *pages()], ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text("utf-8"))
    for target, heading in targets:
        linked = (page.parent / target) if target else page
        assert linked.exists(), f"{target}: no such file"
        assert not heading or heading in anchors(linked), f"{target}#{heading}: no such heading"


@pytest.mark.parametrize(
    "file", ["CHANGELOG.md", "Makefile", "pipeline.toml", "core", "plugins", "docker", "benchmarks"]
)
def test_pages_that_code_and_messages_name_exist(file: str) -> None:
    root = DOCS.parent / file
    for path in [root] if root.is_file() else (path for path in root.rglob("*") if path.is_file()):
        if path.suffix in ("", ".md", ".mk", ".py", ".toml", ".yaml"):
            named = re.findall(r"\bdocs/[\w/-]+\.md", path.read_text("utf-8", errors="replace"))
            assert [page for page in named if not (DOCS.parent / page).exists()] == [], path


def anchors(page: Path) -> set[str]:
    """Returns the anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_modules_in_the_architecture_page_and_picture_exist() -> None:
    core, plugins = DOCS.parent / "core", DOCS.parent / "plugins"
    picture = (DOCS / "images/architecture.svg").read_text("utf-8")
    paths = re.findall(r">(?:[^<]*?)((?:core|sources|extractors|annotators|trainers|deployers)/[\w.]+)", picture)
    assert len(paths) >= 8
    for path in paths:
        assert (plugins / path).exists() or (DOCS.parent / path).exists(), path
    for item in re.split(r"^\d\. ", (DOCS / "architecture.md").read_text("utf-8"), flags=re.M)[1:]:
        folders = [DOCS.parent / folder for folder in re.findall(r"`(plugins/[\w/]+)`", item)] or [
            plugins / "trainers/cakechat"
        ]
        for module in re.findall(r"`(\w+\.py)`", item):
            assert any(next(folder.rglob(module), None) for folder in [*folders, core]), f"{module} in: {item}"


def problem_with(arguments: list[str]) -> str:
    """Resolves a command line in `acc`; returns the first unknown command or option, or an empty string."""
    app = App.from_options((), verbose=False, quiet=False)
    command: click.Command = acc
    context = click.Context(command, obj=app)
    while isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        if name.startswith("-"):
            continue
        subcommand = command.get_command(context, name)
        if subcommand is None:
            return f"no command '{name}'"
        command = subcommand
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in arguments if word.startswith("--") and word.split("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else ""

"""Reads the pages of the documentation: the blocks of code in them, and what a reader would do with each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.conftest import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"(?:(?P<before>[^\n]*)\n\n)?^ *```(?P<language>[a-z]+)\n(?P<content>.*?)^ *```$", re.M | re.S)
_FILE = re.compile(r"`([\w./-]+)`:$")
_COMMAND = re.compile(r"^\$ (.*)$", re.M)


@attrs.frozen
class Block:
    """A block of code.

    Attributes:
        language: What it is written in, such as `python`.
        content: What stands in it.
        file: The file it goes into, if the line before it ends with a name and a colon: "into `chat.txt`:".
    """

    language: str
    content: str
    file: str | None


@attrs.frozen
class Command:
    """A line typed into a shell, and what the page says comes of it.

    Attributes:
        line: What is typed.
        screen: What is to be seen then; a line `...` stands for any lines.
    """

    line: str
    screen: str

    @property
    def said(self) -> list[str]:
        """What is typed into the program itself, in a conversation."""
        return [line.removeprefix("you ") for line in self.screen.splitlines() if line.startswith("you ")]

    def fits(self, screen: str) -> bool:
        """Whether what was really seen is what the page says."""
        lines = [r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in self.screen.splitlines()]
        return re.fullmatch("".join(lines), screen) is not None


def pages() -> list[Path]:
    """Returns all pages."""
    return sorted(DOCS.rglob("*.md"))


def blocks(page: Path) -> Iterator[Block]:
    """Yields the blocks of a page in order."""
    for found in _BLOCK.finditer(page.read_text("utf-8")):
        named = _FILE.search(found["before"] or "")
        yield Block(found["language"], found["content"], named[1] if named else None)


def commands(block: Block) -> Iterator[Command]:
    """Yields the commands of a block of the language `console`."""
    _, *parts = _COMMAND.split(block.content)
    for line, screen in zip(parts[::2], parts[1::2], strict=True):
        yield Command(line, screen.removeprefix("\n"))

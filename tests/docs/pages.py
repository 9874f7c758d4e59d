"""Parses the code blocks of the documentation pages."""

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
        language: The language, such as `python`.
        content: The code.
        file: The file that the reader writes it to, if the line before it ends like this: "into `chat.txt`:".
    """

    language: str
    content: str
    file: str | None


@attrs.frozen
class Command:
    """A shell command and its output according to the page.

    Attributes:
        line: The command line.
        output: The expected output; a line `...` matches any lines.
    """

    line: str
    output: str

    @property
    def messages(self) -> list[str]:
        """The messages that the reader types into the program, if it is a chat."""
        return [line.removeprefix("you ") for line in self.output.splitlines() if line.startswith("you ")]

    def matches(self, output: str) -> bool:
        """Returns whether the actual output matches the page."""
        lines = [r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in self.output.splitlines()]
        return re.fullmatch("".join(lines), output) is not None


def pages() -> list[Path]:
    """Returns all pages."""
    return sorted(DOCS.rglob("*.md"))


def blocks(page: Path) -> Iterator[Block]:
    """Yields the blocks of a page in order."""
    for block in _BLOCK.finditer(page.read_text("utf-8")):
        file = _FILE.search(block["before"] or "")
        yield Block(block["language"], block["content"], file[1] if file else None)


def commands(block: Block) -> Iterator[Command]:
    """Yields the commands of a `console` block."""
    _, *parts = _COMMAND.split(block.content)
    for line, output in zip(parts[::2], parts[1::2], strict=True):
        yield Command(line, output.removeprefix("\n"))

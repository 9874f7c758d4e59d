"""The tutorial, done as a reader would: its files written, its commands typed, in order, in an empty folder."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import DOCS, blocks, commands
from tests.docs.terminal import Terminal


def test_the_tutorial_ends_in_a_conversation(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    conversations = 0
    for block in blocks(DOCS / "plugins/tutorial.md"):
        if block.file:
            (terminal.place / block.file).write_text(block.content, "utf-8")
            continue
        assert block.language == "console", f"what is the reader to do with this?\n{block.content}"
        for command in commands(block):
            status, screen = terminal.type(command.line, command.said)
            assert status == 0, f"$ {command.line}\n{screen}"
            assert command.fits(screen), f"$ {command.line}\n{screen}\nbut the page says:\n{command.screen}"
            conversations += bool(command.said)
    assert conversations == 2

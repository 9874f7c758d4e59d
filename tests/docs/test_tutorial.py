"""The tutorial works: its files are written and its commands run, in order, in an empty folder."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import DOCS, blocks, commands
from tests.docs.terminal import Terminal


def test_the_tutorial_ends_in_a_conversation(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    conversations = 0
    for block in blocks(DOCS / "plugins/tutorial.md"):
        if block.file:
            (terminal.directory / block.file).write_text(block.content, "utf-8")
            continue
        assert block.language == "console", f"a block is neither a file nor a command:\n{block.content}"
        for command in commands(block):
            status, output = terminal.run(command.line, command.messages)
            assert status == 0, f"$ {command.line}\n{output}"
            assert command.matches(output), f"$ {command.line}\n{output}\nexpected:\n{command.output}"
            conversations += bool(command.messages)
    assert conversations == 2

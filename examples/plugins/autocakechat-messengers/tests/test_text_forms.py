"""Text files are read in blocks: where a block ends makes no difference."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from autocakechat_messengers import text_form

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from exports import Messages
from forms import WRITERS, source_of
from reading import read_one

TEXTS = (
    "hi", "", " a blank", "(in brackets)", "three\nshort\n\nlines", "Poll: where?\n  [1] here", "Missed voice call",
    "> a quote", "Sent with Invisible Ink", "They unsent this message part", "attachments/1/cat.jpeg", "x" * 300,
    "Reactions:\nLoved by Me", "me\nThis message responded to an earlier message.", "\nafter a blank line",
)  # fmt: skip
CONVERSATION: Messages = [("ann" if number % 3 else "bob", TEXTS[number % len(TEXTS)]) for number in range(100)]


@pytest.mark.parametrize("form", ["signal text", "signal markdown", "imessage text"])
def test_messages_are_the_same_in_small_and_large_blocks(
    form: str, tmp_path: Path, acc_run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / WRITERS[form](tmp_path, CONVERSATION)
    expected = read_one(source_of(form), path, acc_run)
    assert len(expected) == len(CONVERSATION)
    assert [message.id for message in expected] == list(range(len(CONVERSATION)))
    for size in (1, 50, 333):
        monkeypatch.setattr(text_form, "_CHUNK", size)
        assert read_one(source_of(form), path, acc_run) == expected


@pytest.mark.parametrize("form", ["signal text", "signal markdown", "imessage text"])
def test_a_damaged_time_damages_one_message(form: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS[form](tmp_path, [("ann", "before"), ("bob", "damaged"), ("ann", "after")])
    (file,) = (file for file in path.rglob("*") if file.is_file())
    lines = file.read_text("utf-8").split("\n")
    damaged = next(number for number, line in enumerate(lines) if ":14:" in line)  # the second message
    lines[damaged] = lines[damaged].replace("2023-11-14", "2023-13-14").replace("Nov 14", "Nov 31")
    file.write_text("\n".join(lines), "utf-8")
    messages = read_one("signal" if form.startswith("signal") else "imessage", path, acc_run)
    assert [(message.text, message.kind) for message in messages] == [
        ("before", "text"),
        ("", "damaged message"),
        ("after", "text"),
    ]
    assert messages[1].sent == messages[0].sent

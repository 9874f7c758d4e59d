"""Makes a chat of an export, in two passes: the first learns the form, the second reads the messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple
from zoneinfo import ZoneInfo

from autocakechat import Chat, Input, Message, RunContext, UserError, escape_control_characters
from autocakechat_whatsapp.files import HOW, Opened, open_export
from autocakechat_whatsapp.form import Form, learn_form
from autocakechat_whatsapp.header import Header, clean_name, parse_header, sender_id, split_name
from autocakechat_whatsapp.notes import ANY_NOTE, is_note, without_notes

_LONGEST = 100_000  # characters of a message; the phone allows 65,536
_TELL_EVERY = 1000  # lines


class _Raw(NamedTuple):
    """A message as it stands in the file: its header, and its text with all further lines."""

    header: Header
    text: str


def read_chat(input: Input, zone: ZoneInfo, run: RunContext) -> Chat:
    """Reads an export, which is one chat.

    Args:
        input: One file.
        zone: The phone's time zone.
        run: Where to show progress.

    Raises:
        UserError: It is no export.
    """
    path = input.paths[0]
    with open_export(path) as opened:
        form = learn_form(_shown(opened, f"looking over {escape_control_characters(input.name)}", run))
    if form is None:
        raise UserError(
            f"{escape_control_characters(str(path))}: no export of WhatsApp: no line begins with a date and a time", HOW
        )
    people = [name for name in form.people if form.is_person(name)]
    return Chat(
        id=input.name,
        title=_title(input.name),
        kind="group" if len(people) > 2 else "personal chat",
        messages=_messages(input, form, zone, run),
    )


def _title(name: str) -> str:
    """Returns what the chat is called: the name of the file, or of the folder where the file is called `_chat.txt`."""
    path = PurePath(name)
    return path.parent.name or path.stem if path.stem == "_chat" else path.stem


def _messages(input: Input, form: Form, zone: ZoneInfo, run: RunContext) -> Iterator[Message]:
    sent = 0
    with open_export(input.paths[0]) as opened:
        lines = _shown(opened, f"reading {escape_control_characters(input.name)}", run)
        for number, raw in enumerate(_raw_messages(lines, form)):
            # The phone sorts by arrival: what was on its way for long stands where it arrived.
            sent = max(sent, form.seconds(raw.header, zone) or sent)
            yield _message(number, raw, sent, form)


def _raw_messages(lines: Iterable[str], form: Form) -> Iterator[_Raw]:
    """Puts lines together to messages. What stands before the first header is no message."""
    header: Header | None = None
    parts: list[str] = []
    length = 0
    for line in lines:
        begun = parse_header(line)
        if begun and form.is_header(begun):
            if header:
                yield _Raw(header, "".join(parts).rstrip("\n"))
            header, parts, length = begun, [begun.body], len(begun.body)
        elif length < _LONGEST:
            parts.append(line)
            length += len(line)
    if header:
        yield _Raw(header, "".join(parts).rstrip("\n"))


def _message(number: int, raw: _Raw, sent: int, form: Form) -> Message:
    named = split_name(raw.text)
    name = clean_name(named[0]) if named else ""
    if named is None or is_note(raw.text) or not form.is_person(name):
        return Message(id=number, sender="", sender_name=None, text="", sent=sent, kind=ANY_NOTE)
    kind, text = without_notes(named[1])
    return Message(id=number, sender=sender_id(name), sender_name=name, text=text, sent=sent, kind=kind)


def _shown(opened: Opened, title: str, run: RunContext) -> Iterator[str]:
    """Hands lines on and shows how far the file is read."""
    done = 0
    with run.progress(title, total=opened.size, unit="B") as progress:
        for number, line in enumerate(opened.lines()):
            if number % _TELL_EVERY == 0:
                position = opened.position()
                progress.advance(position - done)
                done = position
            yield line
        progress.advance(opened.size - done)

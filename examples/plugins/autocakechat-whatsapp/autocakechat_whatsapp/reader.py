"""Builds a chat from an export in two passes: the first detects the format, the second reads the messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple
from zoneinfo import ZoneInfo

from autocakechat import Chat, Input, Message, RunContext, UserError, escape_control_characters
from autocakechat_whatsapp.export_format import ExportFormat, detect_format
from autocakechat_whatsapp.files import EXPORT_HINT, NO_HEADER, OpenExport, open_export
from autocakechat_whatsapp.header import Header, clean_name, parse_header, sender_id, split_name
from autocakechat_whatsapp.system_text import SYSTEM_MESSAGE, is_system_message, strip_system_text

_MAX_LENGTH = 100_000  # characters of a message; WhatsApp allows 65,536
_PROGRESS_INTERVAL = 1000  # lines


class _RawMessage(NamedTuple):
    """A message in the file.

    Attributes:
        header: Its header.
        body: Everything after the header's date, including all further lines.
    """

    header: Header
    body: str


def read_chat(input: Input, zone: ZoneInfo, run: RunContext) -> Chat:
    """Reads an export, which contains one chat.

    Args:
        input: One file.
        zone: The time zone of the phone.
        run: The run, for its progress display.

    Raises:
        UserError: The file is not an export.
    """
    path = input.paths[0]
    with open_export(path) as export:
        export_format = detect_format(
            _lines_with_progress(export, f"scanning {escape_control_characters(input.name)}", run)
        )
    if export_format is None:
        raise UserError(f"{escape_control_characters(str(path))}: {NO_HEADER}", EXPORT_HINT)
    people = [name for name in export_format.message_counts if export_format.is_person(name)]
    return Chat(
        id=input.name,
        title=_title(input.name),
        kind="group" if len(people) > 2 else "personal chat",
        messages=_read_messages(input, export_format, zone, run),
    )


def _title(name: str) -> str:
    """Returns the title of the chat: the file name, or the folder's name for a file named `_chat.txt`."""
    path = PurePath(name)
    return path.parent.name or path.stem if path.stem == "_chat" else path.stem


def _read_messages(input: Input, export_format: ExportFormat, zone: ZoneInfo, run: RunContext) -> Iterator[Message]:
    sent = 0
    with open_export(input.paths[0]) as export:
        lines = _lines_with_progress(export, f"reading {escape_control_characters(input.name)}", run)
        for number, raw_message in enumerate(_split_messages(lines, export_format)):
            # Messages are sorted by arrival, so a late one has an earlier time than the message before it.
            sent = max(sent, export_format.unix_time(raw_message.header, zone) or sent)
            yield _make_message(number, raw_message, sent, export_format)


def _split_messages(lines: Iterable[str], export_format: ExportFormat) -> Iterator[_RawMessage]:
    """Joins lines to messages. Lines before the first header are ignored."""
    current: Header | None = None
    parts: list[str] = []
    length = 0
    for line in lines:
        header = parse_header(line)
        if header and export_format.is_header(header):
            if current:
                yield _RawMessage(current, "".join(parts).rstrip("\n"))
            current, parts, length = header, [header.body], len(header.body)
        elif length < _MAX_LENGTH:
            parts.append(line)
            length += len(line)
    if current:
        yield _RawMessage(current, "".join(parts).rstrip("\n"))


def _make_message(number: int, raw_message: _RawMessage, sent: int, export_format: ExportFormat) -> Message:
    name_and_text = split_name(raw_message.body)
    name = clean_name(name_and_text[0]) if name_and_text else ""
    if name_and_text is None or is_system_message(raw_message.body) or not export_format.is_person(name):
        return Message(id=number, sender="", sender_name=None, text="", sent=sent, kind=SYSTEM_MESSAGE)
    kind, text = strip_system_text(name_and_text[1])
    return Message(id=number, sender=sender_id(name), sender_name=name, text=text, sent=sent, kind=kind)


def _lines_with_progress(export: OpenExport, title: str, run: RunContext) -> Iterator[str]:
    """Yields the lines of an export and shows how much of the file is read."""
    previous = 0
    with run.progress(title, total=export.size, unit="B") as progress:
        for number, line in enumerate(export.lines()):
            if number % _PROGRESS_INTERVAL == 0:
                position = export.position()
                progress.advance(position - previous)
                previous = position
            yield line
        progress.advance(export.size - previous)

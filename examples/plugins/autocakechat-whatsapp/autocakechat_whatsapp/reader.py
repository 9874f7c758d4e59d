"""Builds a chat from an export in two passes: the first detects the format, the second reads the messages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import PurePath
from zoneinfo import ZoneInfo

from autocakechat import Chat, Input, Message, RunContext, UserError, escape_control_characters
from autocakechat_whatsapp.export_format import ExportFormat, detect_format
from autocakechat_whatsapp.files import EXPORT_HINT, NO_HEADER, OpenExport, open_export
from autocakechat_whatsapp.header import clean_name, sender_id, split_name
from autocakechat_whatsapp.people import People
from autocakechat_whatsapp.sentences import SYSTEM_MESSAGE
from autocakechat_whatsapp.splitting import Clock, MessageSplitter, RawMessage
from autocakechat_whatsapp.system_text import MARK, strip_android_text, strip_ios_text

_PROGRESS_INTERVAL = 1000  # lines


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
    if calendar := export_format.unread_calendar:
        raise UserError(
            f"{escape_control_characters(str(path))}: its dates are of a calendar that is not read ({calendar})",
            "set the phone to the Gregorian calendar and export the chat again",
        )
    people = People(export_format.message_counts)
    return Chat(
        id=input.name,
        title=_title(input.name),
        kind="group" if len(people.names) > 2 else "personal chat",
        messages=_read_messages(input, export_format, people, zone, run),
    )


def _title(name: str) -> str:
    """Returns the title of the chat: the file name, or the folder's name for a file named `_chat.txt`."""
    path = PurePath(name)
    return path.parent.name or path.stem if path.stem == "_chat" else path.stem


def _read_messages(
    input: Input, export_format: ExportFormat, people: People, zone: ZoneInfo, run: RunContext
) -> Iterator[Message]:
    name = escape_control_characters(input.name)
    clock = Clock()
    splitter = MessageSplitter(export_format, zone)
    with open_export(input.paths[0]) as export:
        lines = _lines_with_progress(export, f"reading {name}", run)
        # One message ahead: the time of the next one shows whether the clock was wrong.
        for number, (raw_message, following) in enumerate(pairwise(chain(splitter.split(lines), (None,)))):
            if raw_message:  # all but the last item, which only follows
                sent = clock.time_of(raw_message.sent, following.sent if following else None)
                yield _make_message(number, raw_message, sent, people)
    if splitter.unread_count:
        run.log.warning(
            "%s: lines that look like messages, but have an impossible date or another form: %d, the first one is "
            "line %d; they are text of the message before them",
            name,
            splitter.unread_count,
            splitter.first_unread_line,
        )


def _make_message(number: int, raw_message: RawMessage, sent: int, people: People) -> Message:
    name_and_text = split_name(raw_message.body)
    name = clean_name(name_and_text[0]) if name_and_text else ""
    is_system_message = raw_message.body.startswith(MARK) and not people.is_frequent(name)
    if name_and_text is None or is_system_message or not people.is_person(name):
        return Message(id=number, sender="", sender_name=None, text="", sent=sent, kind=SYSTEM_MESSAGE)
    kind, text = (strip_ios_text if raw_message.is_ios else strip_android_text)(name_and_text[1])
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

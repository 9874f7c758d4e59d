"""Builds a chat from an export in two passes: the first detects the format, the second reads the messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from zoneinfo import ZoneInfo

from autocakechat import Chat, Input, MessageBatch, RunContext, UserError, escape_control_characters
from autocakechat_whatsapp.batch_maker import BatchMaker
from autocakechat_whatsapp.block_splitter import BlockSplitter, SplitBlock
from autocakechat_whatsapp.export_format import ExportFormat, detect_format
from autocakechat_whatsapp.files import EXPORT_HINT, NO_HEADER, OpenExport, open_export
from autocakechat_whatsapp.people import People
from autocakechat_whatsapp.splitting import Clock, MessageJoiner


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
        export_format = detect_format(_split_blocks(export, f"scanning {escape_control_characters(input.name)}", run))
    if export_format is None:
        raise UserError(f"{escape_control_characters(str(path))}: {NO_HEADER}", EXPORT_HINT)
    if calendar := export_format.unread_calendar:
        raise UserError(
            f"{escape_control_characters(str(path))}: its dates are of a calendar that is not read ({calendar})",
            "set the phone to the Gregorian calendar and export the chat again",
        )
    people = People(export_format.message_counts)
    return Chat.of_batches(
        id=input.name,
        title=_title(input.name),
        kind="group" if len(people.names) > 2 else "personal chat",
        batches=_read_messages(input, export_format, people, zone, run),
    )


def _title(name: str) -> str:
    """Returns the title of the chat: the file name, or the folder's name for a file named `_chat.txt`."""
    path = PurePath(name)
    return path.parent.name or path.stem if path.stem == "_chat" else path.stem


def _read_messages(
    input: Input, export_format: ExportFormat, people: People, zone: ZoneInfo, run: RunContext
) -> Iterator[MessageBatch]:
    name = escape_control_characters(input.name)
    clock = Clock()
    joiner = MessageJoiner(export_format, zone)
    maker = BatchMaker(people)
    with open_export(input.paths[0]) as export:
        for messages, following in joiner.join(_split_blocks(export, f"reading {name}", run)):
            yield maker.make_batch(messages, clock.times_of(messages.sent, following))
    if joiner.unread_count:
        run.log.warning(
            "%s: lines that look like messages, but have an impossible date or another form: %d, the first one is "
            "line %d; they are text of the message before them",
            name,
            joiner.unread_count,
            joiner.first_unread_line,
        )


def _split_blocks(export: OpenExport, title: str, run: RunContext) -> Iterator[SplitBlock]:
    """Yields the messages of an export and shows how much of the file is read."""
    with run.progress(title, total=export.size, unit="B") as progress:
        yield from map(BlockSplitter().split, export.blocks(progress.advance))

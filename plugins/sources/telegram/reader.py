"""Reads the exports of an input and yields their chats."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autocakechat import Chat, Input, LogFile, MessageBatch, RunContext, escape_control_characters
from autocakechat.plugins.sources.telegram import discovery
from autocakechat.plugins.sources.telegram.chat_locations import (
    ChatKey,
    ChatLocation,
    assign_unknown_owners,
    chat_key,
    id_of_chat,
    locate_chats,
)
from autocakechat.plugins.sources.telegram.conversion.findings import Findings
from autocakechat.plugins.sources.telegram.conversion.merging import merge_exports
from autocakechat.plugins.sources.telegram.conversion.messages import convert_batches
from autocakechat.plugins.sources.telegram.conversion.migration import MigratedHistories
from autocakechat.plugins.sources.telegram.conversion.senders import SenderTable
from autocakechat.plugins.sources.telegram.conversion.topics import assign_topics
from autocakechat.plugins.sources.telegram.export import ExportFile, NotAnExportError
from autocakechat.plugins.sources.telegram.parsing.export_encoding import open_as_utf8
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawBatch

if TYPE_CHECKING:
    from autocakechat.plugins.sources.telegram.options import TelegramOptions

_SKIPPED = {
    "bot_chat": "bot_chat",
    "saved_messages": "saved_messages",
    "replies": "replies",
    "verification_codes": "verification_codes",
    "private_channel": "channel",
    "public_channel": "channel",
}


def read_chats(options: TelegramOptions, input: Input, run: RunContext) -> Iterator[Chat]:
    """Reads all chats of an input in order."""
    exports = []
    with ExitStack() as stack:
        for sentence in getattr(input, "passed_over", ()):
            run.log.warning("%s", sentence)
        for path, name in _file_names(input).items():
            if discovery.find_problem(path):
                continue  # in an archive that also contains an export
            open_file = stack.enter_context(open_as_utf8(path, run.state))
            exports.append(stack.enter_context(ExportFile(open_file, name)))
        total = sum(export.buffer.size for export in exports)
        progress = stack.enter_context(
            run.progress(f"reading {escape_control_characters(input.name)}", total=total, unit="B")
        )
        reader = _Reader(options, run, progress.advance)
        yield from reader.read_in_order(exports[0]) if len(exports) == 1 else reader.read_merged(exports)
        reader.warn(exports)


def _file_names(input: Input) -> dict[LogFile, str]:
    """Returns a unique name for each file of an input; the names do not depend on the location of the input."""
    common = Path(os.path.commonpath([path.parent for path in input.paths]))
    names: dict[LogFile, str] = {}
    for path in input.paths:
        name = input.name if len(input.paths) == 1 else path.relative_to(common).as_posix()
        for file in discovery.files_of(path):
            names[file] = f"{name}/{file.member}" if file.member else name
    return names


class _Group(NamedTuple):
    """A group that was read.

    Attributes:
        title: Its title.
        sender_tables: The senders in it, one table per file.
        is_partial: Whether only exports of accounts contain it, which omit the messages of other members.
    """

    title: str
    sender_tables: list[SenderTable]
    is_partial: bool


class _Reader:
    """Makes chats from the files of an input.

    Args:
        options: The options of the source.
        run: The run, for its log.
        advance: Called with the number of bytes read.
    """

    def __init__(self, options: TelegramOptions, run: RunContext, advance: Callable[[int], None]) -> None:
        self._options = options
        self._run = run
        self._advance = advance
        self._has_messages = False
        self._findings = Findings()
        self._histories = MigratedHistories()
        self._unread: list[ExportFile] = []
        self._groups: list[_Group] = []

    def read_in_order(self, export: ExportFile) -> Iterator[Chat]:
        """Reads the chats of a single file in order, in one pass."""
        for number, raw_chat in enumerate(export.parse_chats(), 1):
            senders = self._sender_table(export, raw_chat.header, export.owner)
            batches = self._convert(raw_chat.batches, senders)
            chat_id = id_of_chat(export, raw_chat.header, number)
            yield self._make_chat(chat_id, raw_chat.header, batches, [senders], [export])
        export.check_end(export.buffer, self._run.log)

    def read_merged(self, exports: Sequence[ExportFile]) -> Iterator[Chat]:
        """Reads several files: locates the chats of all files, then yields each chat once, merged from its files."""
        locations: dict[ChatKey, list[ChatLocation]] = {}
        for chats_of_file in self._locate_all(exports):
            for number, location in enumerate(chats_of_file, 1):
                locations.setdefault(chat_key(location, number), []).append(location)
        owners = {export.owner for export in exports if export.owner}
        owner = owners.pop() if len(owners) == 1 else None
        chats = assign_unknown_owners(locations)
        uses_of_id = Counter(key.chat_id for key in chats)
        for key, chat_locations in chats.items():
            if len(chat_locations) > 1:
                chat_locations.sort(key=ChatLocation.recency, reverse=True)
            is_unique = uses_of_id[key.chat_id] == 1
            chat_id = key.chat_id if is_unique else f"{key.chat_id}@{key.owner or 'unknown'}"
            yield from self._merge_chat(chat_id, chat_locations, owner)

    def _locate_all(self, exports: Sequence[ExportFile]) -> list[list[ChatLocation]]:
        """Locates the chats of all files. Files that are not exports are passed over, unless all of them are."""
        located, errors = [], []
        for export in exports:
            try:
                located.append(list(locate_chats(export)))
            except NotAnExportError as error:
                errors.append(error)
                self._unread.append(export)
        if errors and not located:
            raise errors[0]
        for problem in errors:
            self._run.log.warning("passed over: %s", problem)
        return located

    def _merge_chat(self, chat_id: str, locations: Sequence[ChatLocation], owner: str | None) -> Iterator[Chat]:
        buffers = [location.export.open_buffer() for location in locations]
        try:
            streams, sender_tables = [], []
            for location, buffer in zip(locations, buffers, strict=True):
                senders = self._sender_table(location.export, location.chat.header, location.export.owner or owner)
                buffer.seek(location.chat.offset)
                streams.append(self._convert(location.chat.read_again(buffer), senders))
                sender_tables.append(senders)
            batches = streams[0] if len(streams) == 1 else merge_exports(streams)
            files = [location.export for location in locations]
            yield self._make_chat(chat_id, locations[0].chat.header, batches, sender_tables, files)
            for location, buffer in zip(locations, buffers, strict=True):
                location.export.check_end(buffer, self._run.log)
        finally:
            for buffer in buffers:
                buffer.close()

    def _sender_table(self, export: ExportFile, header: ChatHeader, owner: str | None) -> SenderTable:
        return SenderTable(header, prefixed_ids=export.prefixed_ids, owner=owner)

    def _convert(self, batches: Iterator[RawBatch], senders: SenderTable) -> Iterator[MessageBatch]:
        return convert_batches(
            batches, senders, self._on_batch, self._findings, sticker_emoji=self._options.sticker_emoji
        )

    def _on_batch(self, size: int) -> None:
        self._has_messages = self._has_messages or size > 0
        self._advance(size)

    def _make_chat(
        self,
        chat_id: str,
        header: ChatHeader,
        batches: Iterator[MessageBatch],
        sender_tables: list[SenderTable],
        exports: Sequence[ExportFile],
    ) -> Chat:
        skip = _SKIPPED.get(header.type or "")
        batches = assign_topics(batches)
        if "group" in (header.type or ""):
            batches = self._histories.read_once(batches, is_supergroup="supergroup" in (header.type or ""))
            is_partial = all(export.is_account for export in exports)
            self._groups.append(_Group(header.name or "without a name", sender_tables, is_partial))
        return Chat.of_batches(
            id=chat_id,
            title=header.name,
            kind=(header.type or "chat").replace("_", " "),
            batches=batches,
            skip=skip.replace("_", " ") if skip and skip not in self._options.include_kinds else None,
        )

    def warn(self, exports: Iterable[ExportFile]) -> None:
        """Warns about exports that cannot be learnt from. Call it after all chats are read."""
        one_sided = [group for group in self._groups if len(_people(group.sender_tables)) == 1]
        if partial := [group.title for group in one_sided if group.is_partial]:
            self._run.log.warning(
                "only one participant writes in %d of the groups (%s): the export of an account omits the messages of "
                "other members, so export these groups one by one",
                len(partial),
                escape_control_characters(", ".join(partial[:3]) + (", ..." if len(partial) > 3 else "")),
            )
        for group in one_sided:
            if not group.is_partial:
                self._run.log.warning(
                    "only one participant writes in the group %s, so there is nothing to reply to: if others write in "
                    "it, export it from an account that sees their messages, with an earlier first day",
                    escape_control_characters(group.title),
                )
        for warning in self._findings.warnings():
            self._run.log.warning("%s", warning)
        for export in exports:
            if export.unread_from is not None:
                self._run.log.warning(
                    "%s: a second list of messages begins at byte %d, and is not read: put each export into a separate "
                    "file",
                    export.name,
                    export.unread_from,
                )
            if not export.has_ids and self._has_messages and export not in self._unread:
                self._run.log.warning(
                    "%s: the export contains no user ids (probably made in 2018), so its messages cannot be assigned "
                    "to a person; export again",
                    export.name,
                )


def _people(sender_tables: Iterable[SenderTable]) -> set[str]:
    return {sender.id for table in sender_tables for sender in table.resolved.values() if sender.is_person}

"""Reads exports: from files to chats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from autocakechat import Chat, Input, Message, RunContext, UserError, visible
from autocakechat.plugins.sources.telegram import finding, layout, people, walking
from autocakechat.plugins.sources.telegram.feed import Feed, Header, Portion
from autocakechat.plugins.sources.telegram.kinds import is_plain, settle
from autocakechat.plugins.sources.telegram.records import Record, Window, decode

if TYPE_CHECKING:
    from autocakechat.plugins.sources.telegram import TelegramOptions

_SKIPPED = {
    "bot_chat": "bot_chat",
    "saved_messages": "saved_messages",
    "replies": "replies",
    "verification_codes": "verification_codes",
    "private_channel": "channel",
    "public_channel": "channel",
}
_HEAD = 1 << 16


def read_chats(options: TelegramOptions, input: Input, run: RunContext) -> Iterator[Chat]:
    """Reads all chats of an input, one after the other."""
    for path in input.paths:
        if advice := finding.why_no_export(path):
            run.log.warning("%s: %s", visible(input.name), advice)
            continue
        with Export(path, input.name, options, run) as export:
            yield from export.chats()


class Export:
    """One file of an export.

    Args:
        path: Where it lies.
        name: What to call it.
        options: The source's options.
        run: For warnings and progress.
    """

    def __init__(self, path: Path, name: str, options: TelegramOptions, run: RunContext) -> None:
        self._options = options
        self._run = run
        self._name = name
        with path.open("rb") as file:
            self._words = people.ids_are_words(file)
        self._file = path.open("rb", buffering=0)
        self._head = self._file.read(_HEAD)
        self._file.seek(0)
        self._feed = Feed(self._file)
        self._owner: str | None = None
        self._lonely: list[str] = []

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def chats(self) -> Iterator[Chat]:
        """Reads the chats in the order of the file."""
        with self._run.progress(f"reading {visible(self._name)}", total=self._feed.size, unit="B") as progress:
            for number, portion in enumerate(self._portions(), 1):
                yield self._chat(number, portion, progress.advance)
        if self._feed.left_over:
            self._run.log.warning(
                "%s: the export is cut off; its last %d bytes are left over, everything before them is used",
                visible(self._name),
                self._feed.left_over,
            )
        if self._lonely:
            self._run.log.warning(
                "%s: only one person speaks in %d of the groups (%s); an export of the whole account holds nobody "
                "else's messages, so export such a group by itself",
                visible(self._name),
                len(self._lonely),
                visible(", ".join(self._lonely[:3])),
            )

    def _portions(self) -> Iterator[Portion]:
        done = 0
        if layout.is_familiar(self._head):
            self._set_owner(layout.owner(self._head))
            try:
                for portion in layout.portions(self._feed):
                    yield portion
                    done += 1
            except layout.UnfamiliarLayoutError:
                self._feed.seek(0)
            else:
                if done or self._feed.left_over:
                    return
                self._feed.seek(0)
        contents = self._survey()
        self._set_owner(contents.owner)
        for number, portion in enumerate(walking.portions(self._feed, contents)):
            if number >= done:
                yield portion
        self._feed.left_over = contents.left_over

    def _survey(self) -> walking.Contents:
        try:
            contents = walking.survey(self._feed)
        except walking.BrokenJsonError as error:
            raise UserError(
                f"{visible(self._name)}: broken JSON at byte {error.offset}", "export the chat again"
            ) from None
        if not contents.has_list and not contents.left_over:
            raise UserError(
                f"{visible(self._name)}: JSON, but no export of Telegram: it has neither messages nor chats",
                "export a chat from Telegram Desktop as machine-readable JSON",
            )
        return contents

    def _set_owner(self, user_id: int | None) -> None:
        self._owner = f"user{user_id}" if user_id else None

    def _chat(self, number: int, portion: Portion, advance: Callable[[int], None]) -> Chat:
        header = portion.header
        chat_id = f"{self._name}#{number}"
        owner, partner = self._owner, None
        if header.id is not None:
            chat_id = people.chat_id(header.id, header.type, words=self._words)
            if header.type == "saved_messages":
                owner = chat_id
            elif header.type in ("personal_chat", "bot_chat"):
                partner = chat_id
        skip = _SKIPPED.get(header.type or "")
        reader = _MessageReader(portion.windows, self._words, owner, partner, self._options.sticker_emoji, advance)
        return Chat(
            id=chat_id,
            title=header.name,
            kind=(header.type or "chat").replace("_", " "),
            messages=self._watched(reader, header),
            skip=skip.replace("_", " ") if skip and skip not in self._options.include else None,
        )

    def _watched(self, reader: _MessageReader, header: Header) -> Iterator[Message]:
        yield from reader.messages()
        if "group" in (header.type or "") and len(reader.speakers) == 1:
            self._lonely.append(header.name or "without a name")


@attrs.frozen
class _Face:
    """What is known of a sender in a chat."""

    id: str
    is_person: bool
    outgoing: bool | None


class _MessageReader:
    """Makes messages of the windows of one chat."""

    def __init__(
        self,
        windows: Iterator[Window],
        words: bool,
        owner: str | None,
        partner: str | None,
        sticker_emoji: bool,
        advance: Callable[[int], None],
    ) -> None:
        self._windows = windows
        self._words = words
        self._owner = owner
        self._partner = partner
        self._sticker_emoji = sticker_emoji
        self._advance = advance
        self._faces: dict[str | int | None, _Face] = {}
        self.speakers: set[str] = set()

    def messages(self) -> Iterator[Message]:
        """Reads the messages in the order of the file."""
        faces = self._faces
        last = 0
        for window in self._windows:
            for record in decode(window):
                if not is_plain(record):
                    settle(record, sticker_emoji=self._sticker_emoji)
                face = faces.get(record.sender) or self._meet(record)
                record.sender = face.id
                record.outgoing = face.outgoing
                if not face.is_person and record.own_words:
                    record.own_words = False
                    if record.kind == "text":
                        record.kind = "channel post" if face.id else "nobody's message"
                if record.sent <= 0:
                    record.sent = _local_time(record.date) or last
                last = record.sent
                yield record
            self._advance(len(window.text))

    def _meet(self, record: Record) -> _Face:
        """Works out who a sender is, once a chat."""
        sender = people.sender_id(record.sender, words=self._words)
        is_person = people.is_person(sender)
        outgoing: bool | None = None
        if is_person and self._owner:
            outgoing = sender == self._owner
        elif is_person and self._partner:
            outgoing = sender != self._partner
        face = _Face(sender, is_person, outgoing)
        self._faces[record.sender] = face
        if is_person and record.type == "message":
            self.speakers.add(sender)
        return face


def _local_time(date: str) -> int:
    """Reads a time without a zone as UTC: where the exporter was is not known. Returns 0 if it is no time."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))

"""Reads exports: from files to chats, from records to messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET

from autocakechat import Chat, Input, Message, RunContext, UserError, visible
from autocakechat.plugins.sources.telegram import finding, layout, people, walking
from autocakechat.plugins.sources.telegram.feed import Feed, Portion
from autocakechat.plugins.sources.telegram.kinds import settle
from autocakechat.plugins.sources.telegram.records import Batch
from autocakechat.plugins.sources.telegram.senders import Senders

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
        self._feed = Feed(self._file)
        self._owner: str | None = None
        self._groups: list[tuple[str, Senders]] = []

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def chats(self) -> Iterator[Chat]:
        """Reads the chats in the order of the file."""
        with self._run.progress(f"reading {visible(self._name)}", total=self._feed.size, unit="B") as progress:
            for number, portion in enumerate(self._portions(), 1):
                yield self._chat(number, portion, progress.advance)
        self._warn()

    def _portions(self) -> Iterator[Portion]:
        """Finds the chats: quickly if they are in the application's layout, otherwise by walking through the file."""
        head = self._file.read(_HEAD)
        self._feed.seek(0)
        done = 0
        if layout.is_familiar(head):
            self._set_owner(layout.owner(head))
            try:
                for portion in layout.portions(self._feed):
                    yield portion
                    done += 1
            except layout.UnfamiliarLayoutError:
                pass
            else:
                if done or self._feed.left_over is not None:
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
                f"{visible(self._name)}: broken JSON at byte {error.offset}", "export again, or take the file away"
            ) from None
        if not contents.has_list and contents.left_over is None:
            raise UserError(
                f"{visible(self._name)}: JSON, but no export of Telegram: it has neither messages nor chats",
                "export a chat from Telegram Desktop as machine-readable JSON",
            )
        return contents

    def _set_owner(self, user_id: int | None) -> None:
        self._owner = f"user{user_id}" if user_id else None

    def _chat(self, number: int, portion: Portion, advance: Callable[[int], None]) -> Chat:
        header = portion.header
        if header.id is None:
            chat_id = f"{self._name}#{number}"
        else:
            chat_id = people.chat_id(header.id, header.type, words=self._words)
        skip = _SKIPPED.get(header.type or "")
        senders = Senders(header, words=self._words, owner=self._owner)
        if "group" in (header.type or ""):
            self._groups.append((header.name or "without a name", senders))
        return Chat(
            id=chat_id,
            title=header.name,
            kind=(header.type or "chat").replace("_", " "),
            messages=read_messages(portion.batches, senders, advance, sticker_emoji=self._options.sticker_emoji),
            skip=skip.replace("_", " ") if skip and skip not in self._options.include else None,
        )

    def _warn(self) -> None:
        name, warn = visible(self._name), self._run.log.warning
        if self._feed.left_over is not None:
            warn(
                "%s: the export is cut off: %d bytes at its end are left over, everything before them is used",
                name,
                self._feed.left_over,
            )
        if lonely := [title for title, senders in self._groups if senders.single_person]:
            warn(
                "%s: only one person speaks in %d of the groups (%s); an export of the whole account holds nobody "
                "else's messages, so export such a group by itself",
                name,
                len(lonely),
                visible(", ".join(lonely[:3])),
            )


def read_messages(
    batches: Iterator[Batch], senders: Senders, advance: Callable[[int], None], *, sticker_emoji: bool
) -> Iterator[Message]:
    """Reads the messages of a chat.

    Args:
        batches: The messages as they stand in the file.
        senders: Who speaks in the chat.
        advance: Told how many bytes were read.
        sticker_emoji: Whether the emoji of a sticker is its text.

    Yields:
        The messages in the order of the file.
    """
    known = senders.known
    last = 0
    for number, batch in enumerate(batches):
        if number == 0:
            senders.look_at(batch.records)
        for record in batch.records:
            # Nearly all messages are somebody's own text and nothing else, and need no more than this look at them.
            if (
                record.text.__class__ is not str
                or not record.text
                or record.kind != "text"
                or record.type != "message"
                or record.photo is not UNSET
                or record.file is not UNSET
                or record.forwarded_from is not UNSET
                or record.forwarded_from_id is not UNSET
                or record.via_bot is not UNSET
                or record.reply_to_peer_id is not UNSET
            ):
                settle(record, sticker_emoji=sticker_emoji)
            try:
                sender = known[record.sender]
            except KeyError:
                sender = senders.meet(record.sender)
            if sender.is_renamed:
                record.sender = sender.id
            record.outgoing = sender.outgoing
            if not sender.is_person and record.own_words:
                record.own_words = False
                if record.kind == "text":
                    record.kind = "channel post" if sender.id else "nobody's message"
            if not record.sent:
                record.sent = _local_time(record.date) or last
            last = record.sent
            yield record
        advance(batch.size)


def _local_time(date: str) -> int:
    """Reads a time without a zone as UTC: where the exporter was is not known. Returns 0 if it is no time."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))

"""Reads exports: from files to chats."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import attrs

from autocakechat import Chat, Input, MessageBatch, RunContext, escape_control_characters
from autocakechat.plugins.sources.telegram import discovery, peer_ids
from autocakechat.plugins.sources.telegram.byte_buffer import HEAD, Header, Portion
from autocakechat.plugins.sources.telegram.export import Export
from autocakechat.plugins.sources.telegram.merging import merged
from autocakechat.plugins.sources.telegram.messages import read_messages
from autocakechat.plugins.sources.telegram.raw_messages import Batch
from autocakechat.plugins.sources.telegram.senders import Senders

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
_MOMENT = re.compile(rb'"(?:date|edited)_unixtime"\s*:\s*"?(\d{1,11})')
_DIGITS = re.compile("([0-9]+)")
_LOCAL_DATE = re.compile(rb'"date"\s*:\s*"([^"]{1,40})"')


def read_chats(options: TelegramOptions, input: Input, run: RunContext) -> Iterator[Chat]:
    """Reads all chats of an input, one after the other."""
    exports = []
    with ExitStack() as open_exports:
        for path, name in _names(input).items():
            if advice := discovery.why_no_export(path):
                run.log.warning("%s: %s", escape_control_characters(name), advice)
            else:
                exports.append(open_exports.enter_context(Export(path, name)))
        total = sum(export.feed.size for export in exports)
        progress = open_exports.enter_context(
            run.progress(f"reading {escape_control_characters(input.name)}", total=total, unit="B")
        )
        reader = _Reader(options, run, progress.advance)
        yield from reader.one_by_one(exports[0]) if len(exports) == 1 else reader.together(exports)
        reader.warn(exports)


def _names(input: Input) -> dict[Path, str]:
    """Names the files of an input so that they can be told apart, the same wherever the log lies."""
    if len(input.paths) == 1:
        return {input.paths[0]: input.name}
    common = Path(os.path.commonpath([path.parent for path in input.paths]))
    return {path: path.relative_to(common).as_posix() for path in input.paths}


@attrs.define
class _Place:
    """Where a chat stands."""

    export: Export
    portion: Portion
    end: int

    def newness(self) -> tuple[int, bytes, list[int | str]]:
        """Orders exports of one chat: when the last of its messages was sent or edited, otherwise by name."""
        feed = self.export.again()
        try:
            feed.seek(max(self.portion.offset, self.end - HEAD))
            feed.more()
            tail = feed.data[: self.end - feed.offset]
        finally:
            feed.close()
        last = max(map(int, _MOMENT.findall(tail)), default=0)
        parts = _DIGITS.split(self.export.name)
        name = [int(part) if place % 2 else part for place, part in enumerate(parts)]
        return last, max(_LOCAL_DATE.findall(tail), default=b""), name


class _Key(NamedTuple):
    """A chat, and whose account it was exported from, if that is known and matters."""

    chat_id: str
    owner: str | None


class _Reader:
    """Makes chats of portions of files."""

    def __init__(self, options: TelegramOptions, run: RunContext, advance: Callable[[int], None]) -> None:
        self._options = options
        self._run = run
        self._advance = advance
        self._has_messages = False
        self._groups: list[tuple[str, list[Senders]]] = []

    def one_by_one(self, export: Export) -> Iterator[Chat]:
        """Reads the chats of a file in their order, in one pass."""
        for number, portion in enumerate(export.portions(), 1):
            senders = self._senders(export, portion.header, export.owner)
            batches = self._batches(portion.batches, senders)
            yield self._chat(_chat_id(export, portion.header, number), portion.header, batches, [senders])
        export.warn_if_cut_off(export.feed, self._run.log)

    def together(self, exports: Sequence[Export]) -> Iterator[Chat]:
        """Reads several files as one: a chat that stands in more than one of them is still one chat."""
        places: dict[_Key, list[_Place]] = {}
        for export in exports:
            for number, place in enumerate(_places(export), 1):
                places.setdefault(_key(place, number), []).append(place)
        owners = {export.owner for export in exports if export.owner}
        owner = owners.pop() if len(owners) == 1 else None
        united = _united(places)
        times = Counter(key.chat_id for key in united)
        for key, found in united.items():
            if len(found) > 1:
                found.sort(key=_Place.newness, reverse=True)
            chat_id = key.chat_id if times[key.chat_id] == 1 else f"{key.chat_id}@{key.owner or 'unknown'}"
            yield from self._united_chat(chat_id, found, owner)

    def _united_chat(self, chat_id: str, places: Sequence[_Place], owner: str | None) -> Iterator[Chat]:
        feeds = [place.export.again() for place in places]
        try:
            streams, all_senders = [], []
            for place, feed in zip(places, feeds, strict=True):
                senders = self._senders(place.export, place.portion.header, place.export.owner or owner)
                feed.seek(place.portion.offset)
                streams.append(self._batches(place.portion.reread(feed), senders))
                all_senders.append(senders)
            batches = streams[0] if len(streams) == 1 else merged(streams)
            yield self._chat(chat_id, places[0].portion.header, batches, all_senders)
            for place, feed in zip(places, feeds, strict=True):
                place.export.warn_if_cut_off(feed, self._run.log)
        finally:
            for feed in feeds:
                feed.close()

    def _senders(self, export: Export, header: Header, owner: str | None) -> Senders:
        return Senders(header, words=export.words is not False, owner=owner)

    def _batches(self, batches: Iterator[Batch], senders: Senders) -> Iterator[MessageBatch]:
        return read_messages(batches, senders, self._advanced, sticker_emoji=self._options.sticker_emoji)

    def _advanced(self, size: int) -> None:
        self._has_messages = self._has_messages or size > 0
        self._advance(size)

    def _chat(self, chat_id: str, header: Header, batches: Iterator[MessageBatch], senders: list[Senders]) -> Chat:
        skip = _SKIPPED.get(header.type or "")
        if "group" in (header.type or ""):
            self._groups.append((header.name or "without a name", senders))
        return Chat.of_batches(
            id=chat_id,
            title=header.name,
            kind=(header.type or "chat").replace("_", " "),
            batches=batches,
            skip=skip.replace("_", " ") if skip and skip not in self._options.include else None,
        )

    def warn(self, exports: Iterable[Export]) -> None:
        """Warns of what will make learning fail."""
        if lonely := [title for title, senders in self._groups if len(_people(senders)) == 1]:
            self._run.log.warning(
                "only one person speaks in %d of the groups (%s); an export of the whole account holds nobody else's "
                "messages, so export such a group by itself",
                len(lonely),
                escape_control_characters(", ".join(lonely[:3]) + (", ..." if len(lonely) > 3 else "")),
            )
        for export in exports:
            if export.words is None and self._has_messages:
                self._run.log.warning(
                    "%s: this export, probably of 2018, tells nobody's id, and people are never matched by name; "
                    "export again",
                    export.name,
                )


def _chat_id(export: Export, header: Header, number: int) -> str:
    if header.id is None:
        return f"{export.name}#{number}"
    return peer_ids.chat_id(header.id, header.type, words=export.words is not False)


def _places(export: Export) -> Iterator[_Place]:
    """Finds the chats of a file without reading them."""
    last: _Place | None = None
    for portion in export.portions():
        if last:
            last.end = portion.offset
            yield last
        last = _Place(export, portion, export.feed.size)
        if export.is_single_chat:
            break
    if last:
        yield last


def _key(place: _Place, number: int) -> _Key:
    """Tells chats apart.

    Elsewhere than in channels and supergroups ids of messages are those of the owner's account, and two people may
    both have chatted with a third.
    """
    export, header = place.export, place.portion.header
    chat_id = _chat_id(export, header, number)
    if chat_id.startswith("channel"):
        return _Key(chat_id, None)
    return _Key(chat_id, export.owner or export.owner_of_single_chat(header))


def _united(places: dict[_Key, list[_Place]]) -> dict[_Key, list[_Place]]:
    """Adds chats of an unknown owner to the same chat of a known one, if there is only one."""
    united = dict(places)
    for key, found in places.items():
        if key.owner is None:
            twins = [other for other in united if other.chat_id == key.chat_id and other.owner]
            if len(twins) == 1:
                united[twins[0]] = [*united[twins[0]], *found]
                del united[key]
    return united


def _people(senders: Iterable[Senders]) -> set[str]:
    return {sender.id for each in senders for sender in each.known.values() if sender.is_person}

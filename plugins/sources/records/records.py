"""One line of the neutral format, and how it becomes a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import xxhash

from autocakechat import Message

_FIRST_TIME, _LAST_TIME = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_FIRST_ID, _LAST_ID = -(1 << 63), (1 << 63) - 1

Id = str | int
T = TypeVar("T")


class InvalidRecordError(Exception):
    """A line is not a message; the text says why."""


class RecordKey(msgspec.Struct, gc=False):
    """What decides where a message belongs: the chat and the time, and what a line may say about the chat."""

    chat: Id
    time: str | int | float
    title: str | None = None
    chat_kind: str | None = None
    skip: str | None = None


class Record(msgspec.Struct, gc=False):
    """A message as a line has it."""

    chat: Id
    sender: Id | None
    time: str | int | float
    text: str | None
    id: Id | None = None
    name: str | None = None
    reply_to: Id | None = None
    own_words: bool = True
    kind: str = "text"
    outgoing: bool | None = None
    label: str | None = None
    topic: str = ""


_key_decoder = msgspec.json.Decoder(RecordKey)
_record_decoder = msgspec.json.Decoder(Record)
_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def parse_key(line: bytes) -> RecordKey:
    """Parses the chat and time of a line.

    Raises:
        InvalidRecordError: The line is not a message.
    """
    try:
        return _key_decoder.decode(line)
    except _DECODING_ERRORS:
        return _parse_leniently(line, RecordKey)


def parse_record(line: bytes) -> Record:
    """Parses a line.

    Raises:
        InvalidRecordError: The line is not a message.
    """
    try:
        return _record_decoder.decode(line)
    except _DECODING_ERRORS:
        return _parse_leniently(line, Record)


def parse_keys(lines: bytes) -> list[RecordKey]:
    """Parses the chats and times of several lines; returns nothing if one of them is not a strictly valid message."""
    try:
        return _key_decoder.decode_lines(lines)
    except _DECODING_ERRORS:
        return []


def parse_records(lines: bytes) -> list[Record]:
    """Parses several lines; returns nothing if one of them is not a strictly valid message."""
    try:
        return _record_decoder.decode_lines(lines)
    except _DECODING_ERRORS:
        return []


def _parse_leniently(line: bytes, cls: type[T]) -> T:
    """Parses a line with lone surrogates or invalid bytes, or says what is wrong with it."""
    text = line.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise InvalidRecordError(f"not JSON: {error}") from None
    try:
        repaired = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.json.decode(repaired, type=cls)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRecordError(str(error)) from None


def time_parser(zone: ZoneInfo) -> Callable[[str | int | float], int]:
    """Returns a function that converts a time to seconds since 1970.

    Args:
        zone: The time zone of times that have none.
    """

    def parse(time: str | int | float) -> int:
        try:
            if isinstance(time, int):
                seconds = time
            elif isinstance(time, float) or time.isdecimal():
                seconds = int(time)
            else:
                moment = datetime.fromisoformat(time.strip())
                seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())
        except (ValueError, OverflowError):
            raise InvalidRecordError(f"time is {time!r}, expected ISO 8601 or seconds since 1970") from None
        if not _FIRST_TIME <= seconds <= _LAST_TIME:
            raise InvalidRecordError(f"time is {time!r}, expected seconds since 1970, not milliseconds")
        return seconds

    return parse


def parse_aware_times(times: Sequence[str]) -> list[int]:
    """Converts times of ISO 8601 to seconds since 1970, all at once; returns nothing if one has no time zone."""
    try:
        moments = msgspec.convert(times, list[datetime])
    except msgspec.ValidationError:
        return []
    if None in {moment.tzinfo for moment in moments}:
        return []
    return list(map(int, map(datetime.timestamp, moments)))


def parse_times(times: list[str | int | float], parse_time: Callable[[str | int | float], int]) -> list[int]:
    """Converts times to seconds since 1970.

    Args:
        times: At least one time.
        parse_time: Parses a time.

    Raises:
        InvalidRecordError: One is not a time.
    """
    seconds = [time for time in times if type(time) is int]
    if len(seconds) == len(times) and min(seconds) >= _FIRST_TIME and max(seconds) <= _LAST_TIME:
        return seconds
    return [parse_time(time) for time in times]


def message_id(id: Id) -> int:
    """Returns the number of an id; the same id has the same number everywhere."""
    if isinstance(id, str):
        if not (id.isascii() and id.isdecimal()):
            return _hash(id)
        number = int(id) if len(id) < 20 else _LAST_ID + 1
    else:
        number = id
    return number if _FIRST_ID <= number <= _LAST_ID else _hash(str(id))


def message_ids(ids: Sequence[Id | None]) -> Sequence[int | None]:
    """Returns the number of each id; None for one that is missing."""
    if ids.count(None) == len(ids):
        return [None] * len(ids)
    numbers = [id_ for id_ in ids if type(id_) is int]
    if len(numbers) == len(ids) and min(numbers) >= _FIRST_ID and max(numbers) <= _LAST_ID:
        return numbers
    return [None if id_ is None else message_id(id_) for id_ in ids]


def _hash(id: str) -> int:
    return xxhash.xxh3_64_intdigest(id.encode("utf-8", "surrogatepass")) >> 1


def make_message(record: Record, number: int, sent: int) -> Message:
    """Makes a message.

    Args:
        record: The line.
        number: The number of the message in its chat, from 1: the negative id of a message without id.
        sent: When it was sent.
    """
    kind = record.kind or "text"
    return Message(
        -number if record.id is None else message_id(record.id),
        "" if record.sender is None else str(record.sender),
        record.name,
        record.text or "",
        sent,
        None if record.reply_to is None else message_id(record.reply_to),
        "empty message" if kind == "text" and not record.text else kind,
        record.own_words,
        record.outgoing,
        topic=record.topic,
        label=record.label or None,
    )

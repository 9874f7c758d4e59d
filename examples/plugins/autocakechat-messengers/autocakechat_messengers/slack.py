"""Slack: the export of a workspace, with a folder for each channel and a file for each day."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs
import msgspec

from autocakechat import Chat, LogFile, Message, RunContext, UserError
from autocakechat_messengers.content import (
    WRONG_VALUES,
    attachment_kind,
    damaged,
    number_of,
    seconds,
    text_of,
    without_duplicates,
)
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError

HINT = {"slack": "export the workspace (Settings > Import/Export Data), and give the archive or its unpacked folder"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_LISTS = {
    "channels.json": "channel group",
    "groups.json": "private group",
    "mpims.json": "private group",
    "dms.json": "private chat",
}
_OWN_SUBTYPES = ("", "thread_broadcast", "me_message", "file_share", "file_comment")
# <@U123>, <@U123|ann>, <#C123|general>, <!here>, <https://example.org|label>
_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`."""
    roots = {file.location.parent for file in listing.files if file.location.name == "users.json"}
    days = [file for file in listing.files if _is_day(file) and file.location.parent.parent in roots]
    if not days:
        raise NotAnExportError(f"{listing.path}: no Slack export: users.json, or the files of days, are missing")
    names = ("users.json", *_LISTS)
    lists = [file for file in listing.files if file.location.parent in roots and file.location.name in names]
    return [*lists, *days]


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels; see `Format.read`."""
    people: dict[str, str] = {}
    listed: dict[tuple[Path, str], tuple[str, dict[str, Any]]] = {}
    folders: dict[Path, list[LogFile]] = {}
    for file in files:
        root, name = file.location.parent, file.location.name
        if _is_day(file):
            folders.setdefault(root, []).append(file)
        elif name == "users.json":
            people |= {str(user["id"]): _name(user) for user in _load(file, files, run) if "id" in user}
        elif kind := _LISTS.get(name):
            for entry in _load(file, files, run):
                for folder_name in (entry.get("name"), entry.get("id")):
                    listed.setdefault((root, str(folder_name)), (kind, entry))
    channels: dict[str, _Channel] = {}
    for folder, days in folders.items():
        kind, entry = listed.get((folder.parent, folder.name), ("channel group", {}))
        id_ = str(entry.get("id") or folder.name)
        title = _members(entry, people) if "chat" in kind else folder.name
        channels.setdefault(id_, _Channel(id_, title, kind)).days.extend(days)
    total = sum(files.size(day) for days in folders.values() for day in days)
    with run.progress("reading Slack channels", total=total, unit="B") as progress:
        for channel in channels.values():
            messages = _messages(channel.days, files, people, run, progress.advance)
            yield Chat(channel.id, channel.title, channel.kind, without_duplicates(messages))


@attrs.define
class _Channel:
    """A channel, which may be in several exports.

    Attributes:
        id: Its id.
        title: Its title.
        kind: Its kind.
        days: A file for each day.
    """

    id: str
    title: str | None
    kind: str
    days: list[LogFile] = attrs.field(factory=list)


def _messages(
    days: list[LogFile], files: ExportFiles, people: dict[str, str], run: RunContext, advance: Callable[[int], None]
) -> Iterator[Message]:
    """Yields the messages of a channel; a day that is in several exports is read as one."""
    for _, same_day in groupby(sorted(days, key=_day), _day):
        entries = []
        for file in same_day:
            advance(files.size(file))
            entries += _load(file, files, run)
        yield from _messages_of_day(entries, people)


def _day(file: LogFile) -> str:
    return file.location.name


def _is_day(file: LogFile) -> bool:
    return _DAY.fullmatch(_day(file)) is not None


def _members(channel: dict[str, Any], people: dict[str, str]) -> str | None:
    members = channel.get("members")
    names = [people.get(str(member), str(member)) for member in members] if isinstance(members, list) else []
    return ", ".join(names) or None


def _load(file: LogFile, files: ExportFiles, run: RunContext) -> list[dict[str, Any]]:
    """Reads a file; one that is damaged counts as empty."""
    try:
        content = files.read_whole(file)
        try:
            values = msgspec.json.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            values = json.loads(content.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError, UserError) as error:
        run.log.warning("%s: the file is damaged and not used: %s", files.names[file], error)
        return []
    return [value if isinstance(value, dict) else {} for value in values] if isinstance(values, list) else []


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or user.get("user_profile") or user
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _messages_of_day(entries: list[dict[str, Any]], people: dict[str, str]) -> list[Message]:
    messages = []
    for number, entry in enumerate(entries):
        try:
            messages.append(_message(entry, people))
        except WRONG_VALUES:
            messages.append(damaged(number, 0))
    return sorted(messages, key=lambda message: (message.sent, message.id))


def _message(entry: dict[str, Any], people: dict[str, str]) -> Message:
    subtype, sender = text_of(entry.get("subtype")), text_of(entry.get("user"))
    text = _plain(text_of(entry.get("text")), people)
    name = people.get(sender) or _name(entry.get("user_profile") or {})
    kind, own_words = _content_kind(entry, text), True
    if entry.get("bot_id") or subtype == "bot_message":
        sender = sender or text_of(entry.get("bot_id"))
        name, kind, own_words = name or text_of(entry.get("username")), "bot message", False
    elif subtype == "tombstone":
        text, kind = "", "deleted message"
    elif subtype not in _OWN_SUBTYPES:
        text, kind = "", f"service: {subtype}"
    elif not text and any(shared.get("is_share") for shared in entry.get("attachments") or []):
        text, kind, own_words = _plain(text_of(entry["attachments"][0].get("text")), people), "forward", False
    stamp, root = entry["ts"], entry.get("thread_ts")
    return Message(
        _number(stamp),
        sender,
        name or None,
        text,
        seconds(float(stamp)),
        _number(root) if root and root != stamp else None,
        kind,
        own_words,
    )


def _content_kind(entry: dict[str, Any], text: str) -> str:
    if files := entry.get("files"):
        return attachment_kind(text_of(files[0].get("name")), text_of(files[0].get("mimetype")))
    return "text" if text else "empty message"


def _number(stamp: str) -> int:
    """Returns the id of a message: its time in microseconds."""
    return number_of(text_of(stamp).replace(".", ""))


def _plain(text: str, people: dict[str, str]) -> str:
    """Replaces mentions and links by what people see."""
    if "<" in text:
        text = _TOKEN.sub(lambda token: _shown(token, people), text)
    return html.unescape(text) if "&" in text else text


def _shown(token: re.Match[str], people: dict[str, str]) -> str:
    mark, target, label = token.groups()
    if mark == "@":
        return f"@{people.get(target) or label or target}"
    if mark == "#":
        return f"#{label or target}"
    if mark == "!":
        return label or f"@{target}"
    return label or target

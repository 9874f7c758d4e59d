"""Facebook Messenger and Instagram: the JSON files of "Download your information", in several files for each thread.

Each file has at most ten thousand messages and is held in memory, one at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from autocakechat import Chat, LogFile, Message, RunContext, UserError, escape_control_characters
from autocakechat_messengers.content import WRONG_VALUES, attachment_kind, damaged, seconds, text_of
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError, json_problem

_HINT = "choose Download your information, messages, and the format JSON"
HINT = {"messenger": f"on Facebook {_HINT}", "instagram": f"on Instagram {_HINT}"}
_TIME = re.compile(rb'"timestamp(?:_ms)?"\s*:\s*(\d{9,17})')
_PAGE = re.compile(r"message_\d+\.html")
_KINDS = (
    ("photos", "photo"),
    ("videos", "video"),
    ("audio_files", "voice message"),
    ("gifs", "animation"),
    ("sticker", "sticker"),
    ("files", "file"),
    ("media", ""),
)
# What Meta writes into the text of other messages, in English.
_INSERTED = re.compile(
    r"(?:.{1,80} )?(?:sent|shared) (?:an? (?:attachment|photo|video|voice message|sticker|GIF|link|story|post|reel|"
    r"(?:live )?location)|\d+ (?:photos|videos))\.?",
    re.DOTALL,
)
_REACTION = re.compile(
    r"(?:.{1,80} )?(?:Liked a message|[Rr]eacted .{1,20} to (?:your|their|a|his|her) message)\s*", re.DOTALL
)


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`. A path whose name has `instagram` is one of Instagram."""

    def problem(file: LogFile, head: bytes) -> str:
        if reason := json_problem(head) or _problem(head):
            return reason
        is_instagram = _is_instagram(file) or b"instagram" in head
        if is_instagram != (source == "instagram") and file != LogFile(listing.path):
            return f"an export of {'Instagram' if is_instagram else 'Facebook'}"
        return ""

    try:
        return listing.find(".json", problem)
    except NotAnExportError:
        page = next((file for file in listing.files if _PAGE.fullmatch(file.file_name)), None)
        if page is None or _is_instagram(page) != (source == "instagram"):
            raise
        raise UserError(f"{escape_control_characters(str(page))}: HTML, which is not read", HINT[source]) from None


def _is_instagram(file: LogFile) -> bool:
    return "instagram" in f"{file.path.resolve()}/{file.member}".casefold()


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the threads; see `Format.read`."""
    threads: dict[str, list[LogFile]] = {}
    for file in files:
        threads.setdefault(_thread_id(file), []).append(file)
    total = sum(map(files.size, files))
    with run.progress(f"reading {files.source}", total=total, unit="B") as progress:
        for id_, parts in threads.items():
            parts.sort(key=lambda part: _newest_time(files.read_head(part)))
            content = _load(parts[-1], files, run)
            people = content.get("participants")
            is_group = isinstance(people, list) and len(people) > 2
            title = content.get("title") or content.get("threadName")
            messages = _messages(parts, files, run, progress.advance)
            yield Chat(
                id_,
                repair_text(title) if isinstance(title, str) else None,
                "group" if is_group else "private chat",
                messages,
            )


def repair_text(text: str) -> str:
    """Repairs a text whose UTF-8 was written as if it were Latin-1; any other text is returned as it is."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _problem(head: bytes) -> str:
    if b'"participants"' in head and (b'"messages"' in head or b'"thread_path"' in head):
        return ""
    return "JSON, but not a thread of messages"


def _thread_id(file: LogFile) -> str:
    """Returns the id of a thread: the name of its folder, or that of a file that is the whole thread."""
    path = file.location
    return path.parent.name if path.stem.startswith("message_") else path.stem


def _newest_time(head: bytes) -> int:
    """Returns the time of the first message of a file, which is the newest."""
    match = _TIME.search(head)
    return int(match[1]) if match else 0


def _load(file: LogFile, files: ExportFiles, run: RunContext) -> dict[str, Any]:
    """Reads a file; of a truncated one, the messages that are complete."""
    content = files.read_whole(file)
    try:
        values = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        values = _load_leniently(content, files.names[file], run)
    return values if isinstance(values, dict) else {}


def _load_leniently(content: bytes, name: str, run: RunContext) -> Any:
    text = content.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        run.log.warning("%s: the file is damaged or truncated; the complete messages before are used", name)
    start = text.find('"messages"')
    decode = json.JSONDecoder(strict=False).raw_decode
    messages = []
    position = text.find("{", start) if start >= 0 else -1
    while position >= 0:
        try:
            value, end = decode(text, position)
        except (ValueError, RecursionError):
            break
        messages.append(value)
        position = text.find("{", end)
    return {"messages": messages}


def _messages(
    parts: Sequence[LogFile], files: ExportFiles, run: RunContext, advance: Callable[[int], None]
) -> Iterator[Message]:
    """Yields the messages of a thread. The format has no ids, so they are numbered."""
    number, sent = 0, 0
    previous: set[tuple[Any, ...]] = set()
    for part in parts:
        advance(files.size(part))
        entries = _load(part, files, run).get("messages")
        entries = entries if isinstance(entries, list) else []
        messages = []
        for entry in reversed(entries):
            try:
                messages.append(_message(entry))
            except WRONG_VALUES:
                messages.append(damaged(0, 0))
        messages.sort(key=lambda message: message.sent)
        seen = set()
        for message in messages:
            number += 1
            message.id = number
            key = (message.sender, message.sent, message.text, message.kind)
            seen.add(key)
            if key in previous and message.sender:
                message = Message(number, "", None, "", message.sent, kind="duplicate message")
            sent = message.sent = max(sent, message.sent)
            yield message
        previous = seen


def _message(entry: dict[str, Any]) -> Message:
    """Makes a message of the older form (`sender_name`) or of the form for encrypted chats (`senderName`)."""
    if "senderName" in entry:
        name, time, text = text_of(entry["senderName"]), entry["timestamp"], text_of(entry.get("text"))
    else:
        name, time = repair_text(text_of(entry["sender_name"])), entry["timestamp_ms"]
        text = repair_text(text_of(entry.get("content")))
    kind, text, own_words = _classify(entry, text)
    return Message(0, name, name or None, text, seconds(time, 1000), kind=kind, own_words=own_words)


def _classify(entry: dict[str, Any], text: str) -> tuple[str, str, bool]:
    """Returns the kind of a message, its text, and whether the sender wrote it."""
    if entry.get("is_unsent") or entry.get("isUnsent"):
        return "deleted message", "", True
    type_ = entry.get("type", "")
    if "call_duration" in entry or type_ in ("Call", "call"):
        return "service: call", "", True
    if type_ in ("Subscribe", "Unsubscribe"):
        return f"service: {type_.lower()}", "", True
    if _REACTION.fullmatch(text):
        return "service: reaction", "", True
    for key, kind in _KINDS:
        if value := entry.get(key):
            uri = value[0].get("uri", "") if isinstance(value, list) else ""
            return kind or attachment_kind(text_of(uri)), "" if _INSERTED.fullmatch(text) else text, True
    share = entry.get("share")
    if share:
        link = text_of(share.get("link"))
        is_own = bool(text) and bool(link) and link in text
        return ("text", text, True) if is_own else ("share", text, False)
    if _INSERTED.fullmatch(text):
        return "attachment", "", True
    return "text" if text else "empty message", text, True

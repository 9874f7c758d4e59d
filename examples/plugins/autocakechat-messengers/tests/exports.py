"""Writes exports as each messenger or its exporter does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = 1_700_000_000
Json = dict[str, Any]
Messages = Sequence[tuple[str, str]]


def iso(sent: int) -> str:
    return datetime.fromtimestamp(sent, UTC).isoformat()


def discord_message(number: int, sender: str, text: str = "", **more: Any) -> Json:
    """A message of DiscordChatExporter, sent `number` minutes after START."""
    author = {"id": f"10{sender}", "name": sender, "discriminator": "0000", "nickname": sender.title(), "isBot": False}
    empty: Json = {"attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": []}
    return {
        "id": str(1000 + number),
        "type": "Default",
        "timestamp": iso(START + 60 * number),
        "timestampEdited": None,
        "isPinned": False,
        "content": text,
        "author": author,
        **empty,
        **more,
    }


def discord_channel(messages: Sequence[Json], *, id: str = "77", type: str = "DirectTextChat") -> str:
    """A file of DiscordChatExporter."""
    return json.dumps(
        {
            "guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""},
            "channel": {"id": id, "type": type, "categoryId": None, "category": None, "name": "Ann", "topic": None},
            "dateRange": {"after": None, "before": None},
            "exportedAt": iso(START),
            "messages": list(messages),
            "messageCount": len(messages),
        },
        indent=2,
        ensure_ascii=False,
    )


def write_discord(folder: Path, said: Messages) -> str:
    messages = [discord_message(number, *pair) for number, pair in enumerate(said)]
    (folder / "Direct Messages - Ann [77].json").write_text(discord_channel(messages), "utf-8")
    return "Direct Messages - Ann [77].json"


def garbled(text: str) -> str:
    """A text as Meta writes it: its UTF-8 as if it were Latin-1."""
    return text.encode().decode("latin-1")


def meta_message(number: int, sender: str, text: str | None = None, **more: Any) -> Json:
    """A message of Messenger or Instagram, sent `number` minutes after START."""
    content = {} if text is None else {"content": garbled(text)}
    message = {"sender_name": garbled(sender), "timestamp_ms": 1000 * (START + 60 * number), **content}
    return {**message, "is_geoblocked_for_viewer": False, **more}


def meta_file(messages: Sequence[Json], people: Sequence[str] = ("ann", "bob")) -> str:
    """A file of a thread, with the newest message first."""
    return json.dumps(
        {
            "participants": [{"name": garbled(name)} for name in people],
            "messages": list(messages)[::-1],
            "title": garbled("Zoë & friends"),
            "is_still_participant": True,
            "thread_path": "inbox/zoe_1",
            "magic_words": [],
        },
        indent=2,
    )


def write_meta(folder: Path, said: Messages, size: int = 500, top: str = "facebook") -> str:
    thread = folder / f"{top}-ann" / "your_activity/messages/inbox/zoe_1"
    thread.mkdir(parents=True)
    messages = [meta_message(number, *pair) for number, pair in enumerate(said)]
    parts = [messages[at : at + size] for at in range(0, len(messages), size)] or [[]]
    for number, part in enumerate(reversed(parts), 1):
        (thread / f"message_{number}.json").write_text(meta_file(part))
    return f"{top}-ann"


def write_instagram(folder: Path, said: Messages) -> str:
    return write_meta(folder, said, top="instagram")


def slack_message(number: int, sender: str, text: str = "", **more: Any) -> Json:
    """A message of Slack, sent `number` minutes after START."""
    stamp = f"{START + 60 * number}.{number % 10:06}"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"type": "message", "user": f"U{sender}", "text": escaped, "ts": stamp, **more}


def write_slack_days(folder: Path, messages: Sequence[Json], channel: str = "general") -> str:
    """An unpacked export with a file for each day."""
    (folder / "slack" / channel).mkdir(parents=True, exist_ok=True)
    people = [{"id": f"U{name}", "name": name, "profile": {"display_name": name.title()}} for name in ("ann", "bob")]
    (folder / "slack/users.json").write_text(json.dumps(people))
    (folder / "slack/channels.json").write_text(json.dumps([{"id": "C1", "name": "general"}]))
    (folder / "slack/dms.json").write_text(json.dumps([{"id": "D1", "members": ["Uann", "Ubob"]}]))
    days: dict[str, list[Json]] = {iso(START)[:10]: []}
    for message in messages:
        days.setdefault(iso(int(message["ts"].partition(".")[0]))[:10], []).append(message)
    for day, of_day in days.items():
        (folder / "slack" / channel / f"{day}.json").write_text(json.dumps(of_day, indent=4))
    return "slack"


def write_slack(folder: Path, said: Messages) -> str:
    return write_slack_days(folder, [slack_message(number, *pair) for number, pair in enumerate(said)])


def signal_message(number: int, sender: str, text: str = "", **more: Any) -> Json:
    """A message of sigexport, sent `number` minutes after START."""
    date = datetime.fromtimestamp(START + 60 * number, UTC).replace(tzinfo=None).isoformat()
    empty: Json = {"quote": "", "sticker": "", "reactions": [], "attachments": []}
    return {"date": date, "sender": sender, "body": f"{text}  ", **empty, **more}


def write_signal_lines(folder: Path, messages: Sequence[Json]) -> str:
    """The folder of sigexport, with one conversation."""
    (folder / "signal/Ann Lee").mkdir(parents=True)
    lines = [json.dumps(message, ensure_ascii=False) + "\n" for message in messages]
    (folder / "signal/Ann Lee/data.json").write_text("".join(lines), "utf-8")
    return "signal"


def write_signal(folder: Path, said: Messages) -> str:
    return write_signal_lines(folder, [signal_message(number, *pair) for number, pair in enumerate(said)])


SCHEMA = """
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT, service TEXT);
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, guid TEXT, style INTEGER, chat_identifier TEXT, display_name TEXT);
CREATE TABLE message (
    ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE, text TEXT, attributedBody BLOB, handle_id INTEGER, date INTEGER,
    is_from_me INTEGER, associated_message_type INTEGER, item_type INTEGER, balloon_bundle_id TEXT,
    thread_originator_guid TEXT, date_retracted INTEGER, is_audio_message INTEGER
);
CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER);
CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY, mime_type TEXT, transfer_name TEXT);
CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER);
INSERT INTO handle VALUES (1, '+15550100', 'iMessage'), (2, 'bob@example.org', 'iMessage');
INSERT INTO chat VALUES (1, 'iMessage;-;+15550100', 45, '+15550100', '');
"""


def imessage_row(number: int, sender: str, text: str | None = None, **more: Any) -> Json:
    """A row of the table `message`, sent `number` minutes after START; `ann` is the owner of the Mac."""
    date = (START + 60 * number - 978_307_200) * 1_000_000_000
    row: Json = {"ROWID": number + 1, "guid": f"guid-{number + 1}", "text": text, "handle_id": 1, "date": date}
    return {**row, "is_from_me": int(sender == "ann"), "associated_message_type": 0, "item_type": 0, **more}


def write_imessage_rows(folder: Path, rows: Sequence[Json], *, statements: str = "") -> str:
    """A database with one chat."""
    with closing(sqlite3.connect(folder / "chat.db")) as database:
        database.executescript(SCHEMA)
        for row in rows:
            marks = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO message ({', '.join(row)}) VALUES ({marks})", list(row.values()))
            database.execute("INSERT INTO chat_message_join VALUES (1, ?)", [row["ROWID"]])
        database.executescript(statements)
        database.commit()
    return "chat.db"


def write_imessage(folder: Path, said: Messages) -> str:
    return write_imessage_rows(folder, [imessage_row(number, *pair) for number, pair in enumerate(said)])


def attributed_body(text: str) -> bytes:
    """A text as a typed stream, as macOS stores it."""
    encoded = text.encode()
    size = len(encoded)
    length = bytes([size]) if size < 0x80 else b"\x81" + size.to_bytes(2, "little")
    head = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00"
    return head + b"\x85\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+" + length + encoded + b"\x86\x84\x02iI\x01"

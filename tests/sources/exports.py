"""Writes exports as Telegram Desktop does, and reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Message, RunContext
from autocakechat.plugins.sources.telegram import TelegramOptions, acc_sources

Json = dict[str, Any]

ME = 1
PARTNER = 2
START = 1_700_000_000
TELEGRAM = next(iter(acc_sources()))


def make_message(id: int, sender: int, text: str | list[Any] = "", *, at: int | None = None, **more: Any) -> Json:
    """A message of `user<sender>`, sent `at` seconds after START (default: `id` minutes)."""
    sent = START + (id * 60 if at is None else at)
    parts = [text] if isinstance(text, str) else text
    return {
        "id": id,
        "type": "message",
        "date": datetime.fromtimestamp(sent, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(sent),
        "from": f"Person {sender}",
        "from_id": f"user{sender}",
        **more,
        "text": text,
        "text_entities": [{"type": "plain", "text": part} if isinstance(part, str) else part for part in parts if part],
    }


def make_service(id: int, actor: int, action: str, **more: Any) -> Json:
    """A service message."""
    message = make_message(id, actor, **more)
    del message["from"], message["from_id"]
    return {**message, "type": "service", "actor": f"Person {actor}", "actor_id": f"user{actor}", "action": action}


def make_chat(
    messages: Sequence[Json], *, type: str = "personal_chat", id: int = PARTNER, name: str | None = "Pat"
) -> Json:
    """A chat: the whole document of a single-chat export."""
    return {"name": name, "type": type, "id": id, "messages": list(messages)}


def make_account(*chats: Json, owner: int = ME, left: Sequence[Json] = ()) -> Json:
    """The export of an account."""
    return {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": owner, "first_name": "Me", "last_name": "", "phone_number": ""},
        "contacts": {"about": "", "list": [{"first_name": "messages", "messages": 3}]},
        "chats": {"about": "This page lists all chats.", "list": list(chats)},
        **({"left_chats": {"about": "", "list": list(left)}} if left else {}),
    }


def export_json(document: Json) -> str:
    """Formats a document like Telegram Desktop."""
    return json.dumps(document, indent=1, ensure_ascii=False)


def write_export(path: Path, document: Json) -> Path:
    """Writes a document like Telegram Desktop."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(export_json(document), "utf-8")
    return path


@attrs.frozen
class ReadChat:
    """A chat with its messages."""

    id: str
    title: str | None
    kind: str
    skip: str | None
    messages: list[Message]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    @property
    def kinds(self) -> list[str]:
        return [message.kind for message in self.messages]


def read(path: Path, run: RunContext, **options: Any) -> list[ReadChat]:
    """Reads all chats under a path."""
    telegram_options = TelegramOptions(path=path, **options)
    return [
        ReadChat(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages))
        for log_input in TELEGRAM.inputs(telegram_options)
        for chat in TELEGRAM.read(telegram_options, log_input, run)
    ]

"""Makes exports as Telegram Desktop writes them, and reads them."""

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


def message(id: int, sender: int, text: str | list[Any] = "", *, at: int | None = None, **more: Any) -> Json:
    """A message of `user<sender>`, sent so many seconds after the beginning (by default a minute after each other)."""
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


def service(id: int, actor: int, action: str, **more: Any) -> Json:
    """A service message."""
    made = message(id, actor, **more)
    del made["from"], made["from_id"]
    return {**made, "type": "service", "actor": f"Person {actor}", "actor_id": f"user{actor}", "action": action}


def chat(messages: Sequence[Json], *, type: str = "personal_chat", id: int = PARTNER, name: str | None = "Pat") -> Json:
    """A chat, which is the whole document if it was exported alone."""
    return {"name": name, "type": type, "id": id, "messages": list(messages)}


def account(*chats: Json, owner: int = ME, left: Sequence[Json] = ()) -> Json:
    """The export of a whole account."""
    return {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": owner, "first_name": "Me", "last_name": "", "phone_number": ""},
        "contacts": {"about": "", "list": [{"first_name": "messages", "messages": 3}]},
        "chats": {"about": "This page lists all chats.", "list": list(chats)},
        **({"left_chats": {"about": "", "list": list(left)}} if left else {}),
    }


def layout(document: Json) -> str:
    """Lays a document out like the application."""
    return json.dumps(document, indent=1, ensure_ascii=False)


def write(path: Path, document: Json) -> Path:
    """Writes a document as the application does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(layout(document), "utf-8")
    return path


@attrs.frozen
class ReadChat:
    """A chat with all its messages."""

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
    """Reads everything under a path."""
    settings = TelegramOptions(path=path, **options)
    return [
        ReadChat(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages))
        for part in TELEGRAM.inputs(settings)
        for chat in TELEGRAM.read(settings, part, run)
    ]

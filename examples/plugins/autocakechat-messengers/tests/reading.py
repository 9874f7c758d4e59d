"""Reads exports with the sources of this plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autocakechat_messengers import acc_sources

from autocakechat import Chat, Message, RunContext, SourceType

SOURCES: dict[str, SourceType] = {source.name: source for source in acc_sources()}


def read_chats(source: str, path: Path, run: RunContext, **options: Any) -> list[tuple[Chat, list[Message]]]:
    """Reads all chats with their messages."""
    stage = SOURCES[source]
    config = stage.config(path=path, **options)
    chats = (chat for entry in stage.inputs(config) for chat in stage.read(config, entry, run))
    return [(chat, list(chat.messages)) for chat in chats]


def read_one(source: str, path: Path, run: RunContext) -> list[Message]:
    """Reads the messages of the only chat."""
    ((_, messages),) = read_chats(source, path, run)
    return messages


def kinds(messages: list[Message]) -> list[tuple[str, str, bool]]:
    """What decides how a message is used: its kind, its text, and whether the sender wrote it."""
    return [(message.kind, message.text, message.own_words) for message in messages]

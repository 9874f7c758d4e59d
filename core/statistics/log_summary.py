"""Summarizes a chat log: its participants, its chats and when messages were sent."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.interface.stage_types import SourceType
from autocakechat.statistics.activity import ActivityCounter, ActivityReport
from autocakechat.statistics.participants import Participant, ParticipantCounter, rank_participants


@attrs.frozen
class ChatSummary:
    """One chat of a log.

    Attributes:
        id: The chat's id.
        title: The name shown for it.
        kind: The kind of chat, as its source names it.
        skipped: Why `acc run` skips the chat, or None.
        messages: Number of messages of all kinds.
        kinds: Number of messages by kind.
        people: The participants, most messages first.
        topics: Number of messages by topic, most first; empty for a chat without topics.
    """

    id: str
    title: str | None
    kind: str
    skipped: str | None
    messages: int
    kinds: dict[str, int]
    people: list[Participant]
    topics: dict[str, int] = attrs.Factory(dict)


@attrs.frozen
class LogSummary:
    """A whole log.

    Attributes:
        source: Name of the source that read it.
        messages: Number of messages of all kinds.
        people: The participants, most messages first.
        chats: The chats, in the order of the log.
        activity: When messages were sent.
        owner: Id of the account that the log is from; None if the log does not record it, or is from several accounts.
    """

    source: str
    messages: int
    people: list[Participant]
    chats: list[ChatSummary]
    activity: ActivityReport
    owner: str | None = None


def summarize_log(source: str, chats_of_log: Iterable[Chat]) -> LogSummary:
    """Reads a log and summarizes it.

    Args:
        source: The name of the source that reads the log.
        chats_of_log: The chats of the log, not read yet.
    """
    activity = ActivityCounter()
    owners: set[str] = set()
    chats = []
    for unread in chats_of_log:
        unread.tap(partial(_collect_owners, owners))
        chats.append(summarize_chat(unread, activity))
    totals: Counter[str] = Counter()
    names: dict[str, str | None] = {}
    for chat in chats:
        for participant in chat.people:
            totals[participant.id] += participant.messages
            names[participant.id] = participant.name or names.get(participant.id)
    return LogSummary(
        source=source,
        messages=sum(chat.messages for chat in chats),
        people=rank_participants(totals, names),
        chats=chats,
        activity=activity.report(),
        owner=owners.pop() if len(owners) == 1 else None,
    )


def _collect_owners(owners: set[str], batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
    """Adds the senders of outgoing messages to a set, and yields the batches unchanged."""
    for batch in batches:
        owners.update(compress(batch.senders, batch.outgoing))
        yield batch


def source_options(source: SourceType, path: Path) -> Any:
    """Returns the options of a source that reads a path, with the default value of every other option.

    Raises:
        UserError: The source has no option `path`, or other options without a default.
    """
    options = attrs.fields_dict(source.config)
    if "path" not in options:
        raise UserError(f"source '{source.name}' does not read a path", "use a pipeline.toml")
    required = [name for name, field in options.items() if field.default is attrs.NOTHING and name != "path"]
    if required:
        names = ", ".join(sorted(required))
        raise UserError(f"source '{source.name}' needs more options than a path: {names}", "use a pipeline.toml")
    return source.config(path=path)


def summarize_chat(chat: Chat, activity: ActivityCounter) -> ChatSummary:
    """Reads a chat to its end and summarizes it.

    Args:
        chat: The chat, not read yet.
        activity: Counts when the messages of all chats were sent.
    """
    participants = ParticipantCounter()
    chat.tap(participants.count_batches)
    chat.tap(activity.count_batches)
    deque(chat.batches, maxlen=0)  # reads all messages and keeps none
    return ChatSummary(
        id=chat.id,
        title=chat.title,
        kind=chat.kind,
        skipped=chat.skip,
        messages=len(chat.ledger),
        kinds=participants.kinds(),
        people=participants.ranking(),
        topics=dict(chat.ledger.topics.most_common()),
    )

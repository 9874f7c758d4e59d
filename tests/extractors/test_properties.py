"""Properties of the dialogs of every chat."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from autocakechat import Message, RunContext
from tests.conftest import silent_progress
from tests.extractors.chats import MINUTE, extract

SERVER = "sue"
GAP = 30


@contextmanager
def run_context() -> Iterator[RunContext]:
    with TemporaryDirectory() as folder:
        yield RunContext(log=logging.getLogger("test"), progress=silent_progress, seed=1, state=Path(folder))


@st.composite
def chats(draw: st.DrawFn, replies: bool = True, topics: bool = False) -> list[Message]:
    """Chats of up to four participants, perhaps with topics; all texts are different."""
    messages: list[Message] = []
    sent = 1_700_000_000
    for number in range(1, draw(st.integers(0, 40)) + 1):
        sent += draw(st.sampled_from([0, 1, 60, GAP * MINUTE, GAP * MINUTE + 1, 10**6]))
        has_text = draw(st.integers(0, 5)) > 0
        messages.append(
            Message(
                id=number,
                sender=draw(st.sampled_from([SERVER, SERVER, "bob", "bob", "tom", ""])),
                sender_name=None,
                text=f"text {number}" if has_text else "",
                sent=sent,
                reply_to=draw(st.none() | st.integers(0, number + 1)) if replies else None,
                kind="text" if has_text else draw(st.sampled_from(["photo", "service: topic_created"])),
                own_words=draw(st.integers(0, 9)) > 0,
                topic=draw(st.sampled_from(["home", "cats", "taxes"])) if topics else "",
            )
        )
    return messages


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "context": st.integers(1, 5),
        "turn_messages": st.integers(1, 4),
        "dialog_turns": st.integers(2, 6),
        "replies": st.booleans(),
        "max_length": st.integers(1, 7),
    },
)


@given(chats(), OPTIONS)
def test_every_message_is_kept_or_dropped_and_every_reply_is_the_servers_own(
    messages: list[Message], options: dict[str, Any]
) -> None:
    with run_context() as run:
        extracted = extract(messages, run, **options)  # fails if a message is neither kept nor dropped
    for dialog in extracted.dialogs:
        assert len(dialog.utterances) % 2 == 0
        assert dialog.utterances
        assert dialog.started == messages[dialog.utterances[0].messages[0]].sent
        for index, utterance in enumerate(dialog.utterances):
            joined = [messages[position] for position in utterance.messages]
            assert "\n".join(message.text for message in joined) == utterance.text
            assert all((message.sender == SERVER) == (index % 2 == 1) for message in joined)
            assert all(message.sender for message in joined)
            assert all(message.own_words for message in joined if index % 2)


def usable(message: Message, max_length: int) -> bool:
    """Whether the extractor considers a message at all, even if it drops the message from a long turn."""
    own = message.own_words or message.sender != SERVER
    return bool(message.text and message.sender) and own and len(message.text) <= max_length


def message_at(number: int, sender: str, seconds: int) -> Message:
    return Message(id=number, sender=sender, sender_name=None, text=f"text {number}", sent=1_700_000_000 + seconds)


@given(chats(replies=False), OPTIONS)
@example(
    [
        message_at(1, "bob", 0),
        message_at(2, SERVER, 0),
        message_at(3, "bob", 1),  # dropped, but bridges the pause between 2 and 4
        message_at(4, "bob", GAP * MINUTE + 1),
        message_at(5, SERVER, GAP * MINUTE + 1),
    ],
    {"turn_messages": 1},
)
def test_without_replies_dialogs_keep_the_order_and_contain_no_pause(
    messages: list[Message], options: dict[str, Any]
) -> None:
    with run_context() as run:
        extracted = extract(messages, run, **options)
    for dialog in extracted.dialogs:
        positions = [position for utterance in dialog.utterances for position in utterance.messages]
        assert positions == sorted(set(positions))
        max_length = options.get("max_length", 2000)
        spanned = messages[positions[0] : positions[-1] + 1]
        times = [message.sent for message in spanned if usable(message, max_length)]
        assert all(later - earlier <= GAP * MINUTE for earlier, later in itertools.pairwise(times))


@given(chats())
def test_an_explicit_reply_follows_its_target(messages: list[Message]) -> None:
    with run_context() as run:
        extracted = extract(messages, run)
    by_id = {message.id: message for message in messages}
    for dialog in extracted.dialogs:
        for client_turn, reply in zip(dialog.utterances[::2], dialog.utterances[1::2], strict=True):
            first = messages[reply.messages[0]]
            target = by_id.get(first.reply_to or 0)
            if target and target.sender not in (SERVER, "") and target.text:
                assert messages[client_turn.messages[-1]] is target


@given(chats(topics=True), OPTIONS)
def test_a_dialog_has_one_topic(messages: list[Message], options: dict[str, Any]) -> None:
    with run_context() as run:
        extracted = extract(messages, run, **options)
    for dialog in extracted.dialogs:
        topics = {messages[position].topic for turn in dialog.utterances for position in turn.messages}
        assert len(topics) == 1


@given(chats(replies=False))
def test_a_reply_follows_no_message_without_text(messages: list[Message]) -> None:
    with run_context() as run:
        extracted = extract(messages, run)
    for dialog in extracted.dialogs:
        for client_turn, reply in zip(dialog.utterances[::2], dialog.utterances[1::2], strict=True):
            between = messages[client_turn.messages[-1] : reply.messages[-1]]
            assert not any(message.kind == "photo" and message.sender not in (SERVER, "") for message in between)


@given(chats())
@settings(max_examples=30)
def test_extraction_is_deterministic(messages: list[Message]) -> None:
    with run_context() as run:
        assert extract(messages, run).dialogs == extract(messages, run).dialogs

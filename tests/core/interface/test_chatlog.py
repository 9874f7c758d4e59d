"""Chats: read once, every message settled once."""

from __future__ import annotations

from collections import deque
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import Chat, Message, MessageBatch
from autocakechat.interface.chatlog import Ledger


def messages(count: int) -> list[Message]:
    return [Message(id=7 + n, sender="user1", sender_name=None, text=f"text {n}", sent=n) for n in range(count)]


def test_messages_are_handed_out_in_order_with_their_positions() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(3))
    assert [(message.id, message.position) for message in chat.messages] == [(7, 0), (8, 1), (9, 2)]


def test_a_chat_is_read_once() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(3))
    next(chat.messages)
    with pytest.raises(RuntimeError, match="a chat is read once"):
        _ = chat.messages
    assert [message.id for message in chat.rest()] == [8, 9]
    assert list(chat.rest()) == []


def test_messages_come_many_at_once_too() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(300))
    batches = list(chat.batches)
    assert [message.id for batch in batches for message in batch] == list(range(7, 307))
    assert [place for batch in batches for place in batch.positions] == list(range(300))
    nothing = MessageBatch(*[()] * 9)
    again = Chat.of_batches("chat1", "title", "personal_chat", iter([nothing, *batches, nothing]))
    assert [(message.text, message.position) for message in again.messages] == [(f"text {n}", n) for n in range(300)]


def test_after_some_batches_the_rest_is_left() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(600))
    first = next(chat.batches)
    assert [message.position for message in chat.rest()] == list(range(len(first), 600))
    with pytest.raises(RuntimeError, match="a chat is read once"):
        _ = chat.batches


@pytest.mark.parametrize("read", [0, 1, 300])
def test_all_that_nobody_read_is_dropped(read: int) -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(300))
    if read:
        deque(islice(chat.messages, read), maxlen=0)
    chat.drop_rest("not asked for")
    dropped = {"not asked for": 300 - read} if read < 300 else {}
    assert chat.ledger.tally() == (300, 0, dropped, read)


def test_what_is_no_message_is_refused() -> None:
    chat = Chat("chat1", "title", "personal_chat", [*messages(1), "hello"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a chat holds str, which is no Message"):
        list(chat.messages)


def test_the_first_reason_counts_and_being_written_counts_more() -> None:
    chat = Chat("chat1", None, "personal_chat", messages(4))
    first, second, third, _ = chat.messages
    chat.drop(first, "no text")
    chat.drop(first, "too late")
    chat.drop(second, "unanswered")
    chat.ledger.keep([second.position, third.position])
    chat.drop(third, "too late")
    assert chat.ledger.tally() == (4, 2, {"no text": 1}, 1)


def test_two_chats_with_one_ledger_do_not_mix_their_messages_up() -> None:
    ledger = Ledger()
    positions = []
    for _ in range(2):
        chat = Chat("chat1", None, "personal_chat", messages(2))
        chat.ledger = ledger
        positions += [message.position for message in chat.messages]
    assert positions == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["keep", "a", "b", "c"]))))
def test_every_message_is_counted_exactly_once(steps: list[tuple[int, str]]) -> None:
    chat = Chat("chat1", None, "personal_chat", messages(10))
    read = list(chat.messages)
    for position, fate in steps:
        if fate == "keep":
            chat.ledger.keep([position])
        else:
            chat.drop(read[position], fate)
    tally = chat.ledger.tally()
    assert tally.kept + sum(tally.dropped.values()) + tally.unsettled == tally.read == 10
    assert tally.kept == len({position for position, fate in steps if fate == "keep"})

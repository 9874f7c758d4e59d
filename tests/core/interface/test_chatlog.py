"""Chats are read once, and the ledger counts every message once."""

from __future__ import annotations

from collections import deque
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import Chat, Message, MessageBatch
from autocakechat.interface.ledger import Ledger


def messages(count: int) -> list[Message]:
    return [Message(id=7 + n, sender="user1", sender_name=None, text=f"text {n}", sent=n) for n in range(count)]


def test_messages_have_positions_in_order() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(3))
    assert [(message.id, message.position) for message in chat.messages] == [(7, 0), (8, 1), (9, 2)]


def test_a_chat_is_read_once() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(3))
    next(chat.messages)
    with pytest.raises(RuntimeError, match="a chat can be read only once"):
        _ = chat.messages
    assert [message.id for message in chat.rest()] == [8, 9]
    assert list(chat.rest()) == []


def test_batches_contain_all_messages() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(300))
    batches = list(chat.batches)
    assert [message.id for batch in batches for message in batch] == list(range(7, 307))
    assert [position for batch in batches for position in batch.positions] == list(range(300))
    empty = MessageBatch(*[()] * 9)
    copy = Chat.of_batches("chat1", "title", "personal_chat", iter([empty, *batches, empty]))
    assert [(message.text, message.position) for message in copy.messages] == [(f"text {n}", n) for n in range(300)]


def test_rest_continues_after_the_batches_that_were_read() -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(600))
    first = next(chat.batches)
    assert [message.position for message in chat.rest()] == list(range(len(first), 600))
    with pytest.raises(RuntimeError, match="a chat can be read only once"):
        _ = chat.batches


@pytest.mark.parametrize("read", [0, 1, 300])
def test_drop_rest_drops_all_unread_messages(read: int) -> None:
    chat = Chat("chat1", "title", "personal_chat", messages(300))
    if read:
        deque(islice(chat.messages, read), maxlen=0)
    chat.drop_rest("not used")
    dropped = {"not used": 300 - read} if read < 300 else {}
    assert chat.ledger.tally() == (300, 0, dropped, read)


def test_an_item_that_is_not_a_message_is_refused() -> None:
    chat = Chat("chat1", "title", "personal_chat", [*messages(1), "hello"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a chat yields str, expected Message"):
        list(chat.messages)


def test_the_first_reason_counts_and_keeping_overrides_it() -> None:
    chat = Chat("chat1", None, "personal_chat", messages(4))
    first, second, third, _ = chat.messages
    chat.drop(first, "no text")
    chat.drop(first, "too late")
    chat.drop(second, "no reply")
    chat.ledger.keep([second.position, third.position])
    chat.drop(third, "too late")
    assert chat.ledger.tally() == (4, 2, {"no text": 1}, 1)


def test_two_chats_with_one_ledger_have_different_positions() -> None:
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
    for position, action in steps:
        if action == "keep":
            chat.ledger.keep([position])
        else:
            chat.drop(read[position], action)
    tally = chat.ledger.tally()
    assert tally.kept + sum(tally.dropped.values()) + tally.unsettled == tally.read == 10
    assert tally.kept == len({position for position, action in steps if action == "keep"})

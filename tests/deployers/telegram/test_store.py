"""The store: in any order of events, each message gets one reply and has its place in the history."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocakechat import StageError
from autocakechat.plugins.deployers.telegram.storage.records import BOT_SPEAKER, Conversation, PendingConversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with closing(ConversationStore(tmp_path / "bot.sqlite3")) as store:
        yield store


def add_message(store: ConversationStore, chat: int, text: str) -> None:
    """Adds a message of a private chat that needs a reply."""
    store.add_message(Conversation(chat), chat, text, None, needs_reply=True)


def texts(store: ConversationStore, pending: PendingConversation) -> list[str]:
    return [message.text for message in store.history(pending.conversation, pending.last_message_id)]


CHATS = st.integers(1, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("message"), CHATS),
        st.tuples(st.just("start batch"), st.just(0)),
        st.tuples(st.just("finish batch"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("trim"), CHATS),
    ),
    max_size=60,
)


@settings(deadline=None)  # disks are sometimes slow
@given(STEPS)
def test_each_message_gets_one_reply_in_order(steps: list[tuple[str, int]]) -> None:
    """Messages arrive while the model runs, and the bot is killed before it has replied."""
    received: dict[int, list[str]] = {chat: [] for chat in (1, 2, 3)}
    batch: list[tuple[PendingConversation, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        store = ConversationStore(Path(folder) / "bot.sqlite3")
        for step, chat in [*steps, ("finish batch", 0), ("start batch", 0), ("finish batch", 0)]:
            match step:
                case "message":
                    text = f"{chat}.{len(received[chat])}"
                    received[chat].append(text)
                    add_message(store, chat, text)
                case "start batch":
                    batch = [(pending, unanswered(store, pending)) for pending in store.pending_conversations()]
                case "finish batch":
                    for pending, text in batch:
                        store.add_reply(pending, f"re {text}", [f"re {text}"])
                    batch = []
                case "restart":
                    store.close()
                    store, batch = ConversationStore(Path(folder) / "bot.sqlite3"), []
                case "trim":
                    store.trim_history(Conversation(chat), 3)
        assert store.pending_conversations() == []
        for chat, messages in received.items():
            replies = empty_outbox(store, chat)
            assert [message for reply in replies for message in reply.removeprefix("re ").split()] == messages
        store.close()


def unanswered(store: ConversationStore, pending: PendingConversation) -> str:
    """Returns the client's last turn as the model sees it: all messages after the last reply."""
    history = store.history(pending.conversation, pending.last_message_id)
    last_reply = max((index for index, message in enumerate(history) if message.speaker_id == BOT_SPEAKER), default=-1)
    return " ".join(message.text for message in history[last_reply + 1 :])


def empty_outbox(store: ConversationStore, chat: int) -> list[str]:
    texts = []
    while message := store.next_outgoing(Conversation(chat)):
        texts.append(message.text)
        store.remove_from_outbox(message)
    return texts


def test_a_reply_precedes_messages_that_arrived_while_the_model_ran(store: ConversationStore) -> None:
    add_message(store, 1, "one")
    (first,) = store.pending_conversations()
    add_message(store, 1, "two")
    store.add_reply(first, "re one", ["re one"])
    (second,) = store.pending_conversations()
    assert texts(store, second) == ["one", "re one", "two"]


def test_a_reply_to_messages_deleted_by_a_reset_is_discarded(store: ConversationStore) -> None:
    add_message(store, 1, "one")
    (before_reset,) = store.pending_conversations()
    store.delete_history(Conversation(1))
    add_message(store, 1, "two")
    store.add_reply(before_reset, "re one", ["re one"])
    assert store.next_outgoing(Conversation(1)) is None
    (pending,) = store.pending_conversations()
    assert texts(store, pending) == ["two"]
    assert store.count_pending_messages() == 1


def test_trimming_keeps_pending_messages_and_the_turns_that_the_model_uses(store: ConversationStore) -> None:
    for number in range(2):
        store.add_message(Conversation(-1), 5, f"message {number}", None, needs_reply=True)
        store.add_reply(store.pending_conversations()[0], f"reply {number}", [])
    for user in (6, 7):
        store.add_message(Conversation(-1), user, f"of {user}", None, needs_reply=False)
    store.add_message(Conversation(-1), 9, "pending", None, needs_reply=True)
    store.add_message(Conversation(-1), 9, "pending too", None, needs_reply=True)
    store.trim_history(Conversation(-1), 2)
    (pending,) = store.pending_conversations()
    assert texts(store, pending) == ["reply 1", "of 6", "of 7", "pending", "pending too"]
    store.trim_history(Conversation(-1), 0)
    assert texts(store, pending) == ["pending", "pending too"]


def test_a_failed_transaction_is_rolled_back(store: ConversationStore) -> None:
    with pytest.raises(ValueError, match="no"), store.transaction():
        assert store.record_update(1)
        store.enqueue(Conversation(1), "hi")
        raise ValueError("no")
    assert store.record_update(1)
    assert store.conversations_with_outgoing() == []


def test_a_refused_user_is_notified_once_per_interval(store: ConversationStore) -> None:
    assert store.record_refusal(1, interval=3600)
    assert not store.record_refusal(1, interval=3600)
    assert store.record_refusal(2, interval=3600)
    assert store.record_refusal(1, interval=0)


def test_a_group_keeps_its_data_when_it_becomes_a_supergroup(store: ConversationStore) -> None:
    store.add_message(Conversation(-5), 1, "hi", 3, needs_reply=True)
    store.set_mood(Conversation(-5), "joy")
    store.enqueue(Conversation(-5), "hello")
    store.migrate_chat(-5, -1005)
    assert (
        [pending.conversation for pending in store.pending_conversations()]
        == store.conversations_with_outgoing()
        == [(-1005, 0)]
    )
    assert store.mood(Conversation(-1005)) == "joy"
    assert store.id_before_migration(-1005) == -5


def test_a_database_of_a_later_version_is_rejected_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "bot.sqlite3"
    ConversationStore(file).close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StageError, match="written by another version"):
        ConversationStore(file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_only_the_owner_can_read_the_database(tmp_path: Path) -> None:
    with closing(ConversationStore(tmp_path / "bot.sqlite3")) as store:
        add_message(store, 1, "a secret")
        assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}

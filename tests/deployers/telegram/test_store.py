"""The store: whatever happens in whatever order, each line is answered once and read in its place."""

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
from autocakechat.plugins.deployers.telegram.storage.records import SERVER, Waiting
from autocakechat.plugins.deployers.telegram.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "bot.sqlite3")) as store:
        yield store


CHATS = st.integers(1, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), CHATS),
        st.tuples(st.just("think"), st.just(0)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("trim"), CHATS),
    ),
    max_size=60,
)


@settings(deadline=None)  # disks are sometimes slow
@given(STEPS)
def test_every_line_is_answered_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    """The model thinks about a batch while more comes in, and is now and then killed before it has answered."""
    heard: dict[int, list[str]] = {chat: [] for chat in (1, 2, 3)}
    thinking: dict[int, tuple[Waiting, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bot.sqlite3")
        for what, chat in [*steps, ("answer", 0), ("think", 0), ("answer", 0)]:
            match what:
                case "hear":
                    text = f"{chat}.{len(heard[chat])}"
                    heard[chat].append(text)
                    store.hear(chat, chat, text, None, waits=True)
                case "think":
                    thinking = {waiting.chat: (waiting, unanswered(store, waiting)) for waiting in store.waiting()}
                case "answer":
                    for waiting, lines in thinking.values():
                        assert store.answer(waiting.chat, waiting.line, f"re {lines}", [f"re {lines}"])
                    thinking = {}
                case "restart":
                    store.close()
                    store, thinking = Store(Path(folder) / "bot.sqlite3"), {}
                case "trim":
                    store.trim(chat, 3)
        assert store.waiting() == []
        for chat, lines in heard.items():
            assert [line for text in outbox(store, chat) for line in text.removeprefix("re ").split()] == lines
        store.close()


def unanswered(store: Store, waiting: Waiting) -> str:
    """What the model sees as the client's last line: everything after the last answer."""
    lines = store.conversation(waiting.chat, waiting.line)
    last = max((number for number, line in enumerate(lines) if line.speaker == SERVER), default=-1)
    return " ".join(line.text for line in lines[last + 1 :])


def outbox(store: Store, chat: int) -> list[str]:
    texts = []
    while outgoing := store.next_to_send(chat):
        texts.append(outgoing.text)
        store.sent(outgoing)
    return texts


def test_an_answer_stands_before_what_came_while_the_model_thought(store: Store) -> None:
    store.hear(1, 1, "one", None, waits=True)
    (first,) = store.waiting()
    store.hear(1, 1, "two", None, waits=True)
    store.answer(1, first.line, "re one", ["re one"])
    (second,) = store.waiting()
    assert [line.text for line in store.conversation(1, second.line)] == ["one", "re one", "two"]


def test_an_answer_that_nobody_waits_for_any_more_is_not_kept(store: Store) -> None:
    store.hear(1, 1, "one", None, waits=True)
    (waiting,) = store.waiting()
    store.reset(1)
    store.hear(1, 1, "two", None, waits=True)
    assert not store.answer(1, waiting.line, "re one", ["re one"])
    assert store.next_to_send(1) is None
    assert [waiting.lines for waiting in store.waiting()] == [1]


def test_trimming_keeps_what_waits_and_as_many_lines_as_the_model_uses(store: Store) -> None:
    for number in range(4):
        store.hear(-1, 5 + number % 2, f"group line {number}", None, waits=False)
    store.hear(-1, 9, "waits", None, waits=True)
    store.hear(-1, 9, "waits too", None, waits=True)
    store.trim(-1, 2)
    (waiting,) = store.waiting()
    assert [line.text for line in store.conversation(-1, waiting.line)] == ["group line 3", "waits", "waits too"]
    store.trim(-1, 0)
    assert [line.text for line in store.conversation(-1, waiting.line)] == ["waits", "waits too"]


def test_what_fails_in_a_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="no"), store.transaction():
        assert store.see(1)
        store.put_out(1, "hi")
        raise ValueError("no")
    assert store.see(1)
    assert store.chats_to_send_to() == []


def test_a_stranger_is_told_once_in_a_while(store: Store) -> None:
    assert [store.refuse(1, every=3600), store.refuse(1, every=3600), store.refuse(2, every=3600)] == [
        True,
        False,
        True,
    ]
    assert store.refuse(1, every=0)


def test_a_group_takes_everything_along_when_it_becomes_a_supergroup(store: Store) -> None:
    store.hear(-5, 1, "hi", 3, waits=True)
    store.set_mood(-5, "joy")
    store.put_out(-5, "hello")
    store.move(-5, -1005)
    assert [waiting.chat for waiting in store.waiting()] == store.chats_to_send_to() == [-1005]
    assert store.mood(-1005) == "joy"
    assert store.former(-1005) == -5


def test_a_memory_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bot.sqlite3"
    Store(file).close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StageError, match="written by another version"):
        Store(file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_only_the_owner_can_read_the_memory(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "bot.sqlite3")) as store:
        store.hear(1, 1, "a secret", None, waits=True)
        assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}

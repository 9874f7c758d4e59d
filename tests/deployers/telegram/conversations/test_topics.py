"""Topics of groups and private chats are separate conversations."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, BotApi
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]

GROUP = -1001
TOPICS = pytest.mark.parametrize("chat", [GROUP, 1], ids=["group", "private chat"])


def in_topic(topic: int, **fields: Any) -> dict[str, Any]:
    return {"message_thread_id": topic, "is_topic_message": True} | fields


def answers(api: BotApi, chat: int) -> set[tuple[str, str | None]]:
    """The texts that the bot sent to a chat, with the topic of each."""
    sent = [message for message in api.sent if message["chat"]["id"] == chat]
    return {(message["text"], message["params"].get("message_thread_id")) for message in sent}


@TOPICS
def test_each_topic_has_its_own_answer_and_context(chat: int, api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(settle=0.8):
        api.write(f"@{NAME} about cats", chat, 1, **in_topic(50))
        api.write(f"@{NAME} about dogs", chat, 1, **in_topic(60))
        api.write(f"@{NAME} about all", chat, 1)
        api.wait(lambda: len(api.sent) == 3)
        api.write(f"@{NAME} more cats", chat, 1, **in_topic(50))
        api.wait(lambda: len(api.sent) == 4)
    about = {("neutral: about cats", "50"), ("neutral: about dogs", "60"), ("neutral: about all", None)}
    assert answers(api, chat) == about | {("neutral: more cats", "50")}
    assert echo.contexts[-1] == ("about cats", "neutral: about cats", "more cats")
    typing = [call.params.get("message_thread_id") for call in api.calls if call.method == "sendChatAction"]
    assert {"50", "60", None} <= set(typing)


def test_what_members_say_in_another_topic_is_no_context(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("a secret of this topic", GROUP, 2, **in_topic(50))
        api.write(f"@{NAME} hi", GROUP, 1, **in_topic(60))
        api.wait(lambda: api.texts(GROUP))
    assert echo.contexts == [("hi",)]


def test_a_thread_of_replies_is_no_topic(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("hello all", GROUP, 2)
        api.write(f"@{NAME} hi", GROUP, 1, message_thread_id=1)
        api.wait(lambda: len(api.texts(GROUP)) == 2)
    assert answers(api, GROUP) == {("neutral: hello all", None), ("hi", None)}
    assert echo.contexts == [("hello all\nhi",)]


def test_a_reset_and_a_mood_are_for_one_topic(api: BotApi, bot: MakeBot) -> None:
    with bot():
        for topic in (50, 60):
            api.write("/mood joy", 1, **in_topic(topic))
            api.write("hi", 1, **in_topic(topic))
        api.wait(lambda: len(api.sent) == 4)
        api.write("/mood anger", 1, **in_topic(60))
        api.write("/reset", 1, **in_topic(60))
        api.wait(lambda: len(api.sent) == 6)
        api.write("again", 1, **in_topic(50))
        api.write("again", 1, **in_topic(60))
        api.wait(lambda: len(api.sent) == 8)
    assert {("joy: again", "50"), ("anger: again", "60")} <= answers(api, 1)


@pytest.mark.parametrize("created_by_reply", [True, False])
def test_a_topic_that_the_bot_created_is_not_addressed_to_it(
    created_by_reply: bool, api: BotApi, bot: MakeBot, echo: Echo
) -> None:
    me = {"id": int(api.token.partition(":")[0]), "is_bot": True, "first_name": "Person", "username": NAME}
    root = api.message(GROUP)["message"] | {"message_id": 50, "from": me}
    if created_by_reply:
        root["forum_topic_created"] = {"name": "Cats", "icon_color": 7322096}
    answer = api.message(GROUP)["message"] | {"from": me, "text": "said before"}
    with bot():
        api.write("not for the bot", GROUP, 2, **in_topic(50, reply_to_message=root))
        api.write("for the bot", GROUP, 1, **in_topic(50, reply_to_message=answer))
        api.wait(lambda: len(api.texts(GROUP)) == 2)
    assert answers(api, GROUP) == {("neutral: not for the bot", "50"), ("for the bot", "50")}
    assert echo.contexts == [("not for the bot\nfor the bot",)]


def test_forget_me_covers_all_topics(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot():
        for chat in (1, GROUP):
            for topic in (50, 60):
                api.write(f"@{NAME} secret", chat, 1, **in_topic(topic))
        api.wait(lambda: len(api.sent) == 4)
        api.write("/forget me", 1, **in_topic(50))
        api.wait(lambda: len(api.sent) == 5)
    assert api.sent[-1]["params"]["message_thread_id"] == "50"
    (file,) = run.state.glob("bot-*.sqlite3")
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT text FROM lines").fetchall() == []


VERSION_1 = """
CREATE TABLE updates (id INTEGER PRIMARY KEY, seen REAL NOT NULL);
CREATE TABLE moods (chat INTEGER PRIMARY KEY, mood TEXT NOT NULL);
CREATE TABLE lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER, chat INTEGER NOT NULL, speaker INTEGER NOT NULL,
    text TEXT NOT NULL, said REAL NOT NULL, waits INTEGER NOT NULL, message INTEGER
);
CREATE INDEX lines_of_chat ON lines (chat, place, id);
CREATE INDEX lines_waiting ON lines (chat, id, said) WHERE waits;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, chat INTEGER NOT NULL, text TEXT NOT NULL, reply_to INTEGER, asked REAL
);
CREATE INDEX outbox_of_chat ON outbox (chat, id);
CREATE TABLE refusals (user INTEGER PRIMARY KEY, told REAL NOT NULL);
CREATE TABLE pins (username TEXT PRIMARY KEY, user INTEGER NOT NULL);
CREATE TABLE moves (new INTEGER PRIMARY KEY, old INTEGER NOT NULL);
INSERT INTO updates VALUES (7, 9e9);
INSERT INTO moods VALUES (1, 'joy');
INSERT INTO lines VALUES (1, 1, 1, 1, 'hi', 1e9, 0, NULL), (2, 1, 1, 0, 'hello', 1e9, 0, NULL);
INSERT INTO lines VALUES (3, 3, 1, 1, 'still there?', 1e9, 1, NULL);
INSERT INTO outbox VALUES (5, 2, 'not sent yet', NULL, NULL);
PRAGMA user_version = 1;
"""


def test_the_state_of_the_version_before_topics_is_taken_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.sqlite3")) as db:
        db.executescript(VERSION_1)
    for _ in range(2):
        with closing(ConversationStore(tmp_path / "bot.sqlite3")) as store:
            (pending,) = store.pending_conversations()
            history = store.history(pending.conversation, pending.last_message_id)
            assert pending.conversation == Conversation(1)
            assert [message.text for message in history] == ["hi", "hello", "still there?"]
            assert store.mood(Conversation(1)) == store.mood(Conversation(1, 50)) == "joy"
            assert not store.record_update(7)
            (waiting,) = store.conversations_with_outgoing()
            message = store.next_outgoing(waiting)
            assert message
            assert (message.id, message.conversation, message.text) == (5, Conversation(2), "not sent yet")


def test_a_migrated_database_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite3")) as db:
        db.executescript(VERSION_1)
    schemas = []
    for name in ("old.sqlite3", "new.sqlite3"):
        ConversationStore(tmp_path / name).close()
        with closing(sqlite3.connect(tmp_path / name)) as db:
            columns = "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p ORDER BY 1, 2"
            indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY 1"
            schemas.append(db.execute(columns).fetchall() + db.execute(indexes).fetchall())
    assert schemas[0] == schemas[1]

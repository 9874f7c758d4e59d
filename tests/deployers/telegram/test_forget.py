"""`/forget me` always works, and deletes all that is stored about its sender and nothing of others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Request, RunContext
from autocakechat.plugins.deployers.telegram.receiving.commands import FORGOTTEN_CHAT
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, BotApi
from tests.deployers.telegram.support.bot_thread import BotThread
from tests.deployers.telegram.test_chats import GROUP, query_database

MakeBot = Callable[..., BotThread]


def on_disk(run: RunContext) -> bytes:
    return b"".join(file.read_bytes() for file in run.state.iterdir())


def is_forgotten(api: BotApi, chat: int) -> bool:
    return any("deleted" in text for text in api.texts(chat))


def test_forget_me_deletes_all_data_of_the_user_and_of_no_other(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(allow=["user1", 2]):
        api.write("private words", chat=1)
        api.write("/mood joy", chat=1)
        api.write("group words", GROUP, user=1)
        api.write("words of another", GROUP, user=2)
        api.write("words of another", chat=2)
        api.wait(lambda: api.texts(1) and api.texts(2))
        api.write("/forget", chat=1)
        api.write("/forget me", chat=1)
        api.wait(lambda: "deleted everything" in api.texts(1)[-1])
    disk = b"".join(file.read_bytes() for file in run.state.iterdir())
    assert b"private words" not in disk
    assert b"group words" not in disk
    assert b"words of another" in disk
    assert query_database(run, "SELECT * FROM moods") == query_database(run, "SELECT * FROM pins") == []
    assert query_database(run, "SELECT * FROM lines WHERE speaker = 1 OR chat = 1") == []


def test_people_who_are_no_longer_allowed_can_have_their_data_deleted(
    api: BotApi, bot: MakeBot, run: RunContext
) -> None:
    with bot(allow=[1, 2]):
        api.write("private words", chat=1)
        api.wait(lambda: api.texts(1))
    with bot(allow=[2]):
        api.write("/forget me", chat=1)
        api.wait(lambda: is_forgotten(api, 1))
        api.write("let me in", chat=3)
        api.write("/forget me", chat=3)
        api.wait(lambda: is_forgotten(api, 3))
    assert b"private words" not in on_disk(run)
    assert query_database(run, "SELECT * FROM refusals") == []


def test_strangers_get_one_confirmation_a_minute(api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture) -> None:
    with bot(allow=[2]):
        for _ in range(2):
            for _ in range(5):
                api.write("/forget me", chat=1)
            api.wait(lambda: "message sent chat=1" in caplog.text)
        api.write("hi", chat=2)
        api.wait(lambda: api.texts(2))
    assert len(api.texts(1)) == 1


@pytest.mark.parametrize("limit", [{"messages_per_minute": 1}, {"queue": 1}])
def test_no_limit_is_in_the_way(api: BotApi, bot: MakeBot, run: RunContext, limit: dict[str, int]) -> None:
    with bot(settle=60.0, settle_at_most=60.0, **limit):
        api.write("private words", chat=1)
        api.write("more words", chat=1)
        api.wait(lambda: api.texts(1))
        api.write("/forget me", chat=1)
        api.wait(lambda: is_forgotten(api, 1))
    assert b"private words" not in on_disk(run)


def test_in_groups_the_replies_to_the_user_are_deleted_too(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    def in_group(user: int, text: str) -> None:
        replies = len(api.texts(GROUP))
        api.write(f"@{NAME} {text}", GROUP, user=user)
        api.wait(lambda: len(api.texts(GROUP)) > replies)

    with bot(responder=Echo(lambda request: f"you said {request.context[-1]}")):
        in_group(1, "first secret")
        in_group(2, "words of another")
        api.write("/forget me", GROUP, user=1)
        api.wait(lambda: is_forgotten(api, GROUP))
    assert query_database(run, "SELECT speaker, text FROM lines ORDER BY place, id") == [
        (2, "words of another"),
        (0, "you said words of another"),
    ]
    assert b"first secret" not in on_disk(run)


def test_a_reply_is_deleted_although_the_message_is_no_longer_in_the_context(tmp_path: Path) -> None:
    """Three users write, and their messages are trimmed. Then the first one asks."""
    with closing(ConversationStore(tmp_path / "bot.sqlite3")) as store:
        for user, text in ((1, "the secret"), (2, "two"), (3, "three")):
            store.add_message(Conversation(GROUP), user, text, user, needs_reply=True)
        (pending,) = store.pending_conversations()
        store.add_reply(pending, "quotes the secret", ["quotes the secret"])
        store.trim_history(Conversation(GROUP), 1)
        assert [message.text for message in store.history(Conversation(GROUP), 99)] == ["quotes the secret"]
        with store.transaction():
            store.delete_user(1)
        assert store.history(Conversation(GROUP), 99) == []
        assert store.next_outgoing(Conversation(GROUP)) is None, "the reply was not sent yet"
    assert b"secret" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_what_remains_of_trimmed_messages_disappears_with_the_reply(tmp_path: Path) -> None:
    with closing(ConversationStore(tmp_path / "bot.sqlite3")) as store:
        for number in range(20):
            for user in (1, 2):
                store.add_message(Conversation(GROUP), user, f"{number} of {user}", user, needs_reply=True)
            (pending,) = store.pending_conversations()
            store.add_reply(pending, f"reply {number}", [])
            store.trim_history(Conversation(GROUP), 1)
            rows = store._db.execute("SELECT speaker, text FROM lines ORDER BY place, id").fetchall()
            assert rows == [(1, ""), (2, ""), (0, f"reply {number}")]


def test_a_reply_that_is_being_made_is_discarded_and_made_again_without_the_user(api: BotApi, bot: MakeBot) -> None:
    def reply(request: Request) -> str:
        if "secret" in str(request.context) and not api.texts(1):
            api.write("/forget me", chat=1)
            api.wait(lambda: is_forgotten(api, 1))
        return "you said " + " and ".join(request.context)

    with bot(responder=Echo(reply), settle=0.5):
        api.write(f"@{NAME} a secret", GROUP, user=1)
        api.write(f"@{NAME} words of another", GROUP, user=2)
        api.wait(lambda: api.texts(GROUP))
    assert api.texts(GROUP) == ["you said words of another"]


def anonymous(api: BotApi, text: str, sender_chat: int, group: int = GROUP) -> None:
    """Writes to a group in the name of a chat: as its anonymous administrator, or as a channel."""
    as_admin = sender_chat == group
    sender: dict[str, Any] = {"id": 1087968824 if as_admin else 136817688, "is_bot": True, "first_name": "Group"}
    chat = {"id": sender_chat, "type": "supergroup" if as_admin else "channel", "title": "a name"}
    api.post(api.message(group, text=text, sender_chat=chat, **{"from": sender}))


def test_an_anonymous_sender_forgets_only_what_was_written_in_the_name_of_that_chat(
    api: BotApi, bot: MakeBot, run: RunContext
) -> None:
    """All anonymous administrators of all groups have the same sender, and so have all channels."""
    other_group, channel, other_channel = GROUP - 1, -1001, -1002
    with bot(responder=Echo(lambda request: "ok"), settle=0.5):
        anonymous(api, f"@{NAME} of the administrators here", GROUP)
        anonymous(api, f"@{NAME} of the administrators there", other_group, other_group)
        anonymous(api, f"@{NAME} of a channel", channel)
        anonymous(api, f"@{NAME} of another channel", other_channel)
        api.write(f"@{NAME} of a member", GROUP, user=7)
        api.wait(lambda: api.texts(GROUP) and api.texts(other_group))
        anonymous(api, "/forget me", GROUP)
        anonymous(api, "/forget me", channel)
        api.wait(lambda: api.texts(GROUP).count(FORGOTTEN_CHAT) == 2)
    lines = query_database(run, "SELECT text FROM lines WHERE speaker != 0 ORDER BY text")
    assert [text for (text,) in lines] == ["of a member", "of another channel", "of the administrators there"]

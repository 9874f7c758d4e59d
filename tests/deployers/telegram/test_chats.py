"""Conversations as people have them: bursts, groups, edits; and what the bot stores of them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from autocakechat import GROUP as GROUP_KIND
from autocakechat import PERSONAL, Request, RunContext, pseudonym
from autocakechat.plugins.deployers.telegram.receiving.admission import NO_ACCESS_NOTICE
from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.replying.origin import export_id
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, BotApi
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]


def query_database(run: RunContext, query: str) -> list[tuple[Any, ...]]:
    (file,) = run.state.glob("bot-*.sqlite3")
    with closing(sqlite3.connect(file)) as db:
        return db.execute(query).fetchall()


def test_a_burst_gets_one_reply_and_typing_is_shown_before_it(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(settle=0.6):
        for text in ("hi", "are you", "there?"):
            api.write(text)
            time.sleep(0.2)
        api.wait(api.texts)
    assert api.texts() == ["neutral: hi", "are you", "there?"]
    assert echo.contexts == [("hi\nare you\nthere?",)]
    typing = [call for call in api.calls if call.method == "sendChatAction"]
    assert typing[0].params == {"chat_id": "1", "action": "typing"}
    assert typing[0].at < api.sent[0]["at"]


def test_an_endless_burst_gets_a_reply_after_settle_at_most(api: BotApi, bot: MakeBot) -> None:
    with bot(settle=2.0, settle_at_most=3.0, separate_lines=False):
        start = time.monotonic()
        written = 0
        while not api.texts() and time.monotonic() - start < 15:
            api.write(str(written))
            written += 1
            time.sleep(0.2)
        assert api.texts(), "no reply within 15 s"
    assert api.sent[0]["at"] - start > 2.9
    assert api.texts()[0].startswith("neutral: 0\n1\n2\n")


def test_messages_that_arrive_while_the_model_runs_get_the_next_reply(api: BotApi, bot: MakeBot) -> None:
    slow = Echo(lambda request: "/".join(request.context), delay=0.6)
    with bot(responder=slow):
        api.write("one")
        api.wait(lambda: slow.batches)
        api.write("two")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["one", "one/one/two"]


def test_chats_that_are_pending_at_the_same_time_share_a_batch(api: BotApi, bot: MakeBot) -> None:
    slow = Echo(delay=0.5)
    with bot(responder=slow, batch=10):
        api.write("first", chat=99)
        api.wait(lambda: slow.batches)
        for chat in range(1, 26):
            api.write(f"hi {chat}", chat=chat)
        api.wait(lambda: len(api.sent) == 26)
    assert [len(batch) for batch in slow.batches] == [1, 10, 10, 5]
    assert all(api.texts(chat) == [f"neutral: hi {chat}"] for chat in range(1, 26))


def test_one_failing_request_of_a_batch_does_not_affect_the_others(api: BotApi, bot: MakeBot) -> None:
    def reply(request: Request) -> str:
        if "bad" in request.context[-1]:
            raise ValueError
        return "fine"

    with bot(responder=Echo(reply), settle=0.5, fallback="pardon?"):
        for chat, text in enumerate(["good", "bad", "good"], 1):
            api.write(text, chat=chat)
        api.wait(lambda: len(api.sent) == 3)
    assert [api.texts(chat) for chat in (1, 2, 3)] == [["fine"], ["pardon?"], ["fine"]]


@pytest.mark.parametrize(("separate", "texts"), [(True, ["one", "two", "three"]), (False, ["one\ntwo\n\nthree"])])
def test_lines_of_a_reply_are_separate_messages_by_option(
    api: BotApi, bot: MakeBot, separate: bool, texts: list[str]
) -> None:
    with bot(responder=Echo(lambda request: "one\ntwo\n\nthree"), separate_lines=separate, pause=0.3):
        api.write("hi")
        api.wait(lambda: len(api.texts()) == len(texts))
    assert api.texts() == texts
    times = [message["at"] for message in api.sent]
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(times))


def test_an_empty_reply_becomes_the_fallback(api: BotApi, bot: MakeBot) -> None:
    with bot(responder=Echo(lambda request: " \n "), fallback="pardon?"):
        api.write("hi")
        api.wait(api.texts)
    assert api.texts() == ["pardon?"]


def test_an_edited_message_gets_no_second_reply(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("helo")
        api.wait(api.texts)
        edited = api.message(text="hello", edit_date=int(time.time()))
        api.post({"edited_message": edited["message"]})
        api.write("next")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: helo", "neutral: next"]


def test_an_album_gets_one_notice(api: BotApi, bot: MakeBot) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    with bot():
        for _ in range(4):
            api.post(api.message(photo=photo, media_group_id="7"))
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["Sorry, I understand only text.", "neutral: hi"]


GROUP = -100


def test_in_a_group_it_replies_only_when_addressed_and_uses_all_messages_as_context(
    api: BotApi, bot: MakeBot, echo: Echo
) -> None:
    with bot():
        api.write("who is coming?", GROUP, user=1)
        api.write("me!", GROUP, user=2)
        api.write(f"@{NAME.lower()}, and you?", GROUP, user=3)
        api.wait(lambda: api.texts(GROUP))
        own = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "group"}, "from": api._me(), "text": "x"}
        api.write("really?", GROUP, user=1, reply_to_message=own)
        api.wait(lambda: len(api.texts(GROUP)) == 4)
    assert echo.contexts == [
        ("who is coming?\nme!\nand you?",),
        ("who is coming?\nme!\nand you?", "neutral: who is coming?\nme!\nand you?", "really?"),
    ]
    requests = [request for batch in echo.batches for request in batch]
    assert [(request.chat_kind, request.person) for request in requests] == [
        (GROUP_KIND, pseudonym("user3")),
        (GROUP_KIND, pseudonym("user1")),
    ]
    replies = [message["params"]["reply_parameters"]["message_id"] for message in api.sent]
    assert replies == [3, 3, 3, 5]


@pytest.mark.parametrize(
    ("speaker", "id"),
    [
        (123, "user123"),
        (-1_001_234_567_890, "channel1234567890"),
        (-1_000_000_000_789, "channel789"),
        (-55, "channel55"),
        (-1_004_567, "channel1004567"),
    ],
)
def test_people_have_the_ids_of_exports(speaker: int, id: str) -> None:
    assert export_id(speaker) == id


def test_commands_for_another_bot_in_the_group_are_ignored(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/help@OtherBot", GROUP, user=1)
        api.write(f"/mood@{NAME} joy", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
    assert api.texts(GROUP) == ["My mood is joy now."]


def test_an_unknown_command_in_a_group_is_ignored_unless_it_is_addressed_to_the_bot(
    api: BotApi, bot: MakeBot, echo: Echo
) -> None:
    own = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "group"}, "from": api._me(), "text": "x"}
    with bot():
        api.write("/dance", GROUP, user=1)
        api.write("/mood", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
        api.write("/dance", GROUP, user=1, reply_to_message=own)
        api.write(f"/dance@{NAME}", GROUP, user=1)
        api.wait(lambda: len(api.texts(GROUP)) == 3)
        api.write(f"@{NAME} hi", GROUP, user=1)
        api.wait(lambda: len(api.texts(GROUP)) == 4)
    assert api.texts(GROUP)[0].startswith("My mood is neutral")
    assert all(text.startswith("Unknown command") for text in api.texts(GROUP)[1:3])
    assert echo.contexts == [("hi",)]


def test_a_listed_group_gives_its_members_access_in_that_group_only(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(allow=[GROUP]):
        api.write(f"@{NAME} hi", GROUP, user=5)
        api.write("hi", chat=5)
        api.wait(lambda: api.texts(GROUP) and api.texts(5))
    assert api.texts(GROUP) == ["neutral: hi"]
    assert api.texts(5) == [NO_ACCESS_NOTICE]


def test_a_listed_group_keeps_access_when_it_becomes_a_supergroup(api: BotApi, bot: MakeBot) -> None:
    with bot(allow=[-5]):
        api.post(api.message(-1005, 1, migrate_from_chat_id=-5))
        api.write(f"@{NAME} hi", -1005, user=1)
        api.wait(lambda: api.texts(-1005))
    assert api.texts(-1005) == ["neutral: hi"]


def test_messages_of_group_members_without_access_are_not_stored(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(allow=[1]):
        api.write("a secret", GROUP, user=2)
        api.write("hi all", GROUP, user=1)
        api.write(f"@{NAME} hi", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
    assert {text for (text,) in query_database(run, "SELECT text FROM lines")} == {
        "hi all",
        "hi",
        "neutral: hi all\nhi",
    }


def test_a_username_is_pinned_to_the_first_user_seen_with_it(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    def named(user: int, name: str) -> dict[str, object]:
        return {"id": user, "is_bot": False, "first_name": "x", "username": name}

    with bot(allow=["@Anna"]):
        api.post(api.message(1, text="hi", **{"from": named(1, "anna")}))
        api.wait(lambda: api.texts(1))
        api.post(api.message(2, text="now I am anna", **{"from": named(2, "Anna")}))
        api.post(api.message(1, text="I am bella now", **{"from": named(1, "bella")}))
        api.wait(lambda: len(api.texts(1)) == 2 and api.texts(2))
    assert api.texts(2) == [NO_ACCESS_NOTICE]
    assert "username pinned username=anna user=1" in caplog.text


def test_a_conversation_continues_after_a_restart(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("/mood anger")
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    with bot():
        api.write("again")
        api.wait(lambda: len(api.texts()) == 3)
    assert echo.batches[-1] == [Request(("hi", "anger: hi", "again"), "anger", PERSONAL, pseudonym("user1"))]


def test_a_repeated_update_gets_one_reply(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("hi")
        api.wait(api.texts)
    api.pending = [api.message(text="hi") | {"update_id": 1001}]
    with bot():
        api.write("next")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: hi", "neutral: next"]


def test_messages_out_of_context_are_deleted_from_the_disk(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(responder=Echo(lambda request: "ok")):
        for number in range(6):
            api.write(f"secret number {number}")
            api.wait(lambda count=number + 1: len(api.texts()) == count)
    assert [text for (text,) in query_database(run, "SELECT text FROM lines ORDER BY id")] == [
        "ok",
        "secret number 5",
        "ok",
    ]
    assert not any(b"secret number 2" in file.read_bytes() for file in run.state.iterdir())


def test_reset_deletes_messages_from_the_disk_at_once(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(responder=Echo(lambda request: "ok")):
        api.write("a secret")
        api.wait(lambda: len(api.texts()) == 1)
        assert any(b"a secret" in file.read_bytes() for file in run.state.iterdir())
        api.write("/reset")
        api.wait(lambda: len(api.texts()) == 2)
        assert not any(b"a secret" in file.read_bytes() for file in run.state.iterdir())


def test_old_messages_are_deleted(api: BotApi, bot: MakeBot, run: RunContext, echo: Echo) -> None:
    with bot():
        api.write("old")
        api.wait(api.texts)
    with closing(sqlite3.connect(next(run.state.glob("bot-*")))) as db, db:
        db.execute("UPDATE lines SET said = said - 3 * 24 * 3600")
    with bot(forget_after_days=2):
        api.write("new")
        api.wait(lambda: len(api.texts()) == 2)
    assert echo.batches[-1][0].context == ("new",)


def test_a_reset_while_the_model_runs_discards_the_reply(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    slow = Echo(delay=0.5)
    with bot(responder=slow):
        api.write("a secret")
        api.wait(lambda: slow.batches)
        api.write("/reset")
        api.wait(api.texts)
        time.sleep(0.6)
    assert api.texts() == ["I have forgotten this conversation."]
    assert query_database(run, "SELECT * FROM lines") == []


def test_the_rate_limit_of_one_user_does_not_affect_others(api: BotApi, bot: MakeBot) -> None:
    with bot(messages_per_minute=3):
        for number in range(8):
            api.write(f"{number}", chat=1)
        api.write("hi", chat=2)
        api.wait(lambda: len(api.texts(1)) == 4 and api.texts(2))
    assert sum("wait a minute" in text for text in api.texts(1)) == 1
    assert api.texts(2) == ["neutral: hi"]


def test_a_full_queue_is_reported_to_the_user(api: BotApi, bot: MakeBot) -> None:
    slow = Echo(delay=1.0)
    with bot(responder=slow, queue=2, settle=0.3):
        for chat in range(1, 5):
            api.write("hi", chat=chat)
        api.wait(lambda: len(api.sent) == 4)
    assert [api.texts(chat) for chat in (1, 2)] == [["neutral: hi"]] * 2
    assert all("Too many people" in api.texts(chat)[0] for chat in (3, 4))


def test_a_second_bot_with_the_same_database_is_an_error(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.wait(lambda: "getUpdates" in api.methods())
        with pytest.raises(Exception, match="the database is in use by another bot"), bot() as second:
            second.join()


def test_a_damaged_database_is_an_error(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    (run.state / "bot-4242.sqlite3").write_bytes(b"this is no database, it is a text file" * 100)
    with (
        pytest.raises(
            Exception, match=r"bot-4242\.sqlite3: file is not a database; restore a backup, or move the file away"
        ),
        bot() as running,
    ):
        running.join()


def test_counters_are_logged_and_the_heartbeat_is_written(
    api: BotApi, bot: MakeBot, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    with bot(allow=[1]):
        api.write("hi", chat=1)
        api.write("hi", chat=2)
        api.wait(lambda: api.texts(1) and api.texts(2))
        assert (run.state / "heartbeat").stat().st_mtime > time.time() - 15
    assert "counters received=2 answered=1 refused=1 failed=0 latency_p50=" in caplog.text


@pytest.mark.parametrize("log_texts", [False, True])
def test_the_log_contains_texts_only_with_log_texts(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture, log_texts: bool
) -> None:
    with bot(log_texts=log_texts):
        api.write("my\nsecret")
        api.wait(api.texts)
    assert ("secret" in caplog.text) == log_texts
    assert "my\nsecret" not in caplog.text


@pytest.mark.parametrize("error", [StopIteration, MemoryError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_model_that_raises_anything_fails_in_one_reply_only(
    api: BotApi, bot: MakeBot, error: type[BaseException]
) -> None:
    def reply(request: Request) -> str:
        if request.context[-1] == "bad":
            raise error
        return "fine"

    with bot(responder=Echo(reply), fallback="pardon?"):
        api.write("bad")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("good")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["pardon?", "fine"]


@pytest.mark.parametrize("error", [StopIteration, SystemExit])
def test_what_a_call_of_the_model_raises_ends_neither_its_thread_nor_the_loop(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    async def call() -> str:
        thread = ModelThread()
        with pytest.raises(RuntimeError, match=f"{error.__name__} raised"):
            await asyncio.wait_for(thread.call(fail), 10)
        return await thread.call(str, "alive")

    assert asyncio.run(call()) == "alive"

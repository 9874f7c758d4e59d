"""How people really write: in bursts, in groups, with edits; and what the bot keeps of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from autocakechat import Request, RunContext
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, BotApi
from tests.deployers.telegram.support.running import RunningBot

MakeBot = Callable[..., RunningBot]


def stored(run: RunContext, query: str) -> list[tuple[Any, ...]]:
    (file,) = run.state.glob("bot-*.sqlite3")
    with closing(sqlite3.connect(file)) as db:
        return db.execute(query).fetchall()


def test_a_burst_is_answered_once_and_typing_is_shown_meanwhile(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(settle=0.6):
        for text in ("hi", "are you", "there?"):
            api.write(text)
            time.sleep(0.2)
        api.wait(api.texts)
    assert api.texts() == [["neutral: hi", "are you", "there?"][0], "are you", "there?"]
    assert [request.context for batch in echo.batches for request in batch] == [("hi\nare you\nthere?",)]
    typing = [call for call in api.calls if call.method == "sendChatAction"]
    assert typing[0].params == {"chat_id": "1", "action": "typing"}
    assert typing[0].at < api.sent[0]["at"]


def test_an_endless_burst_is_answered_after_a_while(api: BotApi, bot: MakeBot) -> None:
    with bot(settle=2.0, settle_at_most=3.0, separate_lines=False):
        start = time.monotonic()
        written = 0
        while not api.texts() and time.monotonic() - start < 15:
            api.write(str(written))
            written += 1
            time.sleep(0.2)
        assert api.texts(), "it waited for ever"
    assert api.sent[0]["at"] - start > 2.9
    assert api.texts()[0].startswith("neutral: 0\n1\n2\n")


def test_what_is_written_while_the_model_thinks_is_answered_next(api: BotApi, bot: MakeBot) -> None:
    lines = Echo(lambda request: "/".join(request.context), seconds=0.6)
    with bot(responder=lines):
        api.write("one")
        api.wait(lambda: lines.batches)
        api.write("two")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["one", "one/one/two"]


def test_chats_that_wait_at_the_same_time_are_answered_in_one_call(api: BotApi, bot: MakeBot) -> None:
    slow = Echo(seconds=0.5)
    with bot(responder=slow, batch=10):
        api.write("first", chat=99)
        api.wait(lambda: slow.batches)
        for chat in range(1, 26):
            api.write(f"hi {chat}", chat=chat)
        api.wait(lambda: len(api.sent) == 26)
    assert [len(batch) for batch in slow.batches] == [1, 10, 10, 5]
    assert all(api.texts(chat) == [f"neutral: hi {chat}"] for chat in range(1, 26))


def test_one_bad_message_of_a_batch_spoils_only_its_own_answer(api: BotApi, bot: MakeBot) -> None:
    def answer(request: Request) -> str:
        if "bad" in request.context[-1]:
            raise ValueError
        return "fine"

    with bot(responder=Echo(answer), settle=0.5, fallback="pardon?"):
        for chat, text in enumerate(["good", "bad", "good"], 1):
            api.write(text, chat=chat)
        api.wait(lambda: len(api.sent) == 3)
    assert [api.texts(chat) for chat in (1, 2, 3)] == [["fine"], ["pardon?"], ["fine"]]


@pytest.mark.parametrize(("separate", "texts"), [(True, ["one", "two", "three"]), (False, ["one\ntwo\n\nthree"])])
def test_lines_of_an_answer_are_messages_if_wanted(api: BotApi, bot: MakeBot, separate: bool, texts: list[str]) -> None:
    with bot(responder=Echo(lambda request: "one\ntwo\n\nthree"), separate_lines=separate, pause=0.3):
        api.write("hi")
        api.wait(lambda: len(api.texts()) == len(texts))
    assert api.texts() == texts
    times = [message["at"] for message in api.sent]
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(times))


def test_an_empty_answer_becomes_the_fallback(api: BotApi, bot: MakeBot) -> None:
    with bot(responder=Echo(lambda request: " \n "), fallback="pardon?"):
        api.write("hi")
        api.wait(api.texts)
    assert api.texts() == ["pardon?"]


def test_an_edited_message_is_not_answered_again(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("helo")
        api.wait(api.texts)
        edited = api.message(text="hello", edit_date=int(time.time()))
        api.post({"edited_message": edited["message"]})
        api.write("next")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: helo", "neutral: next"]


def test_an_album_gets_one_line(api: BotApi, bot: MakeBot) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    with bot():
        for _ in range(4):
            api.post(api.message(photo=photo, media_group_id="7"))
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["Sorry, I understand only text.", "neutral: hi"]


GROUP = -100


def test_in_a_group_it_answers_only_when_meant_and_knows_what_was_said(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("who is coming?", GROUP, user=1)
        api.write("me!", GROUP, user=2)
        api.write(f"@{NAME.lower()}, and you?", GROUP, user=3)
        api.wait(lambda: api.texts(GROUP))
        own = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "group"}, "from": api._me(), "text": "x"}
        api.write("really?", GROUP, user=1, reply_to_message=own)
        api.wait(lambda: len(api.texts(GROUP)) == 2)
    assert [request.context for batch in echo.batches for request in batch] == [
        ("who is coming?", "me!", "and you?"),
        ("and you?", "neutral: and you?", "really?"),
    ]
    replies = [message["params"]["reply_parameters"]["message_id"] for message in api.sent]
    assert replies == [3, 5]


def test_commands_for_another_bot_of_the_group_are_not_carried_out(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/help@OtherBot", GROUP, user=1)
        api.write(f"/mood@{NAME} joy", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
    assert api.texts(GROUP) == ["My mood is joy now."]


def test_a_command_that_names_no_bot_and_is_unknown_is_left_to_other_bots(
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
    assert all("I do not know this command" in text for text in api.texts(GROUP)[1:3])
    assert [request.context for batch in echo.batches for request in batch] == [("hi",)]


def test_an_invited_group_lets_its_members_in_there_only(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(allow=[GROUP]):
        api.write(f"@{NAME} hi", GROUP, user=5)
        api.write("hi", chat=5)
        api.wait(lambda: api.texts(GROUP) and api.texts(5))
    assert api.texts(GROUP) == ["neutral: hi"]
    assert api.texts(5) == ["Sorry, I talk only with people I was made for."]


def test_an_invited_group_stays_invited_when_it_becomes_a_supergroup(api: BotApi, bot: MakeBot) -> None:
    with bot(allow=[-5]):
        api.post(api.message(-1005, 1, migrate_from_chat_id=-5))
        api.write(f"@{NAME} hi", -1005, user=1)
        api.wait(lambda: api.texts(-1005))
    assert api.texts(-1005) == ["neutral: hi"]


def test_what_strangers_say_in_a_group_is_not_kept(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(allow=[1]):
        api.write("a stranger's secret", GROUP, user=2)
        api.write("hi all", GROUP, user=1)
        api.write(f"@{NAME} hi", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
    assert {text for (text,) in stored(run, "SELECT text FROM lines")} == {"hi all", "hi", "neutral: hi all\nhi"}


def test_a_username_belongs_to_whom_it_was_first_seen_with(
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
    assert api.texts(2) == ["Sorry, I talk only with people I was made for."]
    assert "username pinned username=anna user=1" in caplog.text


def test_a_conversation_goes_on_after_a_restart(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("/mood anger")
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    with bot():
        api.write("again")
        api.wait(lambda: len(api.texts()) == 3)
    assert echo.batches[-1] == [Request(("hi", "anger: hi", "again"), "anger")]


def test_updates_that_come_again_are_answered_once(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("hi")
        api.wait(api.texts)
    api.pending = [api.message(text="hi") | {"update_id": 1001}]
    with bot():
        api.write("next")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: hi", "neutral: next"]


def test_texts_out_of_context_are_deleted_from_the_disk(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(responder=Echo(lambda request: "ok")):
        for number in range(6):
            api.write(f"secret number {number}")
            api.wait(lambda count=number + 1: len(api.texts()) == count)
    assert [text for (text,) in stored(run, "SELECT text FROM lines ORDER BY id")] == ["ok", "secret number 5", "ok"]
    assert not any(b"secret number 2" in file.read_bytes() for file in run.state.iterdir())


def test_what_is_reset_is_gone_from_the_disk_at_once(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with bot(responder=Echo(lambda request: "ok")):
        api.write("a secret")
        api.wait(lambda: len(api.texts()) == 1)
        assert any(b"a secret" in file.read_bytes() for file in run.state.iterdir())
        api.write("/reset")
        api.wait(lambda: len(api.texts()) == 2)
        assert not any(b"a secret" in file.read_bytes() for file in run.state.iterdir())


def test_forget_me_deletes_everything_of_a_user_and_nothing_of_others(
    api: BotApi, bot: MakeBot, run: RunContext
) -> None:
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
    everything = b"".join(file.read_bytes() for file in run.state.iterdir())
    assert b"private words" not in everything
    assert b"group words" not in everything
    assert b"words of another" in everything
    assert stored(run, "SELECT * FROM moods") == stored(run, "SELECT * FROM pins") == []
    assert stored(run, "SELECT * FROM lines WHERE speaker = 1 OR chat = 1") == []


def test_what_is_old_is_forgotten(api: BotApi, bot: MakeBot, run: RunContext, echo: Echo) -> None:
    with bot():
        api.write("old")
        api.wait(api.texts)
    with closing(sqlite3.connect(next(run.state.glob("bot-*")))) as db, db:
        db.execute("UPDATE lines SET said = said - 3 * 24 * 3600")
    with bot(forget_after_days=2):
        api.write("new")
        api.wait(lambda: len(api.texts()) == 2)
    assert echo.batches[-1][0].context == ("new",)


def test_a_reset_while_the_model_thinks_leaves_nothing_behind(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    slow = Echo(seconds=0.5)
    with bot(responder=slow):
        api.write("a secret")
        api.wait(lambda: slow.batches)
        api.write("/reset")
        api.wait(api.texts)
        time.sleep(0.6)
    assert api.texts() == ["I have forgotten this conversation."]
    assert stored(run, "SELECT * FROM lines") == []


def test_too_many_messages_of_one_user_are_refused_and_others_are_served(api: BotApi, bot: MakeBot) -> None:
    with bot(messages_per_minute=3):
        for number in range(8):
            api.write(f"{number}", chat=1)
        api.write("hi", chat=2)
        api.wait(lambda: len(api.texts(1)) == 4 and api.texts(2))
    assert sum("wait a minute" in text for text in api.texts(1)) == 1
    assert api.texts(2) == ["neutral: hi"]


def test_a_full_queue_says_so(api: BotApi, bot: MakeBot) -> None:
    slow = Echo(seconds=1.0)
    with bot(responder=slow, queue=2, settle=0.3):
        for chat in range(1, 5):
            api.write("hi", chat=chat)
        api.wait(lambda: len(api.sent) == 4)
    assert [api.texts(chat) for chat in (1, 2)] == [["neutral: hi"]] * 2
    assert all("Too many people" in api.texts(chat)[0] for chat in (3, 4))


def test_a_second_bot_with_the_same_memory_is_refused(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.wait(lambda: "getUpdates" in api.methods())
        with pytest.raises(Exception, match="another bot uses this"), bot() as second:
            second.join()


def test_a_damaged_memory_is_one_clear_line(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    (run.state / "bot-4242.sqlite3").write_bytes(b"this is no database, it is a text file" * 100)
    with pytest.raises(Exception, match=r"bot-4242\.sqlite3: file is not a database; move the file away"), bot() as it:
        it.join()


def test_counters_and_a_heartbeat_are_there_for_supervisors(
    api: BotApi, bot: MakeBot, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    with bot(allow=[1]):
        api.write("hi", chat=1)
        api.write("hi", chat=2)
        api.wait(lambda: api.texts(1) and api.texts(2))
        assert (run.state / "heartbeat").stat().st_mtime > time.time() - 15
    assert "counters received=2 answered=1 refused=1 failed=0 latency_p50=" in caplog.text


@pytest.mark.parametrize(("asked", "shown"), [(False, False), (True, True)])
def test_texts_are_in_the_log_only_if_asked_for(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture, asked: bool, shown: bool
) -> None:
    with bot(log_texts=asked):
        api.write("my\nsecret")
        api.wait(api.texts)
    assert ("secret" in caplog.text) == shown
    assert "my\nsecret" not in caplog.text

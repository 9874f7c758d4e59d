"""The bot goes on through everything that Telegram and the network do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from telegram.error import Conflict

from autocakechat import UserError
from autocakechat.plugins.deployers.telegram.bot_api.client import connect
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, TOKEN, BotApi, Call, Fault
from tests.deployers.telegram.support.running import RunningBot

MakeBot = Callable[..., RunningBot]


def failing(methods: str, *faults: Fault) -> Callable[[Call], Fault | None]:
    """Faults for the first calls of each of some methods."""
    left = {method: iter(faults) for method in methods.split()}
    return lambda call: next(left.get(call.method, iter(())), None)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502),
        Fault(status=502, cut=True),
        Fault(),
        Fault(status=429, retry_after=1),
        Fault(status=200, done=True, delay=0.5),
        Fault(status=200, done=True, cut=True),
    ],
    ids=str,
)
def test_a_fault_of_each_call_costs_nothing_but_time(api: BotApi, bot: MakeBot, fault: Fault) -> None:
    api.fault = failing("getMe setMyCommands deleteWebhook getUpdates sendMessage sendChatAction", fault)
    with bot():
        api.write("hi")
        api.wait(api.texts)
        api.write("there")
        api.wait(lambda: len(api.texts()) >= 2)
    assert api.texts() == ["neutral: hi", "neutral: there"]


def test_429_is_waited_for_as_long_as_telegram_asks(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("sendMessage", Fault(status=429, retry_after=2))
    with bot():
        api.write("hi")
        api.wait(api.texts)
    first, second = (call.at for call in api.calls if call.method == "sendMessage")
    assert second - first >= 2


def test_trouble_is_told_once_and_its_end_too(api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture) -> None:
    api.fault = failing("getUpdates", *[Fault()] * 2)
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert caplog.text.count("trouble what=receiving") == 1
    assert caplog.text.count("trouble over what=receiving") == 1


def test_a_token_that_is_revoked_while_it_runs_ends_it(api: BotApi, bot: MakeBot) -> None:
    with pytest.raises(UserError, match="Telegram refused the bot's token"), bot() as running:
        api.write("hi")
        api.wait(api.texts)
        api.token = "4242:a-new-one"
        api.write("again")
        running.join()


def test_a_short_conflict_is_borne(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("getUpdates", *[Fault(status=409)] * 2)
    with bot():
        api.write("hi")
        api.wait(api.texts)


def test_another_receiver_that_goes_away_takes_nothing(api: BotApi, bot: MakeBot) -> None:
    """The old poll of a restarted container: real calls, each ending the other's with 409."""
    rival = connect(TOKEN, api.url)

    async def poll() -> None:
        async with rival:
            for _ in range(3):
                with contextlib.suppress(Conflict):
                    await rival.get_updates(timeout=1)

    with bot():
        api.write("one")
        api.wait(api.texts)
        asyncio.run(poll())
        api.write("two")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: one", "neutral: two"]
    assert api.conflicts > 0


def test_updates_whose_numbers_begin_anew_are_answered(api: BotApi, bot: MakeBot) -> None:
    """After a quiet week Telegram numbers updates from anywhere."""
    api.mangle = lambda updates: updates[:1]
    with bot():
        api.write("high")
        api.wait(api.texts)
        low = [api.message(chat=chat, text="low") | {"update_id": chat} for chat in (1, 2, 3)]
        with api._changed:
            api.pending += low
            api._changed.notify_all()
        api.wait(lambda: len(api.sent) == 4)
        api.wait(lambda: not api.pending)
    assert [api.texts(chat) for chat in (2, 3)] == [["neutral: low"]] * 2


def test_a_chat_that_blocked_the_bot_is_dropped_quietly(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    api.blocked.add(1)
    with bot():
        api.write("hi", chat=1)
        api.write("hi", chat=2)
        api.wait(lambda: api.texts(2))
        api.wait(lambda: sum(call.params.get("chat_id") == "1" for call in api.calls) >= 1)
        time.sleep(0.5)
    assert sum(call.method == "sendMessage" and call.params["chat_id"] == "1" for call in api.calls) == 1
    assert not [record for record in caplog.records if record.levelno > logging.INFO and "everyone" not in record.msg]


def test_a_group_that_becomes_a_supergroup_is_followed(api: BotApi, bot: MakeBot) -> None:
    api.migrated[-5] = -1005
    with bot():
        api.write("/help", -5, user=1)
        api.wait(lambda: api.texts(-1005))


def test_a_message_that_telegram_refuses_does_not_hold_up_the_next(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("sendMessage", Fault(status=400))
    with bot():
        api.write("one")
        api.wait(lambda: "sendMessage" in api.methods())
        api.write("two")
        api.wait(api.texts)
    assert api.texts() == ["neutral: two"]


def test_updates_in_any_order_and_twice_are_answered_once_and_in_order(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    def shuffled(updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return random.Random(1).sample(updates * 2, len(updates) * 2)

    api.mangle = shuffled
    for number in range(10):
        api.write(str(number))
    with bot(separate_lines=False):
        api.wait(api.texts)
        api.write("end")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: " + "\n".join(map(str, range(10))), "neutral: end"]


HOSTILE_TEXTS = [
    "x" * 4096,
    "😀" * 2048,
    "\x00\x01\x1b[31mred\x07\x7f",
    "\u202eevil\u202c \u2066x\u2069 \ufeff",
    "Z" + "\u0300\u0489" * 1000,
    "'; DROP TABLE lines; --",
    "<script>alert(1)</script> *_`[x](http://y)",
    "/" * 100,
    "/start@",
    "/\u202estart",
    "@" * 50,
    "%s %d {0} {x} \\ \\n",
    "\ud800 half of a character",
    "\ufffe\uffff",
    "\n\n\n",
    " ",
]
STRANGE_UPDATES: list[dict[str, Any]] = [
    {},
    {"callback_query": {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "chat_instance": "1"}},
    {"channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel"}, "text": "news"}},
    {"message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "from nobody"}},
    {"message": {"message_id": 1}},
    {"message": "not a message"},
    {"message": None},
    {"brand_new_kind": {"a": [1, 2, {"b": None}]}},
    {"inline_query": {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "query": "", "offset": ""}},
    {"my_chat_member": {"chat": {"id": 1, "type": "private"}}},
]


@pytest.mark.parametrize("update", STRANGE_UPDATES, ids=lambda update: json.dumps(update)[:40])
def test_a_strange_update_stops_nothing_and_is_confirmed(api: BotApi, bot: MakeBot, update: dict[str, Any]) -> None:
    api.post(update)
    api.write("hi")
    with bot():
        api.wait(api.texts)
        api.wait(lambda: not api.pending)
    assert api.texts() == ["neutral: hi"]


def test_service_messages_are_no_messages(api: BotApi, bot: MakeBot) -> None:
    member = {"id": 9, "is_bot": False, "first_name": "x"}
    with bot():
        api.post(api.message(-7, 1, new_chat_members=[member]))
        api.post(api.message(1, pinned_message={"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}))
        api.post(api.message(1, something_new={"a": 1}))
        api.write("hi")
        api.wait(api.texts)
    assert [message["text"] for message in api.sent] == ["neutral: hi"]


def test_ten_thousand_emoji_come_in_and_go_out(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    """Telegram takes 2,048 in a message: they come as a burst of five, and go out as messages that fit."""
    answer = Echo(lambda request: "🙂" * 10_000)
    with bot(responder=answer, settle=0.3):
        for _ in range(5):
            api.write("😀" * 2000)
        api.wait(lambda: len("".join(api.texts())) >= 10_000)
    assert "".join(api.texts()) == "🙂" * 10_000
    assert max(len(text.encode("utf-16-le")) // 2 for text in api.texts()) == 4096
    assert [len(batch) for batch in answer.batches] == [1]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:20])
def test_a_hostile_text_is_a_text_like_any_other(
    api: BotApi, bot: MakeBot, echo: Echo, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    person = {"id": 1, "is_bot": False, "first_name": text, "username": text, "language_code": text}

    def in_group(said: str) -> dict[str, Any]:
        place = {"id": -1, "type": "supergroup", "title": text, "username": text}
        return {"message": api.message(-1, text=said)["message"] | {"chat": place, "from": person}}

    with bot(separate_lines=False, log_texts=True):
        api.post(api.message(text=text, **{"from": person}))
        api.post(in_group(f"@{NAME} {text}"))
        api.write("hi")
        api.wait(lambda: api.texts() and "hi" in api.texts()[-1])
        api.post(in_group(f"@{NAME} hi"))
        api.wait(lambda: api.texts(-1) and "hi" in api.texts(-1)[-1])
    heard = "\n".join(line for batch in echo.batches for request in batch for line in request.context)
    words = text.replace("\0", "").replace("\ud800", "\ufffd").strip()
    assert words in heard or words.startswith("/"), "it is passed on as it came"
    assert "not understood" not in caplog.text
    assert "\x1b" not in caplog.text
    assert "\u202e" not in caplog.text
    assert all("parse_mode" not in message["params"] for message in api.sent)


class Chaos:
    """Lets a share of all calls fail in every way there is."""

    def __init__(self, share: float, seed: int) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._lock = threading.Lock()
        self.unclear = 0
        self.faults: Counter[str] = Counter()

    def __call__(self, call: Call) -> Fault | None:
        with self._lock:
            if self._random.random() > self._share:
                return None
            fault = self._random.choice(
                [
                    Fault(status=500),
                    Fault(status=502),
                    Fault(status=502, cut=True),
                    Fault(status=429, retry_after=1),
                    Fault(),
                    Fault(delay=0.2),
                    Fault(status=200, done=True, delay=0.3),
                    Fault(status=200, done=True, cut=True),
                ]
            )
            self.faults[str(fault)] += 1
            return fault


@pytest.mark.parametrize(("chats", "messages"), [(8, 6), pytest.param(100, 30, marks=pytest.mark.soak)])
def test_chaos_loses_nothing_and_answers_nothing_twice(api: BotApi, bot: MakeBot, chats: int, messages: int) -> None:
    chaos = Chaos(share=0.2, seed=7)
    api.fault = chaos
    heard: Counter[str] = Counter()

    def answer(request: Any) -> str:
        heard.update(request.context[-1].split("\n"))
        return f"answer to {request.context[-1]}"

    order = random.Random(3)
    with bot(responder=Echo(answer), separate_lines=False, messages_per_minute=1000):
        api.wait(lambda: "getUpdates" in api.methods())
        for number in range(messages):
            for chat in order.sample(range(1, chats + 1), chats):
                api.write(f"{chat}.{number}", chat=chat)
            time.sleep(0.2 + order.random() * 0.5)
        wanted = {f"{chat}.{number}" for chat in range(1, chats + 1) for number in range(messages)}
        api.wait(lambda: wanted <= answered(api), seconds=60 + chats * messages / 10)
    print(f"{len(wanted)} messages, {len(api.sent)} answers, {chaos.faults.total()} of {len(api.calls)} calls failed")
    assert len(chaos.faults) >= 5
    times = Counter(line for message in api.sent for line in message["text"].removeprefix("answer to ").split("\n"))
    assert times == Counter(dict.fromkeys(wanted, 1))
    for chat in range(1, chats + 1):
        lines = [line for text in api.texts(chat) for line in text.removeprefix("answer to ").split("\n")]
        assert lines == [f"{chat}.{number}" for number in range(messages)]


def answered(api: BotApi) -> set[str]:
    return {line for message in list(api.sent) for line in message["text"].removeprefix("answer to ").split("\n")}


def test_a_connection_that_breaks_without_a_word_sends_again_rather_than_loses(api: BotApi, bot: MakeBot) -> None:
    """Whether such a message arrived cannot be known; a message too many is better than one too few."""
    api.fault = failing("sendMessage", Fault(done=True))
    with bot():
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: hi"] * 2


@pytest.fixture(autouse=True)
def _the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert TOKEN not in caplog.text

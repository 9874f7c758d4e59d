"""The bot continues after every fault of Telegram and of the network."""

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
from autocakechat.plugins.deployers.telegram.bot_api import client
from autocakechat.plugins.deployers.telegram.bot_api.client import connect
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, TOKEN, BotApi, Call, Fault
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]


def failing(methods: str, *faults: Fault) -> Callable[[Call], Fault | None]:
    """Returns a fault function that fails the first calls of each of some methods."""
    remaining = {method: iter(faults) for method in methods.split()}
    return lambda call: next(remaining.get(call.method, iter(())), None)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502),
        Fault(status=502, cut=True),
        Fault(),
        Fault(status=429, retry_after=1),
        Fault(status=200, takes_effect=True, delay=0.5),
        Fault(status=200, takes_effect=True, cut=True),
    ],
    ids=str,
)
def test_calls_are_retried_after_every_kind_of_fault(api: BotApi, bot: MakeBot, fault: Fault) -> None:
    api.fault = failing("getMe setMyCommands deleteWebhook getUpdates sendMessage sendChatAction", fault)
    with bot():
        api.write("hi")
        api.wait(api.texts)
        api.write("there")
        api.wait(lambda: len(api.texts()) >= 2)
    assert api.texts() == ["neutral: hi", "neutral: there"]


def test_a_429_is_waited_out_for_retry_after_seconds(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("sendMessage", Fault(status=429, retry_after=2))
    with bot():
        api.write("hi")
        api.wait(api.texts)
    first, second = (call.at for call in api.calls if call.method == "sendMessage")
    assert second - first >= 2


@pytest.mark.parametrize("seconds", [10**9, 10**30, -5, 1e999, "soon", [], True])
def test_no_retry_after_stops_the_bot_for_long(
    api: BotApi, bot: MakeBot, monkeypatch: pytest.MonkeyPatch, seconds: Any
) -> None:
    monkeypatch.setattr(client, "MAX_RETRY_AFTER", 1)
    api.fault = failing("sendMessage getUpdates", Fault(status=429, retry_after=seconds))
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert api.texts() == ["neutral: hi"]


def test_an_outage_and_its_end_are_each_logged_once(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    api.fault = failing("getUpdates", *[Fault()] * 2)
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert caplog.text.count("retrying method=getUpdates") == 1
    assert caplog.text.count("recovered method=getUpdates") == 1


def test_a_token_revoked_at_run_time_stops_the_bot(api: BotApi, bot: MakeBot) -> None:
    with pytest.raises(UserError, match="Telegram rejected the bot's token"), bot() as running:
        api.write("hi")
        api.wait(api.texts)
        api.token = "4242:a-new-one"
        api.write("again")
        running.join()


def test_a_short_conflict_is_retried(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("getUpdates", *[Fault(status=409)] * 2)
    with bot():
        api.write("hi")
        api.wait(api.texts)


def test_a_second_poller_that_goes_away_takes_no_update(api: BotApi, bot: MakeBot) -> None:
    """As when a container restarts: the calls of two pollers end each other with 409."""
    second_poller = connect(TOKEN, api.url)

    async def poll() -> None:
        async with second_poller:
            for _ in range(3):
                with contextlib.suppress(Conflict):
                    await second_poller.get_updates(timeout=1)

    with bot():
        api.write("one")
        api.wait(api.texts)
        asyncio.run(poll())
        api.write("two")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: one", "neutral: two"]
    assert api.conflicts > 0


def test_updates_with_lower_ids_than_before_get_replies(api: BotApi, bot: MakeBot) -> None:
    """After a week without updates Telegram continues with a random update id."""
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


def test_a_chat_that_blocked_the_bot_is_deleted_without_a_warning(
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


def test_messages_to_a_group_follow_it_to_its_supergroup(api: BotApi, bot: MakeBot) -> None:
    api.migrated[-5] = -1005
    with bot():
        api.write("/help", -5, user=1)
        api.wait(lambda: api.texts(-1005))


def test_a_rejected_message_does_not_block_the_next(api: BotApi, bot: MakeBot) -> None:
    api.fault = failing("sendMessage", Fault(status=400))
    with bot():
        api.write("one")
        api.wait(lambda: "sendMessage" in api.methods())
        api.write("two")
        api.wait(api.texts)
    assert api.texts() == ["neutral: two"]


def test_shuffled_and_repeated_updates_get_one_reply_in_order(api: BotApi, bot: MakeBot, echo: Echo) -> None:
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
UNUSUAL_UPDATES: list[dict[str, Any]] = [
    {},
    {"callback_query": {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "chat_instance": "1"}},
    {"channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel"}, "text": "news"}},
    {"message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "no sender"}},
    {"message": {"message_id": 1}},
    {"message": "not a message"},
    {"message": None},
    {"brand_new_kind": {"a": [1, 2, {"b": None}]}},
    {"inline_query": {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "query": "", "offset": ""}},
    {"my_chat_member": {"chat": {"id": 1, "type": "private"}}},
]


@pytest.mark.parametrize("update", UNUSUAL_UPDATES, ids=lambda update: json.dumps(update)[:40])
def test_a_malformed_or_unknown_update_is_skipped_and_confirmed(
    api: BotApi, bot: MakeBot, update: dict[str, Any]
) -> None:
    api.post(update)
    api.write("hi")
    with bot():
        api.wait(api.texts)
        api.wait(lambda: not api.pending)
    assert api.texts() == ["neutral: hi"]


def test_service_messages_get_no_reply(api: BotApi, bot: MakeBot) -> None:
    member = {"id": 9, "is_bot": False, "first_name": "x"}
    with bot():
        api.post(api.message(-7, 1, new_chat_members=[member]))
        api.post(api.message(1, pinned_message={"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}))
        api.write("hi")
        api.wait(api.texts)
    assert [message["text"] for message in api.sent] == ["neutral: hi"]


def test_ten_thousand_emoji_are_received_and_sent(api: BotApi, bot: MakeBot) -> None:
    """A message has at most 2,048 of them: they arrive as a burst of five, and are sent as messages that fit."""
    emoji = Echo(lambda request: "🙂" * 10_000)
    with bot(responder=emoji, settle=0.3):
        for _ in range(5):
            api.write("😀" * 2000)
        api.wait(lambda: len("".join(api.texts())) >= 10_000)
    assert "".join(api.texts()) == "🙂" * 10_000
    assert max(len(text.encode("utf-16-le")) // 2 for text in api.texts()) == 4096
    assert [len(batch) for batch in emoji.batches] == [1]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:20])
def test_hostile_texts_are_handled_like_any_other(
    api: BotApi, bot: MakeBot, echo: Echo, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    sender = {"id": 1, "is_bot": False, "first_name": text, "username": text, "language_code": text}

    def in_group(message_text: str) -> dict[str, Any]:
        chat = {"id": -1, "type": "supergroup", "title": text, "username": text}
        return {"message": api.message(-1, text=message_text)["message"] | {"chat": chat, "from": sender}}

    with bot(separate_lines=False, log_texts=True):
        api.post(api.message(text=text, **{"from": sender}))
        api.post(in_group(f"@{NAME} {text}"))
        api.write("hi")
        api.wait(lambda: api.texts() and "hi" in api.texts()[-1])
        api.post(in_group(f"@{NAME} hi"))
        api.wait(lambda: api.texts(-1) and "hi" in api.texts(-1)[-1])
    model_input = "\n".join(line for context in echo.contexts for line in context)
    cleaned = text.replace("\0", "").replace("\ud800", "\ufffd").strip()
    assert cleaned in model_input or cleaned.startswith("/"), "the model did not get the text unchanged"
    assert "update skipped" not in caplog.text
    assert "\x1b" not in caplog.text
    assert "\u202e" not in caplog.text
    assert all("parse_mode" not in message["params"] for message in api.sent)


class RandomFaults:
    """Fails a share of all calls, with faults of all kinds."""

    def __init__(self, share: float, seed: int) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

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
                    Fault(status=200, takes_effect=True, delay=0.3),
                    Fault(status=200, takes_effect=True, cut=True),
                ]
            )
            self.counts[str(fault)] += 1
            return fault


@pytest.mark.parametrize(("chats", "messages"), [(8, 6), pytest.param(100, 30, marks=pytest.mark.soak)])
def test_random_faults_lose_no_message_and_double_no_reply(
    api: BotApi, bot: MakeBot, chats: int, messages: int
) -> None:
    faults = RandomFaults(share=0.2, seed=7)
    api.fault = faults
    rng = random.Random(3)
    echo = Echo(lambda request: f"reply to {request.context[-1]}")
    with bot(responder=echo, separate_lines=False, messages_per_minute=1000):
        api.wait(lambda: "getUpdates" in api.methods())
        for number in range(messages):
            for chat in rng.sample(range(1, chats + 1), chats):
                api.write(f"{chat}.{number}", chat=chat)
            time.sleep(0.2 + rng.random() * 0.5)
        written = {f"{chat}.{number}" for chat in range(1, chats + 1) for number in range(messages)}
        api.wait(lambda: written <= answered_lines(api), seconds=60 + chats * messages / 10)
    print(f"{len(written)} messages, {len(api.sent)} replies, {faults.counts.total()} of {len(api.calls)} calls failed")
    assert len(faults.counts) >= 5
    answers_per_message = Counter(line for message in api.sent for line in lines_of(message["text"]))
    assert answers_per_message == Counter(dict.fromkeys(written, 1))
    for chat in range(1, chats + 1):
        lines = [line for text in api.texts(chat) for line in lines_of(text)]
        assert lines == [f"{chat}.{number}" for number in range(messages)]


def lines_of(reply: str) -> list[str]:
    """Returns the messages that a reply replies to."""
    return reply.removeprefix("reply to ").split("\n")


def answered_lines(api: BotApi) -> set[str]:
    return {line for message in list(api.sent) for line in lines_of(message["text"])}


def test_a_message_is_resent_if_the_connection_breaks_during_the_request(api: BotApi, bot: MakeBot) -> None:
    """The bot cannot know whether it was delivered; a duplicate is better than a lost message."""
    api.fault = failing("sendMessage", Fault(takes_effect=True))
    with bot():
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: hi"] * 2


@pytest.fixture(autouse=True)
def _check_that_no_log_contains_the_token(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert TOKEN not in caplog.text

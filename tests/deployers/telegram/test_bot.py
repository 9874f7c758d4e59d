"""The Telegram bot in a conversation, over HTTP with a Bot API server of the tests' own."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence

import pytest

from autocakechat import Reply, Request, RunContext, Secret, StageError, UserError
from autocakechat.plugins.deployers.telegram import Options, deploy
from autocakechat.plugins.deployers.telegram.bot_api.client import connect
from autocakechat.plugins.deployers.telegram.receiving import polling
from tests.deployers.responders import Echo, trained
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi, Fault
from tests.deployers.telegram.support.running import RunningBot

MakeBot = Callable[..., RunningBot]


def test_a_message_is_answered(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("hi")
        api.wait(lambda: api.texts() == ["neutral: hi"])


def test_each_chat_has_its_own_context(api: BotApi, bot: MakeBot) -> None:
    lines = Echo(lambda request: " | ".join(request.context))
    with bot(responder=lines):
        api.write("one", chat=1)
        api.wait(lambda: api.texts(1))
        api.write("two", chat=2)
        api.wait(lambda: api.texts(2))
        api.write("three", chat=1)
        api.wait(lambda: len(api.texts(1)) == 2)
    assert api.texts(1) == ["one", "one | one | three"]
    assert api.texts(2) == ["two"]


def test_the_model_answers_beside_the_event_loop(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert all(name.startswith("model") for name in echo.threads)


def test_start_says_that_it_is_an_ai_that_imitates_a_person(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("/start")
        api.wait(api.texts)
    assert "I am an AI that imitates a person" in api.texts()[0]
    assert not echo.batches


def test_commands_are_in_the_menu_and_in_help(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/help")
        api.wait(api.texts)
    names = [entry["command"] for entry in api.menu]
    assert names == ["start", "help", "mood", "reset", "forget"]
    assert all(f"/{name}" in api.texts()[0] for name in names)


def test_an_unknown_command_is_answered_once(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("/dance now")
        api.wait(api.texts)
    assert len(api.texts()) == 1
    assert "/help" in api.texts()[0]
    assert not echo.batches


def test_reset_forgets_the_conversation(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("a secret")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("/reset")
        api.wait(lambda: len(api.texts()) == 2)
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 3)
    assert echo.batches[-1][0].context == ("hi",)


def test_mood_sets_the_label_and_only_one_the_model_knows(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/mood JOY")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("/mood rage")
        api.wait(lambda: len(api.texts()) == 2)
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 3)
    assert api.texts() == [
        "My mood is joy now.",
        "My mood is joy. /mood and one of these changes it: neutral, joy, anger.",
        "joy: hi",
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]},
        {"voice": {"file_id": "a", "file_unique_id": "b", "duration": 1}},
        {"location": {"latitude": 1.0, "longitude": 1.0}},
    ],
)
def test_what_is_no_text_gets_one_polite_line(api: BotApi, bot: MakeBot, content: dict[str, object]) -> None:
    with bot():
        api.post(api.message(**content))
        api.wait(api.texts)
    assert api.texts() == ["Sorry, I understand only text."]


def test_a_caption_is_text(api: BotApi, bot: MakeBot) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    with bot():
        api.post(api.message(photo=photo, caption="my cat"))
        api.wait(api.texts)
    assert api.texts() == ["neutral: my cat"]


def test_a_long_answer_is_split_at_4096_utf16_units(api: BotApi, bot: MakeBot) -> None:
    long = " ".join(["😀" * 7] * 700)
    with bot(responder=Echo(lambda request: long)):
        api.write("hi")
        api.wait(lambda: len(" ".join(api.texts())) >= len(long))
    assert len(api.texts()) > 2
    assert " ".join(api.texts()) == long


def test_replies_are_plain_text(api: BotApi, bot: MakeBot) -> None:
    with bot(responder=Echo(lambda request: "<b>*_bold_*</b> [x](http://x)")):
        api.write("hi")
        api.wait(api.texts)
    assert api.sent[0]["text"] == "<b>*_bold_*</b> [x](http://x)"
    assert "parse_mode" not in api.sent[0]["params"]
    assert "entities" not in api.sent[0]["params"]


def test_a_stranger_is_refused_once_and_costs_no_model_time(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot(allow=[1, "@User3"]):
        for text in ("let me in", "/start", "please"):
            api.write(text, chat=2)
        api.write("hi", chat=1)
        api.write("hi", chat=3)
        api.wait(lambda: api.texts(1) and api.texts(2) and api.texts(3))
    assert len(api.texts(2)) == 1
    assert api.texts(1) == api.texts(3) == ["neutral: hi"]
    assert {line for batch in echo.batches for request in batch for line in request.context} == {"hi"}


def test_everyone_is_warned_about(
    api: BotApi,
    run: RunContext,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    echo: Echo,
) -> None:
    monkeypatch.setenv("TOKEN", "4243:another-token")
    with pytest.raises(UserError):
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=api.url), trained(echo), run)
    assert "everyone may talk to the bot" in caplog.text


def test_nobody_invited_is_an_error() -> None:
    with pytest.raises(ValueError, match="nobody is invited"):
        Options(token=Secret(env="TOKEN"), allow=[])


@pytest.mark.parametrize("guest", ["t.me/anna", "Anna Smith", "", "-", "12ab", "анна"])
def test_who_cannot_be_invited_is_an_error(guest: str) -> None:
    with pytest.raises(ValueError, match="is nobody; write ids and usernames"):
        Options(token=Secret(env="TOKEN"), allow=[1, guest])


def test_ids_and_usernames_can_be_invited() -> None:
    Options(token=Secret(env="TOKEN"), allow=[1, -1001234567890, "42", "-5", "anna", "@Anna_1", " anna "])


@pytest.mark.parametrize("address", ["api.telegram.org", "https://", "http://a b", "http://h:99999", "http://[::1"])
def test_an_address_that_leads_nowhere_is_an_error(address: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        Options(token=Secret(env="TOKEN"), allow=[1], base_url=address)


def test_a_model_that_forgets_an_answer_costs_only_that_one(api: BotApi, bot: MakeBot) -> None:
    class Forgetful(Echo):
        def respond(self, requests: Sequence[Request]) -> list[Reply]:
            return super().respond(requests)[: len(requests) - (requests[-1].context[-1] == "3")]

    with bot(responder=Forgetful(), settle=0.5, fallback="pardon?"):
        for chat in (1, 2, 3):
            api.write(str(chat), chat=chat)
        api.wait(lambda: len(api.sent) == 3)
    assert [api.texts(chat) for chat in (1, 2, 3)] == [["neutral: 1"], ["neutral: 2"], ["pardon?"]]


def test_the_model_failing_gives_the_fallback_and_the_bot_goes_on(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(request: object) -> str:
        if "bad" in str(request):
            raise ValueError("cannot answer: bad secret")
        return "fine"

    with bot(responder=Echo(answer), fallback="pardon?"):
        api.write("bad secret")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("/reset")
        api.write("good")
        api.wait(lambda: len(api.texts()) == 3)
    assert api.texts()[0] == "pardon?"
    assert api.texts()[2] == "fine"
    assert caplog.text.count("model failed") == 1
    assert "bad secret" not in caplog.text


@pytest.mark.parametrize("base", ["", "/", "/bot", "/bot/"])
def test_the_address_of_the_bot_api_may_end_as_it_likes(api: BotApi, bot: MakeBot, base: str) -> None:
    with bot(base_url=api.url + base):
        api.write("hi")
        api.wait(api.texts)


def test_a_refused_token_is_one_line_without_the_token(
    api: BotApi, run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "4242:REVOKED-token_that_nobody_may_see"
    monkeypatch.setenv("TOKEN", token)
    with pytest.raises(UserError, match="Telegram refused the bot's token") as caught:
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=api.url), trained(echo), run)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert token not in caplog.text
    assert not [name for entry in caught.traceback[1:] for name, value in entry.locals.items() if token in repr(value)]


@pytest.mark.parametrize("token", ["hello", "1234", ":abc", "12:a b", "12:а-cyrillic", "12:/../.."])
def test_a_malformed_token_is_one_line_without_the_token(
    run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TOKEN", token)
    with pytest.raises(UserError, match="malformed") as caught:
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone"), trained(echo), run)
    assert token not in str(caught.value)


def test_a_missing_token_is_one_line(run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(UserError, match="environment variable TOKEN is not set"):
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone"), trained(echo), run)


def test_nothing_that_a_crash_may_print_holds_the_token() -> None:
    bot = connect(TOKEN, "http://127.0.0.1:9")
    options = Options(token=Secret(env="TOKEN"), allow=[1])
    shown = " ".join(f"{thing!r} {thing}" for thing in (bot, *bot._request, vars(bot).keys(), options))
    assert TOKEN.partition(":")[2] not in shown


def test_the_token_is_in_no_log_at_any_level(api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([Fault(status=502), Fault(), Fault(status=429, retry_after=1), Fault(status=500)])
    api.fault = lambda call: next(faults, None) if call.method == "sendMessage" else None
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert caplog.records
    assert TOKEN not in caplog.text
    assert not [record for record in caplog.records if record.name.split(".")[0] in ("httpx", "httpcore", "telegram")]


def test_it_starts_as_soon_as_telegram_can_be_reached(echo: Echo, run: RunContext) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    missing = type("Missing", (), {"url": f"http://127.0.0.1:{port}", "token": TOKEN})()
    with RunningBot(missing, echo, run):
        api = BotApi(port=port)
        api.write("hi")
        api.wait(api.texts)
        api.close()


def test_another_receiver_is_an_error_after_a_while(api: BotApi, bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "CONFLICT_LIMIT", 2.0)
    api.fault = lambda call: Fault(status=409) if call.method == "getUpdates" else None
    running = bot()
    with pytest.raises(StageError, match="another program is receiving this bot's messages"), running:
        running.join()

"""The Telegram bot in a conversation, over HTTP with a fake Bot API server."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence

import pytest

from autocakechat import Reply, Request, RunContext, Secret, StageError, UserError
from autocakechat.plugins.deployers.telegram import Options, deploy
from autocakechat.plugins.deployers.telegram.bot_api.client import connect
from autocakechat.plugins.deployers.telegram.options import is_sent_in_clear_text
from autocakechat.plugins.deployers.telegram.receiving import polling
from tests.deployers.responders import Echo, model_of
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi, Fault
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]

GROUP = -100


def test_a_message_gets_a_reply(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("hi")
        api.wait(lambda: api.texts() == ["neutral: hi"])


def test_each_chat_has_its_own_context(api: BotApi, bot: MakeBot) -> None:
    with bot(responder=Echo(lambda request: " | ".join(request.context))):
        api.write("one", chat=1)
        api.wait(lambda: api.texts(1))
        api.write("two", chat=2)
        api.wait(lambda: api.texts(2))
        api.write("three", chat=1)
        api.wait(lambda: len(api.texts(1)) == 2)
    assert api.texts(1) == ["one", "one | one | three"]
    assert api.texts(2) == ["two"]


def test_the_model_runs_in_a_separate_thread(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert all(name.startswith("model") for name in echo.threads)


def test_start_introduces_the_bot_as_an_ai(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    with bot():
        api.write("/start")
        api.wait(api.texts)
    assert "I am an AI that imitates a person" in api.texts()[0]
    assert not echo.batches


def test_commands_are_in_the_menu_and_in_the_help(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/help")
        api.wait(api.texts)
    names = [entry["command"] for entry in api.menu]
    assert names == ["start", "help", "mood", "reset", "forget"]
    assert all(f"/{name}" in api.texts()[0] for name in names)


def test_a_model_with_one_label_offers_no_moods(api: BotApi, bot: MakeBot, echo: Echo) -> None:
    echo.labels = ("neutral",)
    with bot():
        api.write("/help")
        api.wait(api.texts)
        api.write("/mood joy")
        api.wait(lambda: len(api.texts()) == 2)
        api.write("/mood", GROUP, user=1)  # not offered, so it may be for another bot in the group
        api.write("/help", GROUP, user=1)
        api.wait(lambda: api.texts(GROUP))
    assert [entry["command"] for entry in api.menu] == ["start", "help", "reset", "forget"]
    assert "/mood" not in api.texts()[0]
    assert api.texts()[1] == "I have no moods."
    assert api.texts(GROUP) == api.texts()[:1]


def test_an_unknown_command_gets_one_reply(api: BotApi, bot: MakeBot, echo: Echo) -> None:
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


def test_mood_accepts_only_labels_of_the_model(api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.write("/mood JOY")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("/mood rage")
        api.wait(lambda: len(api.texts()) == 2)
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 3)
    assert api.texts() == [
        "My mood is joy now.",
        "My mood is joy. To change it, send /mood and one of these: neutral, joy, anger.",
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
def test_media_get_one_notice(api: BotApi, bot: MakeBot, content: dict[str, object]) -> None:
    with bot():
        api.post(api.message(**content))
        api.wait(api.texts)
    assert api.texts() == ["Sorry, I understand only text."]


def test_a_caption_is_handled_as_text(api: BotApi, bot: MakeBot) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    with bot():
        api.post(api.message(photo=photo, caption="my cat"))
        api.wait(api.texts)
    assert api.texts() == ["neutral: my cat"]


def test_a_long_reply_is_split_at_4096_utf16_units(api: BotApi, bot: MakeBot) -> None:
    long = " ".join(["😀" * 7] * 700)
    with bot(responder=Echo(lambda request: long)):
        api.write("hi")
        api.wait(lambda: len(" ".join(api.texts())) >= len(long))
    assert len(api.texts()) > 2
    assert " ".join(api.texts()) == long


def test_replies_are_sent_as_plain_text(api: BotApi, bot: MakeBot) -> None:
    with bot(responder=Echo(lambda request: "<b>*_bold_*</b> [x](http://x)")):
        api.write("hi")
        api.wait(api.texts)
    assert api.sent[0]["text"] == "<b>*_bold_*</b> [x](http://x)"
    assert "parse_mode" not in api.sent[0]["params"]
    assert "entities" not in api.sent[0]["params"]


def test_a_user_without_access_gets_one_notice_and_does_not_reach_the_model(
    api: BotApi, bot: MakeBot, echo: Echo
) -> None:
    with bot(allow=[1, "@User3"]):
        for text in ("let me in", "/start", "please"):
            api.write(text, chat=2)
        api.write("hi", chat=1)
        api.write("hi", chat=3)
        api.wait(lambda: api.texts(1) and api.texts(2) and api.texts(3))
    assert len(api.texts(2)) == 1
    assert api.texts(1) == api.texts(3) == ["neutral: hi"]
    assert {line for context in echo.contexts for line in context} == {"hi"}


def test_allow_everyone_logs_a_warning(
    api: BotApi,
    run: RunContext,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    echo: Echo,
) -> None:
    monkeypatch.setenv("TOKEN", "4243:another-token")
    with pytest.raises(UserError):
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=api.url), model_of(echo), run)
    assert "everyone may use the bot" in caplog.text
    assert "clear text" not in caplog.text  # it does not leave this machine


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://bot-api.example.org:8081", True),
        ("HTTP://192.168.1.7", True),
        ("http://127.0.0.1.example.org", True),
        ("https://api.telegram.org", False),
        ("http://localhost:8081", False),
        ("http://127.0.0.1:8081", False),
        ("http://[::1]:8081", False),
    ],
)
def test_a_token_in_clear_text_is_found(url: str, warns: bool) -> None:
    assert is_sent_in_clear_text(url) is warns


def test_a_token_in_clear_text_logs_a_warning(
    run: RunContext, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, echo: Echo
) -> None:
    monkeypatch.setenv("TOKEN", "malformed")  # so that nothing is sent
    options = Options(token=Secret(env="TOKEN"), allow=[1], base_url="http://bot-api.example.org")
    with pytest.raises(UserError):
        deploy(options, model_of(echo), run)
    assert "the token and all messages travel in clear text" in caplog.text


def test_an_empty_allow_list_is_an_error() -> None:
    with pytest.raises(ValueError, match="the list is empty"):
        Options(token=Secret(env="TOKEN"), allow=[])


@pytest.mark.parametrize("entry", ["t.me/anna", "Anna Smith", "", "-", "12ab", "анна"])
def test_an_invalid_allow_entry_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a user id, chat id or username"):
        Options(token=Secret(env="TOKEN"), allow=[1, entry])


def test_ids_and_usernames_are_valid_allow_entries() -> None:
    Options(token=Secret(env="TOKEN"), allow=[1, -1001234567890, "42", "-5", "anna", "@Anna_1", " anna "])


@pytest.mark.parametrize("url", ["api.telegram.org", "https://", "http://a b", "http://h:99999", "http://[::1"])
def test_an_invalid_base_url_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        Options(token=Secret(env="TOKEN"), allow=[1], base_url=url)


def test_a_missing_reply_of_a_batch_does_not_affect_the_others(api: BotApi, bot: MakeBot) -> None:
    class Incomplete(Echo):
        def respond(self, requests: Sequence[Request]) -> list[Reply]:
            return super().respond(requests)[: len(requests) - (requests[-1].context[-1] == "3")]

    with bot(responder=Incomplete(), settle=0.5, fallback="pardon?"):
        for chat in (1, 2, 3):
            api.write(str(chat), chat=chat)
        api.wait(lambda: len(api.sent) == 3)
    assert [api.texts(chat) for chat in (1, 2, 3)] == [["neutral: 1"], ["neutral: 2"], ["pardon?"]]


def test_the_fallback_is_sent_when_the_model_fails_and_the_bot_continues(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(request: object) -> str:
        if "bad" in str(request):
            raise ValueError("cannot reply: bad secret")
        return "fine"

    with bot(responder=Echo(reply), fallback="pardon?"):
        api.write("bad secret")
        api.wait(lambda: len(api.texts()) == 1)
        api.write("/reset")
        api.write("good")
        api.wait(lambda: len(api.texts()) == 3)
    assert api.texts()[0] == "pardon?"
    assert api.texts()[2] == "fine"
    assert caplog.text.count("model failed") == 1
    assert "bad secret" not in caplog.text


@pytest.mark.parametrize("suffix", ["", "/", "/bot", "/bot/"])
def test_the_base_url_may_end_with_bot_and_slash(api: BotApi, bot: MakeBot, suffix: str) -> None:
    with bot(base_url=api.url + suffix):
        api.write("hi")
        api.wait(api.texts)


def test_the_error_for_a_rejected_token_does_not_reveal_it(
    api: BotApi, run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "4242:REVOKED-token_that_must_not_be_shown"
    monkeypatch.setenv("TOKEN", token)
    with pytest.raises(UserError, match="Telegram rejected the bot's token") as caught:
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=api.url), model_of(echo), run)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert token not in caplog.text
    assert not [name for entry in caught.traceback[1:] for name, value in entry.locals.items() if token in repr(value)]


@pytest.mark.parametrize("token", ["hello", "1234", ":abc", "12:a b", "12:а-cyrillic", "12:/../.."])
def test_the_error_for_a_malformed_token_does_not_reveal_it(
    run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TOKEN", token)
    with pytest.raises(UserError, match="malformed") as caught:
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone"), model_of(echo), run)
    assert token not in str(caught.value)


def test_a_missing_token_is_an_error(run: RunContext, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(UserError, match="environment variable TOKEN is not set"):
        deploy(Options(token=Secret(env="TOKEN"), allow="everyone"), model_of(echo), run)


def test_representations_do_not_contain_the_token() -> None:
    bot = connect(TOKEN, "http://127.0.0.1:9")
    options = Options(token=Secret(env="TOKEN"), allow=[1])
    representations = " ".join(f"{value!r} {value}" for value in (bot, *bot._request, vars(bot).keys(), options))
    assert TOKEN.partition(":")[2] not in representations


def test_no_log_line_of_any_level_contains_the_token(
    api: BotApi, bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([Fault(status=502), Fault(), Fault(status=429, retry_after=1), Fault(status=500)])
    api.fault = lambda call: next(faults, None) if call.method == "sendMessage" else None
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert caplog.records
    assert TOKEN not in caplog.text
    assert not [record for record in caplog.records if record.name.split(".")[0] in ("httpx", "httpcore", "telegram")]


def test_it_starts_as_soon_as_telegram_is_reachable(echo: Echo, run: RunContext) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unreachable = type("Unreachable", (), {"url": f"http://127.0.0.1:{port}", "token": TOKEN})()
    with BotThread(unreachable, echo, run):
        api = BotApi(port=port)
        api.write("hi")
        api.wait(api.texts)
        api.close()


def test_a_lasting_conflict_is_an_error(api: BotApi, bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "CONFLICT_TIMEOUT", 2.0)
    api.fault = lambda call: Fault(status=409) if call.method == "getUpdates" else None
    running = bot()
    with pytest.raises(StageError, match="another program is receiving this bot's updates"), running:
        running.join()

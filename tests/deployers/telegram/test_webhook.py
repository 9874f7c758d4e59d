"""The bot with a webhook: Telegram calls the bot's HTTP server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Secret, UserError
from tests.deployers.telegram.support.bot_api import BotApi, Fault
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def webhook_at(port: int) -> dict[str, Any]:
    """Returns the options for a webhook on a local port."""
    return {"webhook_url": f"http://127.0.0.1:{port}/bots/person", "webhook_port": port}


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_updates_arrive_by_webhook_in_order(api: BotApi, bot: MakeBot, port: int) -> None:
    for number in range(5):
        api.write(str(number))
    with bot(**webhook_at(port), separate_lines=False, settle=0.3):
        api.wait(api.texts)
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: 0\n1\n2\n3\n4", "neutral: hi"]
    assert "getUpdates" not in api.methods()
    assert api.webhook["allowed_updates"] == ["message"]
    assert api.webhook["max_connections"] == "1", "parallel requests could reorder the messages of a user"


def test_requests_without_the_secret_are_rejected(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port))
        forged = api.message(text="forged") | {"update_id": 7}
        assert api.push(forged, None) == 403
        assert api.push(forged, "guess") == 403
        assert len(api.webhook["secret_token"]) >= 32
        api.write("hi")
        api.wait(api.texts)
    assert api.texts() == ["neutral: hi"]


def test_the_secret_can_be_chosen(api: BotApi, bot: MakeBot, port: int, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("chosen_secret\n")
    with bot(**webhook_at(port), webhook_secret=Secret(file=file)):
        api.wait(lambda: api.webhook)
    assert api.webhook["secret_token"] == "chosen_secret"


@pytest.mark.parametrize("secret", ["two words", "ключ", "x" * 257])
def test_a_secret_that_telegram_does_not_accept_is_an_error(
    bot: MakeBot, port: int, tmp_path: Path, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(secret, "utf-8")
    running = bot(**webhook_at(port), webhook_secret=Secret(file=file))
    with pytest.raises(UserError, match="webhook_secret: Telegram accepts only letters") as caught, running:
        running.join()
    assert secret not in str(caught.value)


def test_an_update_that_is_sent_twice_gets_one_reply(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port))
        update = api.message(text="hi") | {"update_id": 7}
        assert [api.push(update, api.webhook["secret_token"]) for _ in range(2)] == [200, 200]
        api.write("next")
        api.wait(lambda: "next" in str(api.texts()))
    assert str(api.texts()).count("hi") == 1


def test_setting_the_webhook_is_retried(api: BotApi, bot: MakeBot, port: int) -> None:
    faults = iter([Fault(status=502), Fault()])
    api.fault = lambda call: next(faults, None) if call.method == "setWebhook" else None
    with bot(**webhook_at(port)):
        api.write("hi")
        api.wait(api.texts)


def test_polling_removes_the_webhook_of_an_earlier_run(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: api.webhook)
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert not api.webhook


def test_a_port_in_use_is_an_error(api: BotApi, bot: MakeBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_server:
        running = bot(**webhook_at(other_server.getsockname()[1]))
        with pytest.raises(UserError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"), running:
            running.join()
    assert "setWebhook" not in api.methods()

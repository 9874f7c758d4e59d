"""The bot with a webhook: Telegram calls it, instead of being asked."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from autocakechat import Secret, UserError
from tests.deployers.telegram.support.bot_api import BotApi, Fault
from tests.deployers.telegram.support.running import RunningBot

MakeBot = Callable[..., RunningBot]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def at(port: int) -> dict[str, object]:
    return {"webhook_url": f"http://127.0.0.1:{port}/bots/person", "webhook_port": port}


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_messages_come_by_webhook_and_in_order(api: BotApi, bot: MakeBot, port: int) -> None:
    for number in range(5):
        api.write(str(number))
    with bot(**at(port), separate_lines=False, settle=0.3):
        api.wait(api.texts)
        api.write("hi")
        api.wait(lambda: len(api.texts()) == 2)
    assert api.texts() == ["neutral: 0\n1\n2\n3\n4", "neutral: hi"]
    assert "getUpdates" not in api.methods()
    assert api.webhook["allowed_updates"] == ["message"]
    assert api.webhook["max_connections"] == "1", "what one person writes could overtake itself"


def test_only_who_knows_the_secret_is_heard(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**at(port)):
        api.wait(lambda: listens(port))
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
    with bot(**at(port), webhook_secret=Secret(file=file)):
        api.wait(lambda: api.webhook)
    assert api.webhook["secret_token"] == "chosen_secret"


@pytest.mark.parametrize("secret", ["two words", "ключ", "x" * 257])
def test_a_secret_that_telegram_would_not_take_is_one_line(
    bot: MakeBot, port: int, tmp_path: Path, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(secret, "utf-8")
    running = bot(**at(port), webhook_secret=Secret(file=file))
    with pytest.raises(UserError, match="webhook_secret: Telegram takes only letters") as caught, running:
        running.join()
    assert secret not in str(caught.value)


def test_an_update_that_comes_twice_is_answered_once(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**at(port)):
        api.wait(lambda: listens(port))
        update = api.message(text="hi") | {"update_id": 7}
        assert [api.push(update, api.webhook["secret_token"]) for _ in range(2)] == [200, 200]
        api.write("next")
        api.wait(lambda: "next" in str(api.texts()))
    assert str(api.texts()).count("hi") == 1


def test_a_webhook_that_cannot_be_set_at_once_is_set_later(api: BotApi, bot: MakeBot, port: int) -> None:
    faults = iter([Fault(status=502), Fault()])
    api.fault = lambda call: next(faults, None) if call.method == "setWebhook" else None
    with bot(**at(port)):
        api.write("hi")
        api.wait(api.texts)


def test_going_back_to_polling_removes_the_webhook(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**at(port)):
        api.wait(lambda: api.webhook)
    with bot():
        api.write("hi")
        api.wait(api.texts)
    assert not api.webhook


def test_a_port_in_use_is_one_clear_line(api: BotApi, bot: MakeBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = bot(**at(taken.getsockname()[1]))
        with pytest.raises(UserError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"), running:
            running.join()
    assert "setWebhook" not in api.methods()

"""The bot with a webhook: Telegram calls the bot's HTTP server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext, Secret, UserError
from autocakechat.plugins.deployers.telegram.receiving import webhook_server
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
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
        api.wait(lambda: is_listening(port) and api.webhook)
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
        api.wait(lambda: is_listening(port) and api.webhook)
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


def request(port: int, head: str, body: bytes = b"") -> socket.socket:
    """Sends a request to the webhook, perhaps an incomplete one."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"POST /bots/person HTTP/1.1\r\nHost: localhost\r\n{head}".encode() + body)
    return connection


def status(connection: socket.socket) -> int:
    """Returns the status of a response; 0 if the connection is closed without one."""
    with connection, contextlib.suppress(ConnectionError):
        response = connection.recv(4096).decode()
        return int(response.split()[1]) if response else 0
    return 0


@pytest.mark.parametrize("secret", ["", "X-Telegram-Bot-Api-Secret-Token: guess\r\n"])
def test_a_body_is_not_read_before_the_secret_is_checked(api: BotApi, bot: MakeBot, port: int, secret: str) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port) and api.webhook)
        head = f"{secret}Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
        assert status(request(port, head)) == 403


def test_a_body_of_more_than_a_megabyte_is_rejected(api: BotApi, bot: MakeBot, port: int) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port) and api.webhook)
        secret = f"X-Telegram-Bot-Api-Secret-Token: {api.webhook['secret_token']}\r\n"
        assert status(request(port, f"{secret}Content-Length: 1100000\r\n\r\n")) in (0, 400, 413)
        api.write("hi")
        api.wait(api.texts)


def test_slow_requests_and_many_connections_do_not_block_telegram(
    api: BotApi, bot: MakeBot, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_server, "REQUEST_SECONDS", 0.5)
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port) and api.webhook)
        secret = f"X-Telegram-Bot-Api-Secret-Token: {api.webhook['secret_token']}\r\n"
        slow_head = request(port, "X: ")
        slow_body = request(port, f"{secret}Content-Length: 100\r\n\r\n")
        assert status(slow_head) == 0
        assert status(slow_body) == 0
        monkeypatch.setattr(webhook_server, "MAX_CONNECTIONS", 3)
        connections = [request(port, "X: ") for _ in range(10)]
        assert [status(connection) for connection in connections] == [0] * 10
        api.write("hi")
        api.wait(api.texts)


UNPARSABLE: list[dict[str, Any]] = [{"message": "text"}, {"message": {"message_id": 1}}, {"message": [1]}]


@pytest.mark.parametrize("by_webhook", [True, False], ids=["webhook", "polling"])
@pytest.mark.parametrize("update", UNPARSABLE, ids=str)
def test_an_update_that_cannot_be_parsed_is_stored_logged_and_not_sent_again(
    api: BotApi,
    bot: MakeBot,
    port: int,
    run: RunContext,
    caplog: pytest.LogCaptureFixture,
    by_webhook: bool,
    update: dict[str, Any],
) -> None:
    update_id = api.post(update)
    with bot(**webhook_at(port) if by_webhook else {}):
        api.write("hi")
        api.wait(api.texts)
        api.wait(lambda: not api.pending)
    assert api.texts() == ["neutral: hi"]
    assert caplog.text.count(f"update skipped update={update_id} reason=") == 1
    with closing(ConversationStore(run.state / "bot-4242.sqlite3")) as store:
        assert not store.record_update(update_id)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"update_id": "7"}', b'{"update_id": 1' + 30 * b"0" + b"}", b"[" * 90_000, b"\xff"],
    ids=lambda body: str(body[:20]),
)
def test_a_body_that_is_no_update_is_rejected(api: BotApi, bot: MakeBot, port: int, body: bytes) -> None:
    with bot(**webhook_at(port)):
        api.wait(lambda: is_listening(port) and api.webhook)
        secret = f"X-Telegram-Bot-Api-Secret-Token: {api.webhook['secret_token']}\r\n"
        assert status(request(port, f"{secret}Content-Length: {len(body)}\r\n\r\n", body)) == 400
        api.write("hi")
        api.wait(api.texts)

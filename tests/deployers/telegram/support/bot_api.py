"""A fake Bot API server over HTTP on loopback, with injectable faults.

It follows the rules of the real one that bots depend on: an update is pending until `getUpdates` asks for a higher
offset, a second `getUpdates` ends the first with 409, messages that are empty, too long or to a user who blocked the
bot are rejected.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

TOKEN = "4242:AAE-the_token_of_the_tests_0123456789"
NAME = "PersonBot"
_JSON_PARAMETERS = {"allowed_updates", "commands", "reply_parameters", "link_preview_options"}


@dataclass(frozen=True)
class Fault:
    """A fault of a call.

    Attributes:
        status: HTTP status of the response; 0 drops the connection without a response. 200 needs `takes_effect`.
        retry_after: The `retry_after` of a 429, in seconds.
        takes_effect: Whether the call is carried out nevertheless.
        cut: Whether the connection breaks in the middle of the response.
        delay: Seconds before the response.
    """

    status: int = 0
    retry_after: Any = 0
    takes_effect: bool = False
    cut: bool = False
    delay: float = 0.0


@dataclass
class Call:
    """A received call."""

    method: str
    params: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    fault: Fault | None = None


class RejectedError(Exception):
    def __init__(self, status: int, description: str, **parameters: int) -> None:
        self.status, self.description, self.parameters = status, description, parameters


class BotApi:
    """The server: `write` sends a message to the bot, `sent` has its messages, `fault` injects faults into calls."""

    def __init__(self, token: str = TOKEN, port: int = 0) -> None:
        self.token = token
        self.calls: list[Call] = []
        self.sent: list[dict[str, Any]] = []
        self.pending: list[dict[str, Any]] = []
        self.blocked: set[int] = set()
        self.migrated: dict[int, int] = {}
        self.menu: list[dict[str, str]] = []
        self.webhook: dict[str, Any] = {}
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        self.mangle: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda updates: updates
        self._last_update = 1000
        self._last_message = 0
        self._poll = 0
        self.conflicts = 0
        self._changed = threading.Condition()
        self._open = True
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # -- methods for tests --------------------------------------------------------------------------------------------

    def write(self, text: str, chat: int = 1, user: int | None = None, **fields: Any) -> int:
        """Sends a text to the bot; returns the id of the update. Negative chat ids are groups."""
        return self.post(self.message(chat, user, text=text, **fields))

    def message(self, chat: int = 1, user: int | None = None, **fields: Any) -> dict[str, Any]:
        """Returns an update with a message of any content."""
        user = chat if user is None else user
        sender = {"id": user, "is_bot": False, "first_name": f"Name {user}", "username": f"user{user}"}
        chat_object = {"id": chat, "type": "private", "first_name": f"Name {user}"}
        if chat < 0:
            chat_object = {"id": chat, "type": "supergroup", "title": f"Group {chat}"}
        with self._changed:
            self._last_message += 1
            message = {"message_id": self._last_message, "date": int(time.time()), "chat": chat_object, "from": sender}
        text = fields.get("text", "")
        if text.startswith("/"):
            entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
            fields.setdefault("entities", [entity])
        return {"message": message | fields}

    def post(self, update: dict[str, Any]) -> int:
        """Makes an update of any kind available to the bot; returns its id."""
        with self._changed:
            self._last_update += 1
            self.pending.append({"update_id": self._last_update} | update)
            self._changed.notify_all()
            return self._last_update

    def push(self, update: dict[str, Any], secret: str | None) -> int:
        """Calls the bot's webhook once; returns the HTTP status, 0 if the webhook is unreachable."""
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        request = Request(self.webhook["url"], json.dumps(update).encode(), headers)
        try:
            with urlopen(request, timeout=10) as response:
                return int(response.status)
        except HTTPError as error:
            error.close()
            return error.code
        except URLError:
            return 0

    def wait(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Waits until a condition holds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition():
                remaining = deadline - time.monotonic()
                assert remaining > 0, f"condition not met; sent: {self.sent[-5:]}, calls: {self.methods()[-10:]}"
                self._changed.wait(min(remaining, 0.1))

    def texts(self, chat: int = 1) -> list[str]:
        """Returns the texts that the bot sent to a chat, in order."""
        return [message["text"] for message in self.sent if message["chat"]["id"] == chat]

    def methods(self) -> list[str]:
        return [call.method for call in self.calls]

    # -- calls of the bot ---------------------------------------------------------------------------------------------

    def call(self, call: Call) -> Any:
        """Carries out a call.

        Raises:
            RejectedError: The Bot API rejects it.
        """
        with self._changed:
            handler = getattr(self, f"_on_{call.method}", None)
            if handler is None:
                raise RejectedError(404, "Not Found: method not found")
            result = handler(call.params)
            self._changed.notify_all()
            return result

    def record(self, call: Call) -> None:
        with self._changed:
            call.fault = self.fault(call)
            self.calls.append(call)
            self._changed.notify_all()

    def _on_getMe(self, params: dict[str, Any]) -> Any:  # noqa: N802
        return self._me()

    def _me(self) -> dict[str, Any]:
        return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Person", "username": NAME}

    def _on_getUpdates(self, params: dict[str, Any]) -> Any:  # noqa: N802
        if self.webhook:
            raise RejectedError(409, "Conflict: can't use getUpdates method while webhook is active")
        self._poll += 1
        poll = self._poll
        self._changed.notify_all()
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        if offset > 0:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]
        elif offset < 0:
            self.pending = self.pending[offset:]
        deadline = time.monotonic() + float(params.get("timeout", 0))
        while not self.pending and self._open and time.monotonic() < deadline and poll == self._poll:
            self._changed.wait(deadline - time.monotonic())
        if poll != self._poll:
            self.conflicts += 1
            raise RejectedError(409, "Conflict: terminated by other getUpdates request")
        return self.mangle(self.pending[:limit])

    def _on_sendMessage(self, params: dict[str, Any]) -> Any:  # noqa: N802
        chat, text = int(params["chat_id"]), params.get("text", "")
        if chat in self.blocked:
            raise RejectedError(403, "Forbidden: bot was blocked by the user")
        if chat in self.migrated:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise RejectedError(400, description, migrate_to_chat_id=self.migrated[chat])
        if not text.strip():
            raise RejectedError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            raise RejectedError(400, "Bad Request: message is too long")
        self._last_message += 1
        chat_object = {"id": chat, "type": "private" if chat > 0 else "supergroup", "first_name": "Name"}
        message = {"message_id": self._last_message, "date": int(time.time()), "chat": chat_object, "from": self._me()}
        self.sent.append(message | {"text": text, "params": params, "at": time.monotonic()})
        return message | {"text": text}

    def _on_sendChatAction(self, params: dict[str, Any]) -> Any:  # noqa: N802
        return True

    def _on_setMyCommands(self, params: dict[str, Any]) -> Any:  # noqa: N802
        self.menu = params["commands"]
        return True

    def _on_setWebhook(self, params: dict[str, Any]) -> Any:  # noqa: N802
        self.webhook = params
        threading.Thread(target=self._call_webhook, args=(params,), daemon=True).start()
        return True

    def _call_webhook(self, webhook: dict[str, Any]) -> None:
        """Calls the bot's webhook with each update until the webhook returns 200."""
        while self._open and self.webhook is webhook:
            if not self.pending or self.push(self.pending[0], webhook["secret_token"]) != 200:
                time.sleep(0.05)
            else:
                with self._changed:
                    del self.pending[0]
                    self._changed.notify_all()

    def _on_deleteWebhook(self, params: dict[str, Any]) -> Any:  # noqa: N802
        self.webhook = {}
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores broken connections: a killed bot leaves them behind."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: BotApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        token, _, method = path.removeprefix("/bot").partition("/")
        if token != self.api.token:
            self._send(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
            return
        call = Call(method, _parameters(body) | _parameters(query.encode()))
        self.api.record(call)
        self._carry_out(call, call.fault)

    def _carry_out(self, call: Call, fault: Fault | None) -> None:
        if fault is None:
            self._send(*self._result(call))
            return
        time.sleep(fault.delay)
        result = self._result(call) if fault.takes_effect else None
        if fault.status == 0:
            self.close_connection = True
        elif fault.status == 200 and result:
            self._send(*result, cut=fault.cut)
        else:
            parameters = {"parameters": {"retry_after": fault.retry_after}} if fault.retry_after else {}
            error = {"ok": False, "error_code": fault.status, "description": "injected fault"} | parameters
            self._send(fault.status, error, cut=fault.cut)

    def _result(self, call: Call) -> tuple[int, dict[str, Any]]:
        try:
            return 200, {"ok": True, "result": self.api.call(call)}
        except RejectedError as rejection:
            response: dict[str, Any] = {
                "ok": False,
                "error_code": rejection.status,
                "description": rejection.description,
            }
            if rejection.parameters:
                response["parameters"] = rejection.parameters
            return rejection.status, response

    def _send(self, status: int, response: dict[str, Any], cut: bool = False) -> None:
        payload = json.dumps(response).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if cut else payload)
        self.wfile.flush()
        if cut:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def _parameters(form: bytes) -> dict[str, Any]:
    fields = parse_qs(form.decode(), keep_blank_values=True)
    return {name: json.loads(value) if name in _JSON_PARAMETERS else value for name, (value, *_) in fields.items()}

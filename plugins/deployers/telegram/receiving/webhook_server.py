"""The HTTP server of the webhook. Strangers can reach it, so a request without the secret costs next to nothing."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import sqlite3
from collections import Counter
from http import HTTPStatus
from typing import Any

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from autocakechat.plugins.deployers.telegram.bot_api.parsing import parse_update
from autocakechat.plugins.deployers.telegram.receiving.update_handler import UpdateHandler

MAX_BODY_BYTES = 1024 * 1024
"""Maximum size of a request. Telegram's updates have a few kilobytes."""

MAX_CONNECTIONS = 20
"""Maximum number of connections of one address. Telegram uses one, but a reverse proxy connects for all clients."""

REQUEST_SECONDS = 10.0
"""Seconds that the head of a request may take, and its body."""

_MAX_HEAD_BYTES = 16 * 1024


def make_server(
    path: str, secret: str, update_handler: UpdateHandler, failure: asyncio.Future[sqlite3.Error]
) -> HTTPServer:
    """Makes the server.

    Args:
        path: Path of the webhook's URL.
        secret: The secret that Telegram sends with each request.
        update_handler: Stores the updates.
        failure: Gets the error if an update cannot be stored.
    """
    arguments = {"secret": secret, "update_handler": update_handler, "failure": failure}
    application = Application([(rf"{re.escape(path)}/?", _UpdateRequest, arguments)], log_function=lambda handler: None)
    return _LimitedServer(
        application,
        idle_connection_timeout=REQUEST_SECONDS,
        body_timeout=REQUEST_SECONDS,
        max_header_size=_MAX_HEAD_BYTES,
        max_body_size=MAX_BODY_BYTES,
    )


class _LimitedServer(HTTPServer):
    """A server that closes new connections of an address that has many."""

    def initialize(self, *args: Any, **options: Any) -> None:
        super().initialize(*args, **options)
        self._open: Counter[str] = Counter()

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        if self._open[address[0]] >= MAX_CONNECTIONS:
            stream.close()
            return
        self._open[address[0]] += 1
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        assert isinstance(server_conn, HTTP1ServerConnection)
        host = server_conn.context.address[0]  # type: ignore[attr-defined]
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]
        super().on_close(server_conn)


@stream_request_body
class _UpdateRequest(RequestHandler):
    """One request. The body is read only if the head has the secret."""

    SUPPORTED_METHODS = ("POST",)

    def initialize(self, secret: str, update_handler: UpdateHandler, failure: asyncio.Future[sqlite3.Error]) -> None:
        self._secret = secret
        self._update_handler = update_handler
        self._failure = failure
        self._body = bytearray()

    def prepare(self) -> None:
        secret = self.request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret.encode()):
            raise HTTPError(HTTPStatus.FORBIDDEN)

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    def post(self) -> None:
        try:
            update = parse_update(json.loads(self._body))
        except (ValueError, RecursionError):
            raise HTTPError(HTTPStatus.BAD_REQUEST) from None
        try:
            self._update_handler.store_updates([update])
        except sqlite3.Error as error:
            if not self._failure.done():
                self._failure.set_result(error)
            raise HTTPError(HTTPStatus.SERVICE_UNAVAILABLE) from None

    def write_error(self, status_code: int, **_: Any) -> None:
        self.finish()

"""Clients that have not sent a request cannot block the server, and no request makes it fail."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

CAKECHAT = "/cakechat_api/v1/actions/get_response"
COMPLETIONS = "/v1/chat/completions"
HEAD = f"POST {CAKECHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

Serve = Callable[..., AbstractContextManager[Any]]


def connect(server: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def receive(connection: socket.socket) -> int:
    """Receives a response; returns its status."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def trickle(connection: socket.socket, start: str, rest: str) -> bytes:
    """Sends a request byte by byte until the server responds or closes the connection; returns the response."""
    connection.sendall(start.encode())
    connection.settimeout(0.1)
    for byte in rest.encode():
        with contextlib.suppress(TimeoutError):
            return connection.recv(4096)
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return b""
    raise AssertionError("the server waited for the whole request")


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(20)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("first", ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_head_that_comes_too_slowly_ends_the_connection(first: str, odd_server: Any) -> None:
    with connect(odd_server) as connection:
        if first:
            connection.sendall(first.encode())
            assert receive(connection) == 200
        assert trickle(connection, "GET / HTTP/1.1\r\nX: ", 600 * "x").startswith(b"HTTP/1.1 408 ")
        assert is_closed(connection)


def test_a_connection_without_a_request_is_closed(odd_server: Any) -> None:
    with connect(odd_server) as connection:
        assert is_closed(connection)


@pytest.mark.parametrize("length", ["Content-Length: 2000", "Transfer-Encoding: chunked"])
def test_a_body_that_comes_too_slowly_is_rejected(length: str, odd_server: Any) -> None:
    rest = "".join("1\r\n \r\n" for _ in range(300)) if "chunked" in length else 2000 * " "
    with connect(odd_server) as connection:
        assert trickle(connection, f"{HEAD}{length}\r\n\r\n", rest).startswith(b"HTTP/1.1 408 ")


def test_a_body_after_a_rejection_is_not_read_for_long(odd_server: Any) -> None:
    with connect(odd_server) as connection:
        connection.sendall(b"POST /v1/models HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 200000\r\n\r\n")
        assert receive(connection) == 421
        connection.settimeout(0.1)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(200):
                connection.sendall(b" ")
                time.sleep(0.05)


def test_a_slow_client_that_is_in_time_gets_its_reply(odd_server: Any) -> None:
    """More requests on one connection, together slower than one may be."""
    body = json.dumps({"context": ["hi"]})
    with connect(odd_server) as connection:
        for _ in range(4):
            connection.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode())
            time.sleep(0.4)
            connection.sendall(body.encode())
            assert receive(connection) == 200


def test_one_address_cannot_take_all_connections(serve: Serve) -> None:
    with serve(connections_per_address=5) as server, ExitStack() as stack:
        open_connections = [stack.enter_context(connect(server)) for _ in range(5)]
        for connection in open_connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert receive(connection) == 200
        with connect(server) as one_too_many:
            assert is_closed(one_too_many)
        open_connections[0].close()
        server.process.wait_for(lambda: is_served(server))


def is_served(server: Any) -> bool:
    try:
        return bool(server.get("/healthz").status == 200)
    except OSError:
        return False


HALF = "\\ud83d"
BODIES = [
    f'{{"context": ["{HALF}"], "emotion": "{HALF}"}}',
    f'{{"context": ["{HALF}"], "{HALF}": 1}}',
    f'{{"model": "{HALF}", "messages": [{{"role": "user", "content": "x"}}]}}',
    f'{{"messages": [{{"role": "{HALF}", "content": "x"}}]}}',
    f'{{"messages": [{{"role": "user", "content": "{HALF}"}}], "stream": true}}',
    f'{{"messages": [{{"role": "user", "content": "{HALF}"}}]}}',
    '{"context": ["half a character"]}',
    '{"messages": [{"role": "user", "content": "half a character"}]}',
    '{"messages": [{"role": "user", "content": "half a character"}], "stream": true}',
    '{"context": [1e999], "emotion": NaN}',
    '{"context": ["x"], "emotion": ' + 5000 * "9" + "}",
    "[" * 100_000,
    "{" * 100_000,
    "null",
    "\x00",
]


@pytest.mark.parametrize("path", [CAKECHAT, COMPLETIONS])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_no_body_makes_the_server_fail(body: str, path: str, odd_server: Any) -> None:
    response = odd_server.post(path, body.encode(), Content_Type="application/json")
    assert response.status in (200, 400, 404)
    assert response.body
    assert "Traceback" not in odd_server.process.stderr


@pytest.mark.parametrize("path", ["/v1/models/%ED%A0%80", "/%00", "/v1/models/" + 3000 * "x", "//", "/%", "*"])
def test_no_path_makes_the_server_fail(path: str, odd_server: Any) -> None:
    assert 400 <= odd_server.get(path).status < 500
    assert "Traceback" not in odd_server.process.stderr

"""Limits what a client can occupy before it has sent a request: connections, and the time that a request may take."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""Seconds that a client has to send the head of a request."""

BODY_SECONDS = 30.0
"""Seconds that a client has to send the body of a request."""

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def make_protocol(per_address: int) -> type[H11Protocol]:
    """Makes the protocol of the server's connections.

    Args:
        per_address: Maximum number of connections of one address; further ones are closed.
    """

    class LimitedProtocol(_LimitedProtocol):
        max_connections = per_address

    return LimitedProtocol


class _LimitedProtocol(H11Protocol):
    """Uvicorn's protocol with limits."""

    max_connections: int
    _timer: asyncio.TimerHandle | None = None
    _timed: tuple[Any, Any] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if sum(_address(connection) == _address(self) for connection in self.connections) > self.max_connections:
            transport.abort()
            return
        self._limit_time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _limit_time(self) -> None:
        """Starts the time for the head or the body when it begins, and stops it when the request is complete."""
        timed = (self.conn.their_state, self.cycle)
        if timed == self._timed:
            return
        self._timed = timed
        self._stop_timer()
        if self.conn.their_state is h11.IDLE:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._reject_slow_head)
        elif self.conn.their_state is h11.SEND_BODY:
            # The application responds after `BODY_SECONDS`. This also ends a body that follows a response.
            self._timer = self.loop.call_later(BODY_SECONDS + 1, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reject_slow_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()


def _address(connection: Any) -> str | None:
    return connection.client[0] if connection.client else None

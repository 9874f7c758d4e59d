"""Starts and stops the HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from autocakechat import RunContext, TrainedModel, UserError
from autocakechat_http import Options
from autocakechat_http.app import make_app
from autocakechat_http.bot import Bot
from autocakechat_http.connections import make_protocol
from autocakechat_http.guard import AccessRules
from autocakechat_http.monitoring import RequestStatistics
from autocakechat_http.reply_queue import ReplyQueue

# Requests that wait for the model when the server stops get this long, then status 503. Connections that are still
# open after the second time are cut.
_REPLY_TIMEOUT = 5
_SHUTDOWN_TIMEOUT = 7
_MAX_CONNECTIONS = 1000
_ANY_ADDRESS = ("0.0.0.0", "::")


def serve(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        options: The deployer's options.
        model: The model that replies.
        run: The run's log.

    Raises:
        UserError: Other machines could use the server without a key, or the port is not available.
    """
    key = options.api_key.reveal() if options.api_key else None
    if key is None and not _is_loopback(options.host):
        raise UserError(
            f"host {options.host!r} is reachable from other machines, and there is no api_key",
            'add api_key = { env = "BOT_API_KEY" } to [deployer], or listen on 127.0.0.1',
        )
    with contextlib.closing(_listen(options.host, options.port)) as listener:
        queue = ReplyQueue(model.load(), options.batch, options.queue, run.log)
        rules = AccessRules(
            {host.lower() for host in options.hosts},
            {origin.lower() for origin in options.origins},
            key,
            options.body_limit,
        )
        bot = Bot(options.name, model.person, model.path.name)
        statistics = RequestStatistics()
        app = make_app(options, bot, queue, statistics, rules, run.log)
        greeting = _greeting(options, listener.getsockname()[1])
        service = _Service(app, queue, statistics, options.connections_per_address, run.log)
        asyncio.run(service.run(listener, greeting))


def _greeting(options: Options, port: int) -> str:
    """Says where the server listens, and what a user on this machine opens."""
    address = _url(options.host, port)
    local = _url("localhost", port) if options.host in _ANY_ADDRESS else address
    use = f"open {local} in a browser to chat" if options.page else f"the API is at {local}/v1"
    return f"listening on {address}; {use}; Ctrl-C stops the server"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Service:
    """The HTTP server and the queue of the model.

    Args:
        app: The web application.
        queue: The queue of requests to the model.
        statistics: The requests so far.
        connections_per_address: Maximum number of connections of one address.
        log: Receives a line when the server starts and one when it stops.
    """

    def __init__(
        self,
        app: ASGIApp,
        queue: ReplyQueue,
        statistics: RequestStatistics,
        connections_per_address: int,
        log: logging.Logger,
    ) -> None:
        self._queue = queue
        self._statistics = statistics
        self._log = log
        self._server = _Server(
            uvicorn.Config(
                app,
                http=make_protocol(connections_per_address),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
            )
        )

    async def run(self, listener: socket.socket, greeting: str) -> None:
        """Serves until SIGINT or SIGTERM.

        Args:
            listener: The socket that listens.
            greeting: The line to log when signals are handled.
        """
        self._queue.start()
        with self._stop_on_signals():
            self._log.info("%s", greeting)
            await self._server.serve(sockets=[listener])
        await self._queue.stop()

    @contextlib.contextmanager
    def _stop_on_signals(self) -> Iterator[None]:
        """Stops gracefully on the first SIGINT or SIGTERM, and rejects the requests in progress on the second."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self._server.should_exit:
            self._server.force_exit = True
            self._queue.abandon()
            return
        self._server.should_exit = True
        in_progress = self._statistics.in_progress
        if in_progress:
            self._log.info("stopping; requests in progress: %d; Ctrl-C again rejects them", in_progress)
            asyncio.get_running_loop().call_later(_REPLY_TIMEOUT, self._queue.abandon)
        else:
            self._log.info("stopped")


class _Server(uvicorn.Server):
    """A server that does not handle signals: uvicorn's own handling raises them again after it has stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]  # Python adds the address, which is already named
        raise UserError(
            f"cannot listen on {host}:{port}: {reason}", "choose another host or port in [deployer]"
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

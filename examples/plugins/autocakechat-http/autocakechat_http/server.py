"""Starts and stops the HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from autocakechat import RunContext, TrainedModel, UserError
from autocakechat_http import Options, cakechat_api, openai_api
from autocakechat_http.guard import AccessRules, BodyTooLargeError, Guard, body_too_large_response, error_response
from autocakechat_http.reply_queue import ModelFailedError, QueueFullError, ReplyQueue
from autocakechat_http.request_parsing import InvalidRequestError

_PAGE_FOLDER = Path(__file__).parent / "page"
_PAGE_FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
_SHUTDOWN_TIMEOUT = 5
_RETRY_AFTER_SECONDS = 2
_MAX_CONNECTIONS = 1000


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
        rules = AccessRules({host.lower() for host in options.hosts}, set(options.origins), key, options.body_limit)
        app = make_app(options, queue, rules)
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listener.getsockname()[1]}"
        run.log.info("listening on %s%s; Ctrl-C stops it", address, " (with a chat page)" if options.page else "")
        asyncio.run(_serve_until_signal(app, queue, listener))


def make_app(options: Options, queue: ReplyQueue, rules: AccessRules) -> ASGIApp:
    """Makes the application: the APIs and the page, behind the guard."""
    routes = [
        *cakechat_api.make_routes(queue, options.line_limit),
        *openai_api.make_routes(queue, options.name, options.line_limit),
        *(_page_route(path, name) for path, name in _PAGE_FILES.items() if options.page),
    ]
    handlers = {
        InvalidRequestError: _handle_invalid_request,
        BodyTooLargeError: _handle_body_too_large,
        ClientDisconnect: _handle_disconnect,
        QueueFullError: _handle_queue_full,
        ModelFailedError: _handle_model_failed,
        HTTPException: _handle_http_exception,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), rules)  # type: ignore[arg-type]


def _page_route(path: str, name: str) -> Route:
    async def send_file(http: HttpRequest) -> Response:
        return FileResponse(_PAGE_FOLDER / name)

    return Route(path, send_file, methods=["GET"])


async def _handle_invalid_request(http: HttpRequest, error: InvalidRequestError) -> Response:
    return error.response


async def _handle_body_too_large(http: HttpRequest, error: BodyTooLargeError) -> Response:
    return body_too_large_response(error.limit)


async def _handle_disconnect(http: HttpRequest, error: ClientDisconnect) -> Response:
    return error_response(400, "the client disconnected")


async def _handle_queue_full(http: HttpRequest, error: QueueFullError) -> Response:
    response = error_response(503, "too many conversations are waiting; try again later", "busy")
    response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return response


async def _handle_model_failed(http: HttpRequest, error: ModelFailedError) -> Response:
    return error_response(500, "the model failed")


async def _handle_http_exception(http: HttpRequest, error: HTTPException) -> Response:
    return error_response(error.status_code, error.detail)


async def _serve_until_signal(app: ASGIApp, queue: ReplyQueue, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
    )
    server = _Server(config)
    queue_task = asyncio.create_task(queue.run())
    with _stop_on_signals(server):
        await server.serve(sockets=[listener])
    queue_task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await queue_task


class _Server(uvicorn.Server):
    """A server that does not handle signals: uvicorn's own handling raises them again after it has stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _stop_on_signals(server: uvicorn.Server) -> Iterator[None]:
    """Stops a server gracefully on the first SIGINT or SIGTERM, and at once on the second."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}:{port}: {error.strerror}", "choose another host or port in [deployer]"
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Starts the server and stops it when it is told to."""

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
from autocakechat_http.answering import Answering, BusyError, FailedError
from autocakechat_http.form import FormError
from autocakechat_http.guard import Guard, Rules, TooLargeError, refusal, too_large

_PAGE = Path(__file__).parent / "page"
_PAGE_FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
_SECONDS_TO_FINISH = 5
_CONNECTIONS = 1000


def serve(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises:
        UserError: It would be open to others without a key, or nothing can listen there.
    """
    key = options.api_key.reveal() if options.api_key else None
    if key is None and not _is_loopback(options.host):
        raise UserError(
            f"host {options.host!r} can be reached by others, and there is no api_key",
            'add api_key = { env = "BOT_API_KEY" } to [deployer], or listen on 127.0.0.1',
        )
    with contextlib.closing(_listen(options.host, options.port)) as listening:
        responder = model.load()
        answering = Answering(responder, options.batch, options.queue, run.log)
        rules = Rules({host.lower() for host in options.hosts}, set(options.origins), key, options.body_limit)
        app = make_app(options, answering, rules)
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listening.getsockname()[1]}"
        run.log.info("listening on %s%s; Ctrl-C ends it", address, " (a page to chat in)" if options.page else "")
        asyncio.run(_until_told(app, answering, listening))


def make_app(options: Options, answering: Answering, rules: Rules) -> ASGIApp:
    """Makes the application: the APIs and the page, behind the guard."""
    routes = [
        *cakechat_api.routes(answering, options.line_limit),
        *openai_api.routes(answering, options.name, options.line_limit),
        *(_page_route(path, name) for path, name in _PAGE_FILES.items() if options.page),
    ]
    handlers = {
        FormError: _misunderstood,
        TooLargeError: _too_large,
        ClientDisconnect: _hung_up,
        BusyError: _busy,
        FailedError: _failed,
        HTTPException: _other,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), rules)  # type: ignore[arg-type]


def _page_route(path: str, name: str) -> Route:
    async def show(http: HttpRequest) -> Response:
        return FileResponse(_PAGE / name)

    return Route(path, show, methods=["GET"])


async def _misunderstood(http: HttpRequest, error: FormError) -> Response:
    return error.answer


async def _too_large(http: HttpRequest, error: TooLargeError) -> Response:
    return too_large(error.limit)


async def _hung_up(http: HttpRequest, error: ClientDisconnect) -> Response:
    return refusal(400, "you hung up")


async def _busy(http: HttpRequest, error: BusyError) -> Response:
    answer = refusal(503, "too many conversations wait; come again", "busy")
    answer.headers["Retry-After"] = "2"
    return answer


async def _failed(http: HttpRequest, error: FailedError) -> Response:
    return refusal(500, "the model could not answer")


async def _other(http: HttpRequest, error: HTTPException) -> Response:
    return refusal(error.status_code, error.detail)


async def _until_told(app: ASGIApp, answering: Answering, listening: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    server = _Server(config)
    working = asyncio.create_task(answering.run())
    with _told_to_stop(server):
        await server.serve(sockets=[listening])
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


class _Server(uvicorn.Server):
    """A server that leaves signals to us: its own handling sends them on once more when it is done."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _told_to_stop(server: uvicorn.Server) -> Iterator[None]:
    """Has SIGINT and SIGTERM stop a server; once more, at once."""
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

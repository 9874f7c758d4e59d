"""Makes the web application: the APIs, the chat page, and the responses to errors."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from autocakechat_http import Options, cakechat_api, monitoring, openai_api
from autocakechat_http.bot import Bot
from autocakechat_http.guard import (
    AccessRules,
    BodyTooLargeError,
    BodyTooSlowError,
    Guard,
    body_too_large_response,
    error_response,
)
from autocakechat_http.monitoring import RequestMonitor, RequestStatistics
from autocakechat_http.reply_queue import ModelFailedError, QueueFullError, ReplyQueue, StoppedError
from autocakechat_http.request_parsing import InvalidRequestError

_PAGE_FOLDER = Path(__file__).parent / "page"
# The media types are fixed, because those of the operating system may be wrong, and browsers then refuse scripts.
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_RETRY_AFTER_SECONDS = 2
_HTTP_ERRORS = {
    404: f"unknown path; the APIs are POST {openai_api.COMPLETIONS_PATH} and POST {cakechat_api.PATH}",
    405: "wrong method for this path; the header Allow lists the right ones",
}


def make_app(
    options: Options,
    bot: Bot,
    queue: ReplyQueue,
    statistics: RequestStatistics,
    rules: AccessRules,
    log: logging.Logger,
) -> ASGIApp:
    """Makes the application: the APIs and the page behind the guard, and the monitor around them.

    Args:
        options: The deployer's options.
        bot: What the clients get to know about the bot.
        queue: Has the model reply.
        statistics: Counts the requests.
        rules: Who may use the server.
        log: Receives one line per request.
    """
    routes = [
        *cakechat_api.make_routes(queue, options.line_limit),
        *openai_api.make_routes(queue, bot, options.line_limit),
        *monitoring.make_routes(queue, statistics, options.hangs_after),
        *(map(_page_route, _page_files()) if options.page else ()),
    ]
    handlers = {
        InvalidRequestError: _handle_invalid_request,
        BodyTooLargeError: _handle_body_too_large,
        BodyTooSlowError: _handle_body_too_slow,
        ClientDisconnect: _handle_disconnect,
        QueueFullError: _handle_queue_full,
        ModelFailedError: _handle_model_failed,
        StoppedError: _handle_stopped,
        HTTPException: _handle_http_exception,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    return RequestMonitor(Guard(app, rules), routes, statistics, log)


def _page_files() -> list[Path]:
    return sorted(file for file in _PAGE_FOLDER.iterdir() if file.suffix in _MEDIA_TYPES)


def _page_route(file: Path) -> Route:
    async def send_file(http: HttpRequest) -> Response:
        return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix])

    return Route("/" if file.name == "index.html" else f"/{file.name}", send_file, methods=["GET"])


async def _handle_invalid_request(http: HttpRequest, error: InvalidRequestError) -> Response:
    return error.response


async def _handle_body_too_large(http: HttpRequest, error: BodyTooLargeError) -> Response:
    return body_too_large_response(error.limit)


async def _handle_body_too_slow(http: HttpRequest, error: BodyTooSlowError) -> Response:
    return error_response(408, "the body did not arrive in time")


async def _handle_disconnect(http: HttpRequest, error: ClientDisconnect) -> Response:
    return error_response(400, "the client disconnected")


async def _handle_queue_full(http: HttpRequest, error: QueueFullError) -> Response:
    response = error_response(503, "too many conversations are waiting; try again later", "busy")
    response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return response


async def _handle_model_failed(http: HttpRequest, error: ModelFailedError) -> Response:
    return error_response(500, "the model failed; the log of the server has the reason")


async def _handle_stopped(http: HttpRequest, error: StoppedError) -> Response:
    return error_response(503, "the server stops; try again later", "stopping")


async def _handle_http_exception(http: HttpRequest, error: HTTPException) -> Response:
    message = _HTTP_ERRORS.get(error.status_code, error.detail)
    response = error_response(error.status_code, message)
    response.headers.update(error.headers or {})
    return response

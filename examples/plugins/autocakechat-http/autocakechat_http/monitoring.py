"""What an operator sees: the request log, `/metrics` and `/healthz`.

Neither the log nor the metrics contain messages, replies or keys.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autocakechat_http.guard import METRICS_PATH, error_response
from autocakechat_http.reply_queue import ReplyQueue

HEALTH_PATH = "/healthz"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OTHER = "other"
_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_LOGGED_PATH_LENGTH = 100


class RequestStatistics:
    """Counts requests and their time, by method, path and status.

    Paths that are not a route count as one, so that clients cannot make the number of counters grow.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.by_path: Counter[str] = Counter()
        self.in_progress = 0

    def add(self, method: str, path: str, status: int, seconds: float) -> None:
        """Adds a request that has ended.

        Args:
            method: The HTTP method.
            path: The path of the route.
            status: The HTTP status.
            seconds: The time from the first byte of the request to the last byte of the response.
        """
        self.requests[method, path, status] += 1
        self.by_path[path] += 1
        self.seconds[path] += seconds


class RequestMonitor:
    """ASGI middleware that logs and counts every request.

    Args:
        app: The application that handles the requests.
        routes: The routes of the application, by which the requests are counted.
        statistics: Receives the requests.
        log: Receives one line per request: method, path, status and milliseconds.
    """

    def __init__(
        self, app: ASGIApp, routes: Iterable[Route], statistics: RequestStatistics, log: logging.Logger
    ) -> None:
        self._app = app
        self._routes = list(routes)
        self._statistics = statistics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        status = 500

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        self._statistics.in_progress += 1
        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            self._statistics.in_progress -= 1
            self._record(scope, status, time.perf_counter() - start)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        path = next((route.path for route in self._routes if route.matches(scope)[0] is not Match.NONE), _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self._statistics.add(method, path, status, seconds)
        # Probes come every few seconds and would hide the other requests.
        level = logging.DEBUG if path in (HEALTH_PATH, METRICS_PATH) else logging.INFO
        self._log.log(level, "%s %s %d %.0f ms", method, _printable_path(scope), status, 1000 * seconds)


def make_routes(queue: ReplyQueue, statistics: RequestStatistics, hangs_after: float) -> list[Route]:
    """Returns the routes `/healthz` and `/metrics`.

    Args:
        queue: The queue of requests to the model.
        statistics: The requests so far.
        hangs_after: Seconds after which a call of the model or a waiting request means that the model hangs.
    """

    async def get_health(http: HttpRequest) -> Response:
        if queue.stuck_seconds > hangs_after:
            return error_response(503, "the model does not reply", "unavailable")
        return JSONResponse({"status": "ok", "waiting": queue.waiting})

    async def get_metrics(http: HttpRequest) -> Response:
        return PlainTextResponse(_format_metrics(queue, statistics), media_type=_METRICS_TYPE)

    return [Route(HEALTH_PATH, get_health, methods=["GET"]), Route(METRICS_PATH, get_metrics, methods=["GET"])]


def _printable_path(scope: Scope) -> str:
    """Returns the path as the client sent it, which is percent-encoded: it cannot contain control characters."""
    path: str = scope["raw_path"].decode("ascii", "backslashreplace")
    return path if len(path) <= _LOGGED_PATH_LENGTH else f"{path[:_LOGGED_PATH_LENGTH]}..."


def _format_metrics(queue: ReplyQueue, statistics: RequestStatistics) -> str:
    """Writes the counters in the text format of Prometheus."""
    requests = [
        (f'{{method="{method}",path="{path}",status="{status}"}}', count)
        for (method, path, status), count in sorted(statistics.requests.items())
    ]
    times: list[tuple[str, float]] = []
    for path in sorted(statistics.by_path):
        times.append((f'_sum{{path="{path}"}}', statistics.seconds[path]))
        times.append((f'_count{{path="{path}"}}', statistics.by_path[path]))
    replies: list[tuple[str, float]] = [("_sum", queue.reply_seconds), ("_count", queue.replies)]
    lines = [
        *_metric("requests_total", "counter", "HTTP requests that have ended.", requests),
        *_metric("request_seconds", "summary", "Time from a request to the end of its response.", times),
        *_metric("reply_seconds", "summary", "Time that a reply of the model took, waiting included.", replies),
        *_metric("model_errors_total", "counter", "Requests for which the model failed.", [("", queue.errors)]),
        *_metric("waiting", "gauge", "Conversations that wait for the model.", [("", queue.waiting)]),
    ]
    return "\n".join([*lines, ""])


def _metric(name: str, kind: str, explanation: str, samples: Iterable[tuple[str, float]]) -> Iterable[str]:
    name = f"autocakechat_http_{name}"
    yield f"# HELP {name} {explanation}"
    yield f"# TYPE {name} {kind}"
    for suffix, value in samples:
        yield f"{name}{suffix} {value:.6g}" if isinstance(value, float) else f"{name}{suffix} {value}"

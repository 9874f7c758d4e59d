"""Checks every request before it reaches an API: host, origin, key, content type and size."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autocakechat_http.connections import BODY_SECONDS

_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
METRICS_PATH = "/metrics"
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_ERROR_TYPES = {401: "authentication_error", 429: "rate_limit_error", 503: "server_error", 500: "server_error"}


def error_response(status: int, message: str, code: str | None = None) -> JSONResponse:
    """Makes an error response in the format of both APIs.

    Args:
        status: HTTP status.
        message: What is wrong.
        code: Error code for programs.
    """
    error = {"message": message, "type": _ERROR_TYPES.get(status, "invalid_request_error"), "param": None, "code": code}
    return JSONResponse({"message": message, "error": error}, status)


@attrs.frozen
class AccessRules:
    """Who may use the server.

    Attributes:
        hosts: Allowed names in the Host header, besides localhost and IP addresses.
        origins: Allowed origins of other web pages.
        key: The key that clients of the APIs must send; None for no key.
        body_limit: Maximum size of a body in bytes.
    """

    hosts: Collection[str]
    origins: Collection[str]
    key: str | None
    body_limit: int


class BodyTooLargeError(Exception):
    """A body is too large.

    Args:
        limit: Maximum size in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class BodyTooSlowError(Exception):
    """A body did not arrive in time."""


def body_too_large_response(limit: int) -> JSONResponse:
    """Makes the response to a body that is too large."""
    return error_response(413, f"the body has more than {limit} bytes; the server's option `body_limit` may be raised")


class Guard:
    """ASGI middleware that rejects requests which violate the access rules, and adds security headers to all responses.

    Args:
        app: The application that gets the requests that are not rejected.
        rules: The rules.
    """

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), origin)
            await send(message)

        response = self._reject(scope, headers, origin) or self._preflight_response(scope, headers, origin)
        if response is not None:
            await response(scope, receive, send_with_headers)
        else:
            await self._app(scope, self._limit_body(receive), send_with_headers)

    def _add_headers(self, headers: MutableHeaders, origin: str | None) -> None:
        headers.update(_SECURITY_HEADERS)
        if origin is not None and origin in self._rules.origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Vary"] = "Origin"

    def _reject(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        """Returns an error response if a request violates the access rules."""
        host = headers.get("host", "")
        # DNS rebinding: a web page can point its own name to this machine, but the Host header then has that name.
        if not self._is_allowed_host(host):
            return error_response(421, "unknown host name; the server's option `hosts` must list it")
        if origin is not None and origin not in self._rules.origins and not _is_page_of(host, origin):
            return error_response(403, "this origin is not allowed; the server's option `origins` must list it")
        if scope["method"] == "OPTIONS":
            return None
        if ("/v1/" in scope["path"] or scope["path"] == METRICS_PATH) and not self._has_key(headers):
            return error_response(401, "a key is required: Authorization: Bearer KEY", "invalid_api_key")
        if scope["method"] == "POST":
            return self._reject_body(headers)
        return None

    def _reject_body(self, headers: Headers) -> Response | None:
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            return error_response(415, "the body must be JSON, with Content-Type: application/json")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._rules.body_limit:
            return body_too_large_response(self._rules.body_limit)
        return None

    def _is_allowed_host(self, host: str) -> bool:
        is_plain = not set(host) & set("/?#@\\ ")
        name = (_split(f"//{host}").hostname or "") if is_plain else ""
        if name == "localhost" or name in self._rules.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _has_key(self, headers: Headers) -> bool:
        if self._rules.key is None:
            return True
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), self._rules.key.encode())

    def _preflight_response(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        """Returns the response to a listed origin that asks what it may send; None for other requests.

        It may send any headers: clients send many that tell something about themselves, and the server ignores them.
        """
        if scope["method"] != "OPTIONS" or origin not in self._rules.origins:
            return None
        requested = headers.get("access-control-request-headers", "").replace(" ", "").split(",")
        allowed = ["Authorization", "Content-Type", *filter(_HEADER_NAME.fullmatch, requested)]
        preflight_headers = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": ", ".join({name.lower(): name for name in reversed(allowed)}.values()),
            "Access-Control-Max-Age": "600",
        }
        if headers.get("access-control-request-private-network") == "true":  # from a public page to this machine
            preflight_headers["Access-Control-Allow-Private-Network"] = "true"
        return Response(status_code=204, headers=preflight_headers)

    def _limit_body(self, receive: Receive) -> Receive:
        """Limits the bytes of a body, which may have no Content-Length, and the time in which it arrives."""
        received = 0
        is_complete = False
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS

        async def limited_receive() -> Message:
            nonlocal received, is_complete
            try:
                async with asyncio.timeout_at(None if is_complete else deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlowError from None
            is_complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._rules.body_limit:
                raise BodyTooLargeError(self._rules.body_limit)
            return message

        return limited_receive


def _is_page_of(host: str, origin: str) -> bool:
    """Returns whether an origin is that of the server's own page."""
    parts = _split(origin)
    return parts.scheme in ("http", "https") and parts.netloc == host


def _split(url: str) -> SplitResult:
    """Splits a URL into its parts; all are empty if it is malformed."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")

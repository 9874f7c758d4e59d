"""Lets requests in or not: from where, by what name, with which key, in what form, and how large."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_ERROR_TYPES = {401: "authentication_error", 429: "rate_limit_error", 503: "server_error", 500: "server_error"}


def refusal(status: int, message: str, code: str | None = None) -> JSONResponse:
    """Makes an error in a form that clients of both APIs understand."""
    error = {"message": message, "type": _ERROR_TYPES.get(status, "invalid_request_error"), "param": None, "code": code}
    return JSONResponse({"message": message, "error": error}, status)


@attrs.frozen
class Rules:
    """What is let in.

    Attributes:
        hosts: Names that the Host header may hold, besides localhost and plain addresses.
        origins: Origins of pages elsewhere that may ask.
        key: What clients of the APIs must show; None for nothing.
        body_limit: The largest body, in bytes.
    """

    hosts: Collection[str]
    origins: Collection[str]
    key: str | None
    body_limit: int


class TooLargeError(Exception):
    """A body is larger than it may be.

    Args:
        limit: The most bytes it may have.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


def too_large(limit: int) -> JSONResponse:
    """Makes the answer to a body that is too large."""
    return refusal(413, f"too large: send at most {limit} bytes")


class Guard:
    """Refuses what breaks the rules, and marks every answer so that browsers keep them too.

    Args:
        app: What is guarded.
        rules: The rules.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                marked = MutableHeaders(scope=message)
                marked.update(_SECURITY)
                if origin is not None and origin in self._rules.origins:
                    marked["Access-Control-Allow-Origin"] = origin
                    marked["Vary"] = "Origin"
            await send(message)

        answer = self._refuse(scope, headers, origin) or self._preflight(scope, origin)
        if answer is not None:
            await answer(scope, receive, send_marked)
            return
        await self._app(scope, self._limited(receive), send_marked)

    def _refuse(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        # A page elsewhere can have its own name point to this machine; then the name gives it away.
        host = headers.get("host", "")
        if not self._is_ours(host):
            return refusal(421, "this server is not called so; name it in `hosts`")
        if origin is not None and origin not in self._rules.origins and urlsplit(origin).netloc != host:
            return refusal(403, "pages elsewhere may not ask; list them in `origins`")
        if scope["method"] == "OPTIONS":
            return None
        api = "/v1/" in scope["path"]
        if api and self._rules.key is not None and not self._shows_key(headers):
            return refusal(401, "show the key: Authorization: Bearer KEY", "invalid_api_key")
        if scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return refusal(415, "send JSON, as Content-Type: application/json")
            length = headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > self._rules.body_limit:
                return too_large(self._rules.body_limit)
        return None

    def _is_ours(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or "" if _is_clean(host) else ""
        if name == "localhost" or name in self._rules.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _shows_key(self, headers: Headers) -> bool:
        assert self._rules.key is not None
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), self._rules.key.encode())

    def _preflight(self, scope: Scope, origin: str | None) -> Response | None:
        if scope["method"] != "OPTIONS" or origin not in self._rules.origins:
            return None
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers=allowed)

    def _limited(self, receive: Receive) -> Receive:
        """Counts the bytes of a body that does not say how long it is."""
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._rules.body_limit:
                raise TooLargeError(self._rules.body_limit)
            return message

        return limited


def _is_clean(host: str) -> bool:
    return not set(host) & set("/?#@\\ ")

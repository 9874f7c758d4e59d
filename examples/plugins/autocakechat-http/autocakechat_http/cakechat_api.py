"""CakeChat's own API: `POST /cakechat_api/v1/actions/get_response`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from autocakechat_http.reply_queue import ReplyQueue
from autocakechat_http.request_parsing import InvalidRequestError, make_request, parse_label, parse_user, read_body

PATH = "/cakechat_api/v1/actions/get_response"


def make_routes(queue: ReplyQueue, line_limit: int) -> list[Route]:
    """Returns the routes of this API.

    Args:
        queue: Has the model reply.
        line_limit: Maximum length of a line in characters.
    """
    responder = queue.responder

    async def get_response(http: HttpRequest) -> JSONResponse:
        body = await read_body(http)
        lines = _parse_context(body.get("context"))
        label = parse_label(body.get("emotion"), responder.labels)
        user = parse_user(body.get("user"))
        reply = await queue.reply(make_request(lines, label, responder.context_lines, line_limit, user))
        return JSONResponse({"response": reply.text})

    return [Route(PATH, get_response, methods=["POST"])]


def _parse_context(context: Any) -> Sequence[str]:
    if not isinstance(context, list) or not context:
        raise InvalidRequestError("`context` must be a list of at least one line, oldest first")
    if not all(isinstance(line, str | None) for line in context):
        raise InvalidRequestError("`context` must be a list of strings")
    lines = [line or "" for line in context]
    if not lines[-1].strip():
        raise InvalidRequestError("the last line of `context` is empty")
    return lines

"""CakeChat's own API: `POST /cakechat_api/v1/actions/get_response`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from autocakechat import Session
from autocakechat_http.answering import Answering
from autocakechat_http.form import FormError, body_of, conversation, label_of

PATH = "/cakechat_api/v1/actions/get_response"


def routes(answering: Answering, line_limit: int) -> list[Route]:
    """Returns the routes of this API.

    Args:
        answering: Who answers.
        line_limit: The most characters of a line.
    """
    responder = answering.responder

    async def get_response(http: HttpRequest) -> JSONResponse:
        body = await body_of(http)
        lines = _lines(body.get("context"))
        emotion = body.get("emotion", Session.usual_mood(responder.labels))
        if not isinstance(emotion, str):
            raise FormError("`emotion` must be a string")
        label = label_of(emotion, responder.labels)
        reply = await answering.answer(conversation(lines, label, responder.context_lines, line_limit))
        return JSONResponse({"response": reply.text})

    return [Route(PATH, get_response, methods=["POST"])]


def _lines(context: Any) -> Sequence[str]:
    if not isinstance(context, list) or not context:
        raise FormError("`context` must be a list of at least one line, the oldest first")
    if not all(isinstance(line, str) for line in context):
        raise FormError("`context` must be a list of strings")
    if not context[-1].strip():
        raise FormError("the last line of `context` is empty")
    return context

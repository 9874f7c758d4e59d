"""The OpenAI-compatible API: `/v1/models` and `/v1/chat/completions`.

Chat front ends offer a choice of models; every mood of the bot is one: `bot`, `bot:joy`, `bot:anger`. System messages
and settings such as the temperature are not used: the bot is whom it learnt from.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from autocakechat import Reply, Request, Responder, Session
from autocakechat_http.answering import Answering
from autocakechat_http.form import FormError, body_of

_Json = dict[str, Any]


def routes(answering: Answering, name: str, line_limit: int) -> list[Route]:
    """Returns the routes of this API.

    Args:
        answering: Who answers.
        name: What the bot is called.
        line_limit: The most characters of a line.
    """
    responder = answering.responder
    moods = _moods(name, responder)
    created = int(time.time())

    def described(model: str) -> _Json:
        return {"id": model, "object": "model", "created": created, "owned_by": "autocakechat"}

    async def list_models(http: HttpRequest) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [described(model) for model in moods]})

    async def show_model(http: HttpRequest) -> JSONResponse:
        return JSONResponse(described(_known(http.path_params["model"], moods)))

    async def complete(http: HttpRequest) -> Response:
        body = await body_of(http)
        model = _known(body.get("model", name), moods)
        if body.get("n", 1) != 1:
            raise FormError("`n` must be 1")
        request = _request(body.get("messages"), responder, moods[model], line_limit)
        reply = await answering.answer(request)
        completion = _Completion(model, request, reply)
        if body.get("stream") is not True:
            return JSONResponse(completion.whole())
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and options.get("include_usage") is True
        return StreamingResponse(completion.events(with_usage), media_type="text/event-stream")

    return [
        Route("/v1/models", list_models, methods=["GET"]),
        Route("/v1/models/{model}", show_model, methods=["GET"]),
        Route("/v1/chat/completions", complete, methods=["POST"]),
    ]


class _Completion:
    """An answer in the API's form: whole, or as events."""

    def __init__(self, model: str, request: Request, reply: Reply) -> None:
        self._text = reply.text
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}
        # Words, which is what both sides can count; what a token is differs from trainer to trainer.
        read, said = sum(len(line.split()) for line in request.context), len(reply.text.split())
        self._usage = {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}

    def whole(self) -> _Json:
        message = {"role": "assistant", "content": self._text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def events(self, with_usage: bool) -> Iterator[str]:
        """Yields the answer word by word, as server-sent events."""
        yield self._event({"role": "assistant", "content": ""})
        for word in re.findall(r"\s*\S+|\s+", self._text):
            yield self._event({"content": word})
        yield self._event({}, finish="stop")
        if with_usage:
            yield self._line({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage})
        yield "data: [DONE]\n\n"

    def _event(self, delta: _Json, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._line({**self._head, "object": "chat.completion.chunk", "choices": [choice]})

    def _line(self, content: _Json) -> str:
        return f"data: {json.dumps(content, ensure_ascii=True)}\n\n"


def _moods(name: str, responder: Responder) -> dict[str, str]:
    """Returns the models that are offered, and the label each answers with."""
    usual = Session.usual_mood(responder.labels)
    return {name: usual} | {f"{name}:{label}": label for label in responder.labels if label != usual}


def _known(model: Any, moods: dict[str, str]) -> str:
    if not isinstance(model, str) or model not in moods:
        raise FormError(f"there is no such model; there is {', '.join(moods)}", 404, "model_not_found")
    return model


def _request(messages: Any, responder: Responder, mood: str, line_limit: int) -> Request:
    """Makes a conversation of messages: several of one side in a row are one line, as in the corpus."""
    if not isinstance(messages, list):
        raise FormError("`messages` must be a list")
    session = Session(responder.context_lines, mood, line_limit)
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "user":
            session.add_message(_text(message))
        elif role == "assistant":
            session.add_reply(Reply(_text(message)))
        elif role not in ("system", "developer", "tool", "function"):
            raise FormError("every message needs a `role`: user, assistant or system")
    if not session.waiting:
        raise FormError("the last message must be one of the user")
    return session.request()


def _text(message: _Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "\n".join(text for text in texts if isinstance(text, str))
    if not isinstance(content, str) or not content.strip():
        raise FormError("a message needs a `content` that is a text")
    return content

"""The OpenAI-compatible API: `/v1/models` and `/v1/chat/completions`.

Chat front ends let people choose a model, so every label of the bot is offered as a model: `bot`, `bot:joy`,
`bot:anger`. System messages and settings such as the temperature are ignored: the persona comes from training, and
`[reply]` configures decoding.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from autocakechat import Reply, Responder, Session
from autocakechat_http.bot import Bot
from autocakechat_http.openai_messages import make_request
from autocakechat_http.reply_queue import ReplyQueue
from autocakechat_http.request_parsing import InvalidRequestError, parse_user, read_body

COMPLETIONS_PATH = "/v1/chat/completions"

_Json = dict[str, Any]


def make_routes(queue: ReplyQueue, bot: Bot, line_limit: int) -> list[Route]:
    """Returns the routes of this API.

    Args:
        queue: Has the model reply.
        bot: Describes the bot.
        line_limit: Maximum length of a line in characters.
    """
    responder = queue.responder
    labels = _labels_by_model(bot.name, responder)
    created = int(time.time())

    def model_object(model: str) -> _Json:
        # The chat page uses the last two fields, which are not part of OpenAI's API.
        return {
            "id": model,
            "object": "model",
            "created": created,
            "owned_by": "autocakechat",
            "person": bot.person,
            "artifact": bot.model,
        }

    async def list_models(http: HttpRequest) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [model_object(model) for model in labels]})

    async def get_model(http: HttpRequest) -> JSONResponse:
        return JSONResponse(model_object(_check_model(http.path_params["model"], labels)))

    async def create_completion(http: HttpRequest) -> Response:
        body = await read_body(http)
        model = _check_model(body.get("model") or bot.name, labels)
        if body.get("n") not in (None, 1):
            raise InvalidRequestError("`n` must be 1")
        stream = body.get("stream") or False
        if not isinstance(stream, bool):
            raise InvalidRequestError("`stream` must be true or false")
        session = Session(responder.context_lines, labels[model], line_limit)
        request = make_request(body.get("messages"), session, parse_user(body.get("user")))
        reply = await queue.reply(request) if request else Reply("")
        completion = _Completion(model, bot.model, request.context if request else (), reply)
        if not stream:
            return JSONResponse(completion.to_json())
        options = body.get("stream_options")
        include_usage = isinstance(options, dict) and options.get("include_usage") is True
        return StreamingResponse(completion.stream(include_usage), media_type="text/event-stream")

    return [
        Route("/v1/models", list_models, methods=["GET"]),
        Route("/v1/models/{model}", get_model, methods=["GET"]),
        Route(COMPLETIONS_PATH, create_completion, methods=["POST"]),
    ]


class _Completion:
    """A reply in the format of the API, as one object or as a stream of chunks."""

    def __init__(self, model: str, artifact: str, context: Sequence[str], reply: Reply) -> None:
        self._text = reply.text
        self._header = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": artifact,
        }
        # Counts words, because tokens differ between trainers.
        prompt_words = sum(len(line.split()) for line in context)
        reply_words = len(reply.text.split())
        self._usage = {
            "prompt_tokens": prompt_words,
            "completion_tokens": reply_words,
            "total_tokens": prompt_words + reply_words,
        }

    def to_json(self) -> _Json:
        """Returns the completion as one object."""
        message = {"role": "assistant", "content": self._text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._header, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def stream(self, include_usage: bool) -> Iterator[str]:
        """Yields the completion word by word, as server-sent events."""
        yield self._delta_event({"role": "assistant", "content": ""})
        for word in re.findall(r"\s*\S+|\s+", self._text):
            yield self._delta_event({"content": word})
        yield self._delta_event({}, finish_reason="stop")
        if include_usage:
            yield self._event(choices=[], usage=self._usage)
        yield "data: [DONE]\n\n"

    def _delta_event(self, delta: _Json, finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._event(choices=[choice])

    def _event(self, **fields: Any) -> str:
        chunk = {**self._header, "object": "chat.completion.chunk", **fields}
        return f"data: {json.dumps(chunk, ensure_ascii=True)}\n\n"


def _labels_by_model(name: str, responder: Responder) -> dict[str, str]:
    """Returns the offered models and the label that each replies with."""
    default = Session.default_label(responder.labels)
    return {name: default} | {f"{name}:{label}": label for label in responder.labels if label != default}


def _check_model(model: Any, labels: Mapping[str, str]) -> str:
    if not isinstance(model, str) or model not in labels:
        raise InvalidRequestError(f"unknown model; use one of these: {', '.join(labels)}", 404, "model_not_found")
    return model

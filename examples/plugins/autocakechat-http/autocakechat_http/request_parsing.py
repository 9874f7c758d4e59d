"""Parses and validates the parts of a request that both APIs share: the JSON body, the emotion and the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse

from autocakechat import PERSONAL, Request, Session, pseudonym
from autocakechat_http.guard import error_response


class InvalidRequestError(Exception):
    """A request is invalid.

    Args:
        message: The problem.
        status: HTTP status of the response.
        code: Error code for programs.
    """

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.response: JSONResponse = error_response(status, message, code)


async def read_body(http: HttpRequest) -> dict[str, Any]:
    """Reads the body of a request.

    Raises:
        InvalidRequestError: It is not a JSON object.
    """
    try:
        body = await http.json()
    except (ValueError, RecursionError):
        raise InvalidRequestError("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return body


def replace_lone_surrogates(text: str) -> str:
    r"""Returns a text that can be written as UTF-8: a JSON string such as "\ud83d" is half of a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse_label(emotion: Any, labels: Sequence[str]) -> str:
    """Returns the label of the model for the name of an emotion, regardless of upper and lower case.

    Args:
        emotion: The name in the request. None and `neutral` are the default label of every model, because clients of
            CakeChat send `neutral` for no emotion.
        labels: The labels of the model.

    Raises:
        InvalidRequestError: It is not a string, or the model does not have this label.
    """
    if emotion is None:
        return Session.default_label(labels)
    if not isinstance(emotion, str):
        raise InvalidRequestError("`emotion` must be a string")
    label = Session.find_label(emotion, labels)
    if label is not None:
        return label
    if Session.find_label(emotion, ["neutral"]):
        return Session.default_label(labels)
    choices = f"use one of these: {', '.join(labels)}" if labels else "leave it out, this model has no emotions"
    raise InvalidRequestError(f"unknown `emotion`; {choices}")


def parse_user(user: Any) -> str:
    """Returns the id of the person who writes, as in the chat log; empty if the request does not have it.

    Raises:
        InvalidRequestError: It is not a string.
    """
    if not isinstance(user, str | None):
        raise InvalidRequestError("`user` must be a string")
    return user or ""


def make_request(lines: Sequence[str], emotion: str, context_lines: int, line_limit: int, user: str = "") -> Request:
    """Makes a request to the model from lines whose speakers alternate.

    Args:
        lines: The lines, oldest first.
        emotion: The label to reply with.
        context_lines: How many lines the model uses; older ones are dropped.
        line_limit: Maximum length of a line in characters. The start of a longer line is dropped, because its end is
            more recent.
        user: The id of the person who writes; empty if it is unknown.
    """
    recent_lines = map(replace_lone_surrogates, lines[-context_lines:])
    return Request(tuple(line.strip()[-line_limit:] for line in recent_lines), emotion, PERSONAL, pseudonym(user))

"""What requests look like: both APIs' bodies, read strictly enough that nothing odd reaches the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse

from autocakechat import Request, Session
from autocakechat_http.guard import refusal


class FormError(Exception):
    """A request that cannot be understood.

    Args:
        message: What is wrong with it.
        status: The HTTP status that says so.
        code: A word for programs.
    """

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.answer: JSONResponse = refusal(status, message, code)


async def body_of(http: HttpRequest) -> dict[str, Any]:
    """Reads the body, which must be a JSON object.

    Raises:
        FormError: It is not.
    """
    try:
        body = await http.json()
    except (ValueError, RecursionError):
        raise FormError("the body is no JSON") from None
    if not isinstance(body, dict):
        raise FormError("the body must be a JSON object")
    return body


def label_of(wanted: str, labels: Sequence[str]) -> str:
    """Returns the model's label that somebody named.

    Raises:
        FormError: It has no such label.
    """
    label = Session.find_mood(wanted, labels)
    if label is None:
        raise FormError(f"there is no such emotion; there is {', '.join(labels)}")
    return label


def conversation(lines: Sequence[str], emotion: str, context_lines: int, line_limit: int) -> Request:
    """Makes a conversation of lines whose speakers take turns, the oldest first.

    Of long lines the end is kept, which is what was said last.
    """
    return Request(tuple(line[-line_limit:] for line in lines[-context_lines:]), emotion)

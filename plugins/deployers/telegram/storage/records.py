"""What the store hands out."""

from __future__ import annotations

import attrs

SERVER = 0
"""Who says what the model answers; users have positive ids."""


@attrs.frozen
class Line:
    """Something said in a chat.

    Attributes:
        id: Its number; numbers grow.
        speaker: Id of the user who said it, or SERVER.
        text: What was said.
    """

    id: int
    speaker: int
    text: str


@attrs.frozen
class Waiting:
    """A chat whose last lines are not answered yet.

    Attributes:
        chat: Its id.
        first: When the first of these lines came, in seconds since 1970.
        last: When the last of them came.
        line: Id of the last of them.
        lines: How many there are.
    """

    chat: int
    first: float
    last: float
    line: int
    lines: int


@attrs.frozen
class Outgoing:
    """A message to send.

    Attributes:
        id: Its number in the outbox.
        chat: Where to.
        text: The text, short enough for one message.
        reply_to: The message it replies to, in groups.
        asked: When the first message came that it answers, in seconds since 1970; None if it is no answer, or the
            rest of one.
    """

    id: int
    chat: int
    text: str
    reply_to: int | None
    asked: float | None

"""Makes a request to the model from the `messages` of the OpenAI-compatible API.

Clients send the whole conversation each time. A message that cannot be read must not block it forever: only the last
message must be valid, and have a text if it is the user's.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from autocakechat import Reply, Request, Session
from autocakechat_http.request_parsing import InvalidRequestError, replace_lone_surrogates

_SPEAKERS = ("user", "assistant")
_ROLES = (*_SPEAKERS, "system", "developer", "tool", "function")
# None: some clients send parts without a type. Those of the Responses API are read, too.
_TEXT_TYPES = (None, "text", "input_text", "output_text")


def make_request(messages: Any, session: Session, user: str = "") -> Request | None:
    """Makes a request to the model. Consecutive messages of one role are one turn, as in the corpus.

    If the last message is not the user's, the client asks for another reply to the last text of the user.

    Args:
        messages: The value of `messages`.
        session: An empty session; it gets the messages.
        user: The id of the person who writes; empty if it is unknown.

    Returns:
        The request; None if the user says nothing, as when a front end asks for a title.

    Raises:
        InvalidRequestError: The last message is invalid, or it is the user's and what the user says last has no text.
    """
    said = _read(messages)
    if said and said[-1][0] == "user" and not any(_merge_turns(said)[-1][1]):
        raise InvalidRequestError("the last message of the user needs a `content` with text; pictures are not read")
    texts = [(role, text) for role, text in said if text]
    while texts and texts[-1][0] != "user":
        texts.pop()
    if not texts:
        return None
    for role, turn in _merge_turns(texts)[-session.context_lines :]:
        # A text has at least one character, so this many are all that fit into a turn.
        for text in turn[-session.line_limit :]:
            line = replace_lone_surrogates(text[-session.line_limit :])
            if role == "user":
                session.add_message(line, user)
            else:
                session.add_reply(Reply(line))
    return session.request()


def _read(messages: Any) -> list[tuple[str, str]]:
    """Returns the role and the text of each message of the user and the bot. Invalid messages before the last are none.

    Raises:
        InvalidRequestError: There are no messages, or the last one is invalid.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("`messages` must be a list of at least one message")
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    if roles[-1] not in _ROLES:
        raise InvalidRequestError("the last message needs a `role`: user, assistant or system")
    return [
        (role, _text_of(message.get("content")))
        for role, message in zip(roles, messages, strict=True)
        if role in _SPEAKERS
    ]


def _merge_turns(messages: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Returns the turns of the user and the bot, each with its texts."""
    return [(role, [text for _, text in turn]) for role, turn in groupby(messages, itemgetter(0))]


def _text_of(content: Any) -> str:
    """Returns the text of a message; empty if it has none, as a picture or the call of a tool."""
    if isinstance(content, list):
        content = "\n".join(filter(None, map(_text_of_part, content)))
    return content.strip() if isinstance(content, str) else ""


def _text_of_part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") in _TEXT_TYPES else part
    return text if isinstance(text, str) else ""

"""Makes a request to the model from the `messages` of the OpenAI-compatible API.

Clients send the whole conversation each time. A message that cannot be read must not block it forever: only what the
user says last needs a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import dropwhile
from typing import Any

from autocakechat import Reply, Request, Session
from autocakechat_http.request_parsing import InvalidRequestError, replace_lone_surrogates

_IGNORED_ROLES = ("system", "developer", "tool", "function")
_ROLES = ("user", "assistant", *_IGNORED_ROLES)


def make_request(messages: Any, session: Session, user: str = "") -> Request | None:
    """Makes a request to the model. Consecutive messages of one role are one turn, as in the corpus.

    Replies of the bot after the last message of the user are left out: the client asks for another reply.

    Args:
        messages: The value of `messages`.
        session: An empty session; it gets the messages.
        user: The id of the person who writes; empty if it is unknown.

    Returns:
        The request; None if the user says nothing, as when a front end asks for a title.

    Raises:
        InvalidRequestError: The messages are invalid, or what the user says last has no text.
    """
    turns = _merge_turns(_check(messages))
    if not turns:
        return None
    if not turns[-1][1]:
        raise InvalidRequestError("the last message of the user needs a `content` with text; pictures are not read")
    for role, texts in turns:
        for text in texts:
            line = replace_lone_surrogates(text[-session.line_limit :])
            if role == "user":
                session.add_message(line, user)
            else:
                session.add_reply(Reply(line))
    return session.request()


def _check(messages: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("`messages` must be a list of at least one message")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise InvalidRequestError("every message needs a `role`: user, assistant or system")
    return messages


def _merge_turns(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Returns the turns up to the last one of the user, each with its texts."""
    spoken = [message for message in messages if message["role"] not in _IGNORED_ROLES]
    newest_first = dropwhile(lambda message: message["role"] != "user", reversed(spoken))
    turns: list[tuple[str, list[str]]] = []
    for message in reversed(list(newest_first)):
        if not turns or turns[-1][0] != message["role"]:
            turns.append((message["role"], []))
        if text := _text_of(message.get("content")):
            turns[-1][1].append(text)
    return turns


def _text_of(content: Any) -> str:
    """Returns the text of a message; empty if it has none, as a picture or the call of a tool."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) and content.strip() else ""

"""The chat format of a base: the texts between the turns of a conversation.

It is derived from the base's chat template once, in training, and stored in the model folder. A bot therefore needs no
template engine, and training, both engines and scoring see exactly the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

Message = Mapping[str, str]
"""A message as chat templates expect it: `role` and `content`."""

_SYSTEM, _FIRST, _REPLY, _SECOND = "⟦0⟧", "⟦1⟧", "⟦2⟧", "⟦3⟧"


@attrs.frozen
class ChatFormat:
    """The texts between the turns of a conversation.

    Attributes:
        opening: The text before the first message if there is no system line.
        before_system: The text before the system line.
        after_system: The text between the system line and the first message.
        to_reply: The text between a message and the reply to it.
        to_message: The text between a reply and the next message. It begins with `end`.
        end: The token that ends a reply, as text.
        special: The texts of all tokens with a special meaning. They are removed from messages and replies.
    """

    opening: str
    before_system: str
    after_system: str
    to_reply: str
    to_message: str
    end: str
    special: tuple[str, ...] = ()

    def without_special(self, text: str) -> str:
        """Removes special tokens from a text, so that a message cannot end its turn or begin another one."""
        previous = None
        while previous != text:  # removing one can create another
            previous = text
            for token in self.special:
                text = text.replace(token, "")
        return text


PLAIN_FORMAT = ChatFormat(
    opening="Message:\n",
    before_system="",
    after_system="\n\nMessage:\n",
    to_reply="\nReply:\n",
    to_message="\nMessage:\n",
    end="",
)
"""For bases without a chat template; `with_end` adds the end token. Each turn begins on a new line: most tokenizers
join a blank with the word behind it."""


def with_end(plain: ChatFormat, end: str, special: Sequence[str]) -> ChatFormat:
    """Returns a format whose replies end with a token.

    Args:
        plain: A format without an end token.
        end: The token, as text.
        special: The texts of all special tokens.
    """
    return attrs.evolve(plain, end=end, to_message=end + plain.to_message, special=tuple(special))


def derive_format(
    render: Callable[[Sequence[Message]], str], end_of_text: str, special: Sequence[str]
) -> ChatFormat | None:
    """Derives the format from a chat template, by rendering a conversation with marked turns.

    Args:
        render: Renders messages with the chat template, without a generation prompt.
        end_of_text: The base's end-of-text token, for templates that end a reply without a special token.
        special: The texts of all special tokens.

    Returns:
        The format; None if the template does not keep the turns as they are.
    """
    conversation = [
        {"role": "user", "content": _FIRST},
        {"role": "assistant", "content": _REPLY},
        {"role": "user", "content": _SECOND},
    ]
    alone = _between(_try(render, conversation), (_FIRST, _REPLY, _SECOND))
    if alone is None:
        return None
    opening, to_reply, to_message = alone
    before_system, after_system = opening, "\n\n"  # a template without a system role: part of the first message
    system = _between(_try(render, [{"role": "system", "content": _SYSTEM}, *conversation]), (_SYSTEM, _FIRST))
    if system is not None:
        before_system, after_system = system
        # Some templates add a system text on their own. An empty one is shorter.
        opening = min(opening, before_system + after_system, key=len)
    stripped = to_message.lstrip()
    end = max((token for token in special if stripped.startswith(token)), key=len, default="")
    if end:
        to_message = stripped
    else:
        end, to_message = end_of_text, end_of_text + to_message
    return ChatFormat(opening, before_system, after_system, to_reply, to_message, end, tuple(special))


def _try(render: Callable[[Sequence[Message]], str], messages: Sequence[Message]) -> str:
    """Renders messages; returns an empty text if the template refuses them."""
    try:
        return render(messages)
    except Exception:  # noqa: BLE001, RUF100 - a template may raise anything
        return ""


def _between(text: str, marks: Sequence[str]) -> list[str] | None:
    """Returns the texts before each mark; None if a mark is missing."""
    pieces = []
    for mark in marks:
        piece, found, text = text.partition(mark)
        if not found:
            return None
        pieces.append(piece)
    return pieces

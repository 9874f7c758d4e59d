"""Renders conversations as text: the prompt of a reply, and the dialogs of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import attrs

from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""Counts the tokens of texts."""

_LEAST_TOKENS = 16
"""Tokens of the last turn that are kept, however long the system line is."""


@attrs.frozen
class RenderedDialog:
    """A conversation as text.

    Attributes:
        text: The text.
        replies: Where each reply begins in the text, and where its end token ends.
    """

    text: str
    replies: Sequence[tuple[int, int]]


def beginning_of(chat_format: ChatFormat, system: str) -> str:
    """Returns the text before the first turn.

    Args:
        chat_format: The format of the base.
        system: The system line; may be empty.
    """
    if not system:
        return chat_format.opening
    return chat_format.before_system + chat_format.without_special(system) + chat_format.after_system


def render(chat_format: ChatFormat, system: str, turns: Sequence[str]) -> RenderedDialog:
    """Renders a conversation.

    Args:
        chat_format: The format of the base.
        system: The system line; may be empty.
        turns: The turns, oldest first. The first is a client's; speakers alternate. After a client's turn, the text
            ends where the reply begins.
    """
    clean = chat_format.without_special
    pieces = [beginning_of(chat_format, system)]
    length, replies = len(pieces[0]), []
    for place, turn in enumerate(turns):
        text = clean(turn)
        if place % 2:
            replies.append((length, length + len(text) + len(chat_format.end)))
        last = place == len(turns) - 1
        following = chat_format.to_reply if place % 2 == 0 else chat_format.end if last else chat_format.to_message
        pieces += [text, following]
        length += len(text) + len(following)
    return RenderedDialog("".join(pieces), replies)


class PromptBuilder:
    """Builds the prompt of a reply from the system line and the last turns.

    Without the turns that do not fit, each prompt of a long conversation would begin with another turn, and an engine
    that reuses what the prompt has in common with the one before would have to read all of it. So the prompt begins at
    a turn that stays the same for several replies.

    Args:
        chat_format: The format of the base.
        limit: The largest number of tokens of a prompt.
        count_tokens: Counts the tokens of turns.
        count_prompt_tokens: Counts the tokens of texts with special tokens.
    """

    def __init__(
        self, chat_format: ChatFormat, limit: int, count_tokens: CountTokens, count_prompt_tokens: CountTokens
    ) -> None:
        self._format = chat_format
        self._limit = limit
        self._count_tokens = count_tokens
        self._count_prompt_tokens = count_prompt_tokens
        self._to_reply, to_message = count_prompt_tokens([chat_format.to_reply, chat_format.to_message])
        self._around_pair = self._to_reply + to_message

    def __call__(self, system: str, context: Sequence[str]) -> str:
        """Builds a prompt.

        Args:
            system: The system line; may be empty. It is never cut.
            context: The turns so far, oldest first; the reply is to the last one. No turn counts as an empty one.
        """
        context = context or ("",)
        limit = max(_LEAST_TOKENS, self._limit - self._count_beginning(system) - self._to_reply)
        counts = self._count_tokens(context)
        kept, used = 1, counts[-1]
        # Turns are dropped in pairs, since a conversation begins with a client.
        while kept + 2 <= len(context):
            used += sum(counts[-kept - 2 : -kept]) + self._around_pair
            if used > limit:
                break
            kept += 2
        turns = list(context[_first_turn(context, len(context) - kept) :])
        if kept == 1:
            turns[0] = self._end_of(turns[0], counts[-1], limit)
        return render(self._format, system, turns).text

    def _count_beginning(self, system: str) -> int:
        """Counts the tokens before the first turn."""
        (count,) = self._count_prompt_tokens([beginning_of(self._format, system)])
        return count

    def _end_of(self, turn: str, count: int, limit: int) -> str:
        """Returns the end of a turn that has at most so many tokens: it matters most."""
        while count > limit and len(turn) > 1:
            turn = turn[-max(1, len(turn) * limit // count) :]
            (count,) = self._count_tokens([turn])
        return turn


def _first_turn(context: Sequence[str], fitting: int) -> int:
    """Chooses the turn that a prompt begins with: of those in the older half, the one with the smallest hash.

    Args:
        context: The turns.
        fitting: The place of the first turn that fits.
    """
    if not fitting:
        return 0
    older_half = range(fitting, (fitting + len(context) + 1) // 2, 2)
    return min(older_half, key=lambda place: crc32(context[place].encode("utf-8", "replace")))

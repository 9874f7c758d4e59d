"""Renders conversations as text: the prompt of a reply, and the dialogs of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import attrs

from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat


@attrs.frozen
class RenderedDialog:
    """A conversation as text.

    Attributes:
        text: The text.
        replies: Where each reply begins in the text, and where its end token ends.
    """

    text: str
    replies: Sequence[tuple[int, int]]


def render(chat_format: ChatFormat, system: str, turns: Sequence[str]) -> RenderedDialog:
    """Renders a conversation.

    Args:
        chat_format: The format of the base.
        system: The system line; may be empty.
        turns: The turns, oldest first. The first is a client's; speakers alternate. After a client's turn, the text
            ends where the reply begins.
    """
    clean = chat_format.without_special
    pieces = [chat_format.before_system + clean(system) + chat_format.after_system if system else chat_format.opening]
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


def build_prompt(
    chat_format: ChatFormat,
    system: str,
    context: Sequence[str],
    count_tokens: Callable[[Sequence[str]], Sequence[int]],
    limit: int,
) -> str:
    """Builds the prompt of a reply from the last turns.

    Without the turns that do not fit, each prompt of a long conversation would begin with another turn, and an engine
    that reuses what the prompt has in common with the one before would have to read all of it. So the prompt begins at
    a turn that stays the same for several replies.

    Args:
        chat_format: The format of the base.
        system: The system line; may be empty.
        context: The turns so far, oldest first; the reply is to the last one. No turn counts as an empty one.
        count_tokens: Counts the tokens of texts.
        limit: The largest number of tokens of the turns.
    """
    context = context or ("",)
    counts = count_tokens(context)
    kept, used = 1, counts[-1]
    # Turns are dropped in pairs, since a conversation begins with a client.
    while kept + 2 <= len(context) and used + sum(counts[-kept - 2 : -kept]) <= limit:
        used += sum(counts[-kept - 2 : -kept])
        kept += 2
    turns = list(context[_first_turn(context, len(context) - kept) :])
    if used > limit:  # a single turn: its end matters most
        text = turns[0]
        turns[0] = text[-max(1, len(text) * limit // used) :]
    return render(chat_format, system, turns).text


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

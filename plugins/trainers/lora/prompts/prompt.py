"""Renders conversations as text: the prompt of a reply, and the dialogs of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    """Builds the prompt of a reply from as many turns as fit.

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
    turns = list(context[-kept:])
    if used > limit:  # a single turn: its end matters most
        text = turns[0]
        turns[0] = text[-max(1, len(text) * limit // used) :]
    return render(chat_format, system, turns).text

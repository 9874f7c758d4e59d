"""Builds dialogs from turns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from autocakechat import Dialog, Message, Utterance

Turn = list[Message]

_LABEL = "neutral"


def make_dialog(chat_id: str, turns: Sequence[Turn], separator: str) -> Dialog:
    """Builds a dialog.

    Args:
        chat_id: Id of the chat.
        turns: The turns, a client's first, alternating, an even number.
        separator: Separator between the messages of a turn.
    """
    utterances = [
        Utterance(turn[0].text, turn[0].label or _LABEL, (turn[0].position,))
        if len(turn) == 1
        else _join(turn, separator)
        for turn in turns
    ]
    return Dialog(chat_id, turns[0][0].sent, tuple(utterances))


def _join(turn: Turn, separator: str) -> Utterance:
    """Joins the messages of a turn. A line break separates messages of different senders. The last label counts."""
    labels = [message.label for message in turn if message.label]
    label = labels[-1] if labels else _LABEL
    positions = tuple([message.position for message in turn])
    if separator == "\n":
        return Utterance("\n".join([message.text for message in turn]), label, positions)
    text = turn[0].text
    for previous, message in pairwise(turn):
        text += (separator if message.sender == previous.sender else "\n") + message.text
    return Utterance(text, label, positions)

"""Checks of what stages yield and return.

The usual case, everything right, is checked by a few calls of compiled code, because every message passes here. Only
after a failure does slower code find out what is wrong.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import structs

from autocakechat.artifacts.store import MANIFEST_NAMES
from autocakechat.interface.chatlog import Chat, Message, MessageBatch
from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.interface.type_checks import describe_type, describe_value

T = TypeVar("T")

_MESSAGE_TYPES = typing.get_type_hints(Message)
# The years 1 to 9999, which Python can represent. Times in milliseconds are beyond it.
_FIRST_TIME, _LAST_TIME = -62_135_596_800, 253_402_300_799
_BOOLEANS = frozenset((True, False))
_BOOLEANS_OR_NONE = frozenset((True, False, None))


class MessageProblem(NamedTuple):
    """A wrong message in a batch.

    Attributes:
        number: Its number in the batch, from 1.
        text: What is wrong, as the object of "yields".
    """

    number: int
    text: str


def no_problem(*_: object) -> None:
    """Checks nothing."""


def problem_of_batch(batch: MessageBatch) -> MessageProblem | None:
    """Checks the types of the messages in a batch."""
    if _is_right(batch):
        return None
    *columns, _, topics, labels = structs.astuple(batch)
    rows = zip(*columns, repeat(0), topics or repeat(""), labels or repeat(None), strict=False)
    for number, values in enumerate(rows, 1):
        if problem := _problem_of_values(values):
            return MessageProblem(number, f"a message whose {problem}")
    lengths = {name: len(column) for name, column in zip(MessageBatch.__struct_fields__, columns, strict=False)}
    lengths |= {name: len(column) for name, column in (("topics", topics), ("labels", labels)) if column}
    if len(set(lengths.values())) > 1:
        return MessageProblem(1, f"a batch with columns of different lengths: {lengths}")
    return None


def problem_of_message(message: Message) -> str | None:
    """Checks the types of a message; returns what is wrong, such as `sent is '60' (str), expected int`."""
    return _problem_of_values(structs.astuple(message))


def problem_of_dialog(dialog: Dialog, chat: Chat) -> str | None:
    """Checks a dialog of a chat; returns what is wrong, as the object of "yields"."""
    turns = dialog.utterances
    try:
        texts, labels, messages = zip(*map(structs.astuple, turns), strict=True)
        positions = list(chain.from_iterable(messages))
        if (
            len(turns) % 2 == 0
            and dialog.chat == chat.id
            and type(dialog.started) is int
            and all(map(str.strip, texts))
            and labels.count(labels[0]) == len(turns)
            and type(labels[0]) is str
            and all(messages)
            and type(sum(positions)) is int
            and positions == sorted(positions)
            and positions[0] >= 0
            and positions[-1] < len(chat.ledger)
        ):
            return None
    except (TypeError, ValueError):
        pass
    return _problem_of_dialog(dialog, chat)


def problem_of_annotation(dialog: Dialog, original: Dialog | None) -> str | None:
    """Compares an annotated dialog with the one that the annotator got; returns what is wrong, if anything is."""
    if original is None:
        return "more dialogs than it got, expected every dialog once"
    if not _is_same_but_labels(dialog, original):
        what = f"a dialog that starts at {dialog.started!r} in chat {dialog.chat!r}"
        return f"{what} where another one is expected: it must yield every dialog in order and change only labels"
    for turn in dialog.utterances:
        if not isinstance(turn.emotion, str) or not turn.emotion:
            return f"a dialog with the label {describe_value(turn.emotion)}, expected a word"
    return None


def problem_of_training(metrics: Any, folder: Path) -> str | None:
    """Checks what a trainer returned and wrote; returns what is wrong, as the continuation of "the trainer"."""
    if not isinstance(metrics, Mapping):
        return f"returns {describe_value(metrics)}, expected the metrics: a dict of names and numbers"
    for name, value in metrics.items():
        if not isinstance(name, str):
            return f"returns a metric with the name {describe_value(name)}, expected str"
        try:
            msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError):
            return f"returns the metric {name!r} with the value {describe_value(value)}, expected a number or text"
    written = list(folder.rglob("*"))
    for path in written:
        if path.is_symlink():
            return f"writes the link {path.relative_to(folder)}: copy the file, so that the model folder can be moved"
    manifest = MANIFEST_NAMES["model"]
    if (folder / manifest).exists():
        return f"writes {manifest}, the name of the manifest that autocakechat adds: use another name"
    if not any(path.is_file() for path in written):
        return "writes no file: write the model into the folder that `train` gets"
    return None


def problem_of_deployment(returned: Any) -> str | None:
    """Checks what a deployer returned, as the continuation of "the deployer": nothing has run if it is unfinished."""
    if inspect.iscoroutine(returned):
        returned.close()  # or Python warns that nothing awaits it
        return "returns a coroutine, expected a function that serves the model: call asyncio.run in it"
    if inspect.isgenerator(returned):
        return "returns a generator, expected a function that serves the model: without `yield`"
    return None


def _is_right(batch: MessageBatch) -> bool:
    """Returns whether a batch has messages of the right types only; False if a closer look is needed.

    `sum` and `join` are the fastest checks that all items are integers or strings. In most batches many columns have
    one value only, and `count` compares it by identity.
    """
    try:
        size = len(batch.ids)
        return (
            type(sum(batch.ids)) is int
            and type(sum(batch.sent)) is int
            and _FIRST_TIME <= min(batch.sent) <= max(batch.sent) <= _LAST_TIME
            and len(batch.sent) == len(batch.senders) == len(batch.sender_names) == len(batch.texts) == size
            and len(batch.reply_to) == len(batch.kinds) == len(batch.own_words) == len(batch.outgoing) == size
            and type("".join(batch.senders)) is type("".join(batch.texts)) is str
            and (batch.kinds.count("text") == size or type("".join(batch.kinds)) is str)
            and type("".join(_without_none(batch.sender_names))) is str
            and type(sum(_without_none(batch.reply_to))) is int
            and (batch.own_words.count(True) == size or _BOOLEANS.issuperset(batch.own_words))
            and (not batch.topics or (len(batch.topics) == size and type("".join(batch.topics)) is str))
            and (batch.outgoing.count(None) == size or _BOOLEANS_OR_NONE.issuperset(batch.outgoing))
            and (not batch.labels or (len(batch.labels) == size and "" not in _without_none(batch.labels)))
            and type("".join(_without_none(batch.labels))) is str
        )
    except (TypeError, ValueError, AttributeError, OverflowError):
        return False


def _without_none(column: Sequence[T | None]) -> Sequence[T]:
    nones = column.count(None)
    if nones == len(column):
        return ()
    return [value for value in column if value is not None] if nones else typing.cast("Sequence[T]", column)


def _problem_of_values(values: Sequence[Any]) -> str | None:
    for (name, expected), value in zip(_MESSAGE_TYPES.items(), values, strict=False):
        if name == "label":
            return _problem_of_label(value)
        if not isinstance(value, expected):
            return f"{name} is {describe_value(value)}, expected {describe_type(expected)}"
        if name == "sent" and not _FIRST_TIME <= value <= _LAST_TIME:
            return f"sent is {describe_value(value)}, expected seconds since 1970, not milliseconds"
    return None


def _problem_of_label(label: Any) -> str | None:
    is_label = label is None or (isinstance(label, str) and label)
    return None if is_label else f"label is {describe_value(label)}, expected a word or None"


def _problem_of_dialog(dialog: Dialog, chat: Chat) -> str | None:
    if dialog.chat != chat.id:
        return f"a dialog whose chat is {describe_value(dialog.chat)}, expected the id of the chat"
    if not isinstance(dialog.started, int):
        return f"a dialog whose started is {describe_value(dialog.started)}, expected int"
    turns = dialog.utterances
    if not isinstance(turns, Sequence):
        return f"a dialog whose utterances are {describe_value(turns)}, expected a tuple of Utterance"
    if not turns or len(turns) % 2:
        return f"a dialog of {len(turns)} turns, expected pairs of turns: a client begins, the server ends"
    previous_start = -1
    for number, turn in enumerate(turns, 1):
        problem = _problem_of_utterance(turn, chat) or (
            "begins before the turn in front of it, expected the order of the chat: a client's turn, then the reply"
            if turn.messages[0] < previous_start
            else None
        )
        if problem:
            return f"a dialog whose turn {number} {problem}"
        previous_start = turn.messages[0]
    return None


def _problem_of_utterance(turn: Any, chat: Chat) -> str | None:
    if not isinstance(turn, Utterance):
        return f"is {describe_value(turn)}, expected Utterance"
    if not isinstance(turn.text, str) or not turn.text.strip():
        return f"has the text {describe_value(turn.text)}, expected a str that is not empty"
    if not isinstance(turn.emotion, str):
        return f"has the emotion {describe_value(turn.emotion)}, expected str"
    return _problem_of_positions(turn.messages, len(chat.ledger))


def _problem_of_positions(positions: Any, messages_read: int) -> str | None:
    if not isinstance(positions, Sequence) or isinstance(positions, str):
        return f"has the messages {describe_value(positions)}, expected a tuple of positions"
    for position in positions:
        if not isinstance(position, int):
            return f"has the message {describe_value(position)}, expected an int: message.position"
        if not 0 <= position < messages_read:
            return (
                f"has the message {position}, expected the position of a message that was read, below {messages_read}"
            )
    if not positions:
        return "has no message positions: set `messages`, for example to (message.position,)"
    if list(positions) != sorted(positions):
        return f"has the messages {', '.join(map(str, positions))}, expected ascending positions"
    return None


def _is_same_but_labels(dialog: Dialog, original: Dialog) -> bool:
    return (dialog.chat, dialog.started) == (original.chat, original.started) and [
        (turn.text, turn.messages) for turn in dialog.utterances
    ] == [(turn.text, turn.messages) for turn in original.utterances]

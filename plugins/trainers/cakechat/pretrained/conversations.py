"""The conversations that a start model can be trained on: those of the package `chitchat-dataset` (English, MIT)."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from autocakechat import Corpus, UserError, write_whole

_KEPT_BACK = 10
"""One conversation of so many is not learnt, so that models that start from the start model can be measured with it."""

_VALIDATION = 20
"""One of so many of the other conversations selects the best epoch."""


class _Message(msgspec.Struct):
    text: str
    sender: str


class _Conversation(msgspec.Struct):
    """A conversation of the package: messages, grouped by its own rules."""

    messages: list[list[_Message]]

    def turns(self) -> list[str]:
        """Returns the turns; the messages of a turn are separated by line breaks."""
        by_sender = itertools.groupby(itertools.chain(*self.messages), key=lambda message: message.sender)
        return ["\n".join(message.text for message in turn) for _, turn in by_sender]


def dataset_file() -> Path:
    """Returns the file with the conversations.

    Raises:
        UserError: The package is not installed.
    """
    package = find_spec("chitchat_dataset")
    if package is None or package.origin is None:
        raise UserError(
            'trainer.start = "conversations" needs the package chitchat-dataset',
            "run: pip install 'autocakechat[conversations]'",
        )
    return Path(package.origin).with_name("dataset.json")


def unreadable_dataset(dataset: Path, error: Exception) -> UserError:
    """Returns the error for a file with conversations that is missing or damaged."""
    return UserError(
        f"{dataset}: cannot be read: {error}", "run: pip install --force-reinstall --no-deps chitchat-dataset"
    )


def is_kept_back(conversation: str) -> bool:
    """Returns whether the start model does not learn from the conversation with this id: true for one tenth."""
    return _number(conversation) % _KEPT_BACK == 0


def write_corpus(dataset: Path, folder: Path) -> Corpus:
    """Writes a corpus of all conversations that are not kept back.

    Args:
        dataset: The file of the package.
        folder: The folder of the corpus; created if it is missing.

    Raises:
        UserError: The file cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[bool, list[bytes]] = {False: [], True: []}
    for conversation, turns in _read_turns(dataset):
        number = _number(conversation)
        if number % _KEPT_BACK and len(turns) > 1:
            dialog = [{"text": turn, "condition": "neutral"} for turn in turns]
            line = json.dumps(dialog, ensure_ascii=False).encode() + b"\n"
            lines[number // _KEPT_BACK % _VALIDATION == 0].append(line)
    write_whole(folder / "train.jsonl", *lines[False])
    write_whole(folder / "validation.jsonl", *lines[True])
    write_whole(folder / "report.json", b"{}\n")
    return Corpus(folder)


def _read_turns(dataset: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields the id and the turns of each conversation, in the order of the ids."""
    try:
        conversations = msgspec.json.decode(dataset.read_bytes(), type=dict[str, _Conversation])
    except (OSError, msgspec.DecodeError) as error:
        raise unreadable_dataset(dataset, error) from None
    for name, conversation in sorted(conversations.items()):
        yield name, conversation.turns()


def _number(conversation: str) -> int:
    """Returns a number that depends on the id alone, so that the choice is the same in every version of the data."""
    return int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:8], "big")

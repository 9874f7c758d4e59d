"""The corpus: dialogs on disk, in CakeChat's format."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from autocakechat.errors import UserError
from autocakechat.interface.origin import Origin

Part = Literal["train", "validation"]
T = TypeVar("T")


class Utterance(msgspec.Struct, frozen=True, gc=False, rename={"emotion": "condition"}):
    """A turn of one speaker.

    Attributes:
        text: The text.
        emotion: The label: an emotion, or any other class that an annotator assigns. Corpus files call it `condition`.
        messages: Positions, within the chat, of the messages that make up the text; empty if read from a corpus file.
    """

    text: str
    emotion: str = "neutral"
    messages: tuple[int, ...] = ()


class Dialog(msgspec.Struct, frozen=True, gc=False):
    """A conversation: turns of the clients and the server (the person to learn), alternating.

    The first turn is a client's, the last one the server's. A pair of a message and its reply is a dialog of two turns.

    Attributes:
        chat: Id of its chat.
        started: When its first message was sent, in seconds since 1970, UTC.
        utterances: The turns, oldest first; an even number.
    """

    chat: str
    started: int
    utterances: tuple[Utterance, ...]


class _TurnOrigin(msgspec.Struct, frozen=True, gc=False):
    """What a turn in a corpus file says about the origin of its dialog: only the first one does."""

    origin: Origin = Origin()


class Corpus:
    """A corpus folder: `train.jsonl`, `validation.jsonl` (one dialog per line) and `report.json`.

    A dialog is a JSON list of `{"text": ..., "condition": ...}`, CakeChat's format. Its first turn also has the key
    `origin`.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def dialogs(self, part: Part) -> Iterator[tuple[Utterance, ...]]:
        """Reads the dialogs of one part, lazily.

        Args:
            part: `train` for the training set, `validation` for the held-out set.

        Raises:
            ValueError: There is no such part.
            UserError: The file is missing or damaged.
        """
        return self._read(part, tuple[Utterance, ...])

    def origins(self, part: Part) -> Iterator[Origin]:
        """Reads where each dialog of one part is from, lazily and in the order of `dialogs`.

        Args:
            part: `train` for the training set, `validation` for the held-out set.

        Raises:
            ValueError: There is no such part.
            UserError: The file is missing or damaged.
        """
        return (turns[0].origin if turns else Origin() for turns in self._read(part, tuple[_TurnOrigin, ...]))

    def _read(self, part: Part, dialog: type[T]) -> Iterator[T]:
        """Reads the lines of one part as a type of dialogs."""
        if part not in typing.get_args(Part):
            raise ValueError(f"a corpus has the parts 'train' and 'validation', not {part!r}")
        file = self.path / f"{part}.jsonl"
        decoder = msgspec.json.Decoder(dialog)
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        yield decoder.decode(line)
                    except msgspec.DecodeError as error:
                        raise UserError(
                            f"{file}:{number}: damaged corpus: {error}", "run: acc run --force corpus"
                        ) from None
        except FileNotFoundError:
            raise UserError(f"{file}: no such file", "run: acc run --force corpus") from None

    @property
    def report(self) -> dict[str, Any]:
        """The report of how the corpus was made: messages read, kept and dropped."""
        report: dict[str, Any] = msgspec.json.decode((self.path / "report.json").read_bytes())
        return report

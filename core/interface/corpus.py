"""The corpus: dialogs on disk, in the form that CakeChat reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from autocakechat.errors import UserError

Part = Literal["train", "validation"]


class Utterance(msgspec.Struct, frozen=True, gc=False, rename={"emotion": "condition"}):
    """A turn of one speaker.

    Attributes:
        text: What was said.
        emotion: A label: an emotion, or anything else an annotator tells utterances apart by.
        messages: Positions in their chat of the messages whose text this is; empty once read back from a corpus.
    """

    text: str
    emotion: str = "neutral"
    messages: tuple[int, ...] = ()


class Dialog(msgspec.Struct, frozen=True, gc=False):
    """Utterances that belong together.

    Speakers take turns: the first utterance is the client's, the last one the server's (the person being learnt). A
    pair of question and answer is a dialog of two.

    Attributes:
        chat: Id of the chat it stands in.
        started: When its first message was sent, in seconds since 1970, UTC.
        utterances: The turns, oldest first; an even number.
    """

    chat: str
    started: int
    utterances: tuple[Utterance, ...]


class Corpus:
    """A corpus folder: `train.jsonl`, `validation.jsonl` (one dialog a line) and `report.json`.

    A line is a JSON list of `{"text": ..., "condition": ...}`, as CakeChat reads it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def dialogs(self, part: Part) -> Iterator[tuple[Utterance, ...]]:
        """Reads the dialogs of one part, one after the other.

        Raises:
            UserError: The file is missing or damaged.
        """
        file = self.path / f"{part}.jsonl"
        decoder = msgspec.json.Decoder(tuple[Utterance, ...])
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        yield decoder.decode(line)
                    except msgspec.DecodeError as error:
                        raise UserError(
                            f"{file}:{number}: damaged corpus: {error}", "run with --force corpus"
                        ) from None
        except FileNotFoundError:
            raise UserError(f"{file}: no such file", "run with --force corpus") from None

    @property
    def report(self) -> dict[str, Any]:
        """What was read, kept and dropped when the corpus was made."""
        report: dict[str, Any] = msgspec.json.decode((self.path / "report.json").read_bytes())
        return report

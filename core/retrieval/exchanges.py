"""Exchanges on disk: the person's replies with the lines before them, read by memory mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autocakechat.interface.corpus import Corpus, Part, Utterance

if TYPE_CHECKING:
    import numpy as np

_TEXTS = "exchanges.jsonl"
_OFFSETS = "offsets.npy"


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """A reply of the person in its context.

    Attributes:
        context: The turns before the reply, oldest first; the reply is to the last one.
        reply: The reply.
        label: The label of the reply.
    """

    context: tuple[str, ...]
    reply: str
    label: str = "neutral"


def exchanges_of(dialog: Sequence[Utterance], context_lines: int) -> Iterator[Exchange]:
    """Yields the exchanges of a dialog: its replies, which are every second turn, with the turns before them."""
    for place in range(1, len(dialog), 2):
        context = dialog[max(0, place - context_lines) : place]
        yield Exchange(tuple(turn.text for turn in context), dialog[place].text, dialog[place].emotion)


def read_exchanges(corpus: Corpus, part: Part, context_lines: int) -> Iterator[Exchange]:
    """Yields the exchanges of one part of a corpus."""
    for dialog in corpus.dialogs(part):
        yield from exchanges_of(dialog, context_lines)


def write_exchanges(folder: Path, exchanges: Iterable[Exchange]) -> int:
    """Writes exchanges, one a line, and where each line begins.

    Returns:
        The number of exchanges.
    """
    import numpy as np

    encoder = msgspec.json.Encoder()
    offsets = [0]
    with (folder / _TEXTS).open("wb") as file:
        for exchange in exchanges:
            offsets.append(offsets[-1] + file.write(encoder.encode(exchange) + b"\n"))
    np.save(folder / _OFFSETS, np.array(offsets, np.int64), allow_pickle=False)
    return len(offsets) - 1


class ExchangeFile(Sequence[Exchange]):
    """Exchanges that `write_exchanges` wrote. Only those that are asked for are read.

    Args:
        folder: Their folder.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._offsets: np.ndarray[tuple[int], np.dtype[np.int64]] = np.load(folder / _OFFSETS, mmap_mode="r")
        self._bytes = np.memmap(folder / _TEXTS, np.uint8, mode="r")
        self._decoder = msgspec.json.Decoder(Exchange)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> Exchange:  # type: ignore[override]  # no slices
        if not 0 <= number < len(self):
            raise IndexError(number)
        start, end = self._offsets[number : number + 2]
        return self._decoder.decode(self._bytes[start:end].tobytes())

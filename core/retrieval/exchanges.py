"""Exchanges on disk: the person's replies with the lines before them, read by memory mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from autocakechat.interface.corpus import Corpus, Part, Utterance
from autocakechat.interface.model_file import damaged_file, require_file
from autocakechat.retrieval.array_files import open_array, require_offsets

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


def last_turn(context: Sequence[str]) -> str:
    """Returns the turn that a reply is to; an empty one if a context has none."""
    return context[-1] if context else ""


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

    Raises:
        UserError: A file is missing or damaged. Damage in an exchange is found when it is read.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._file = folder / _TEXTS
        require_file(self._file)
        self._offsets = open_array(folder / _OFFSETS, np.int64, None)
        require_offsets(self._offsets, self._file.stat().st_size, folder / _OFFSETS)
        if len(self._offsets) < 2:
            raise damaged_file(self._file, "contains no exchange")
        try:
            self._bytes = np.memmap(self._file, np.uint8, mode="r")
        except (OSError, ValueError) as error:  # a ValueError if the file is empty
            raise damaged_file(self._file, f"cannot be read: {error}") from None
        self._decoder = msgspec.json.Decoder(Exchange)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> Exchange:  # type: ignore[override]  # no slices
        if not 0 <= number < len(self):
            raise IndexError(number)
        start, end = self._offsets[number : number + 2]
        try:
            exchange = self._decoder.decode(self._bytes[start:end].tobytes())
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise damaged_file(self._file, f"line {number + 1} cannot be read: {error}") from None
        if not exchange.context:
            raise damaged_file(self._file, f"line {number + 1} has no context")
        return exchange

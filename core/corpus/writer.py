"""Writes the corpus, so that every extractor's dialogs get the same care.

On its way into the corpus a dialog is masked, dropped if the same one was written before, cut around answers that were
given too often, and at the end put into one of two files by its time. What came of its messages goes into the ledger of
their chat, all the rest into the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType

import msgspec
from xxhash import xxh3_64_intdigest

from autocakechat.corpus.masking import Masker
from autocakechat.corpus.occurrence_table import OccurrenceCounter
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import PartReport, Report, ReportBuilder, WriterStatistics
from autocakechat.corpus.spool import Spool
from autocakechat.errors import full_disk, is_full_disk
from autocakechat.interface.chatlog import Ledger
from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.statistics.dialog_statistics import DialogStatistics, PairSampler
from autocakechat.text import repair_surrogates

DUPLICATE = "duplicate"
OVERUSED_REPLY = "same answer too often"
_PENDING_BYTES = 1 << 16  # What is pending longer falls out of the cache of the processor before it is counted.
_UTTERANCES_BETWEEN_RESTS = 1 << 16
# Stands between texts; JSON leaves it as it is, and hardly a text has it.
_SEAM = "\x7f"
_ENCODED_SEAM = _SEAM.encode()


class _Encoder:
    """Makes lines of the corpus: `[{"text": ..., "condition": ...}, ...]`."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, utterances: Sequence[Utterance]) -> tuple[bytes, bytes]:
        """Encodes a dialog.

        Returns:
            Its line, and its texts alone: equal for equal texts, and for no others.
        """
        encode = self._encode
        texts = [utterance.text for utterance in utterances]
        emotions = {utterance.emotion for utterance in utterances}
        # All texts are encoded as one and taken apart again: one after the other they take twice as long.
        joined = encode(_SEAM.join(texts))
        if joined.count(_ENCODED_SEAM) != len(texts) - 1:
            joined = encode(texts)
        elif len(emotions) == 1:
            condition = b'","condition":' + encode(emotions.pop()) + b"}"
            seam = condition + b',{"text":"'
            return b'[{"text":' + joined[:-1].replace(_ENCODED_SEAM, seam) + condition + b"]", joined
        each = [
            b'{"text":%b,"condition":%b}' % (encode(utterance.text), encode(utterance.emotion))
            for utterance in utterances
        ]
        return b"[" + b",".join(each) + b"]", joined


class CorpusWriter:
    """Writes dialogs into a corpus folder.

    Args:
        folder: An empty folder; whoever made it syncs it and gives it its final place when everything is written.
        options: How to write.
        seed: Chooses the sample pairs of the report.

    Example:
        ```python
        with CorpusWriter(folder, options, seed) as writer:
            for dialog in dialogs:
                writer.write(dialog, builder.ledger(dialog.chat))
            report = writer.finish(builder)
        ```
    """

    def __init__(self, folder: Path, options: CorpusOptions, seed: int) -> None:
        self._folder = folder
        self._options = options
        self._encode = _Encoder()
        self._masker = Masker(options.mask, options.phone_regions)
        with _room(folder), ExitStack() as opened:
            self._dialogs = opened.enter_context(closing(OccurrenceCounter(folder, 1)))
            self._answers = opened.enter_context(closing(OccurrenceCounter(folder, options.same_answer)))
            self._spool = opened.enter_context(closing(Spool(folder)))
            self._opened = opened.pop_all()
        self._pending = _Pending()
        self._figures: dict[Ledger, DialogStatistics] = {}
        self._masked: Counter[str] = Counter()
        self._duplicates = 0
        self._surplus = 0
        self._restless = 0
        self._samples = PairSampler(seed)

    def __enter__(self) -> CorpusWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with _room(self._folder):
            self._opened.close()
            if isinstance(error, OSError):
                raise error

    def write(self, dialog: Dialog, ledger: Ledger) -> None:
        """Takes a dialog into the corpus, or drops what of it does not belong there.

        Args:
            dialog: The dialog.
            ledger: Where the messages of its chat are accounted for.

        Raises:
            ValueError: It does not go from the client to the server by turns.
        """
        utterances: Sequence[Utterance] = dialog.utterances
        if not utterances or len(utterances) % 2:
            raise ValueError(
                f"a dialog of {len(utterances)} utterances; it must be the client's and the server's turns"
            )
        try:
            line, texts = self._encode(utterances)
        except UnicodeEncodeError:
            utterances = [_changed(utterance, repair_surrogates(utterance.text)) for utterance in utterances]
            line, texts = self._encode(utterances)
        if self._masker.suspects(texts):
            mask, found = self._masker.mask, self._masked
            utterances = [_changed(utterance, mask(utterance.text, found)) for utterance in utterances]
            line, texts = self._encode(utterances)
        if not self._dialogs.add(xxh3_64_intdigest(texts)):
            self._duplicates += 1
            _drop(utterances, ledger, DUPLICATE)
            return
        fresh = list(map(self._answers.add, map(_hash, utterances[1::2])))
        if all(fresh):
            self._put(line, utterances, dialog.started, ledger)
        else:
            self._write_around(fresh, utterances, dialog.started, ledger)

    def finish(self, report: ReportBuilder) -> Report:
        """Splits the dialogs in time, and writes both parts and the report.

        Args:
            report: Knows the chats that were read.

        Returns:
            The report.

        Raises:
            UserError: There is nothing to learn from; the message says why.
            PluginError: Messages are left of which nobody knows what became of them.
        """
        self._flush()
        cut = self._spool.cut(self._options.validation)
        train, validation = self._folder / "train.jsonl", self._folder / "validation.jsonl"
        with train.open("wb") as early, validation.open("wb") as late:
            counts = self._spool.split(cut, early, late)
        finished = report.finish(
            WriterStatistics(
                figures=self._figures,
                train=PartReport(*counts[0]),
                validation=PartReport(*counts[1]),
                split=cut[0] if counts[1][0] else None,
                masked={kind: self._masked[kind] for kind in sorted(self._masked)},
                duplicates=self._duplicates,
                surplus=self._surplus,
                samples=self._samples.chosen(),
            )
        )
        (self._folder / "report.json").write_bytes(finished.to_json())
        return finished

    def _write_around(self, fresh: list[bool], utterances: Sequence[Utterance], started: int, ledger: Ledger) -> None:
        """Writes what lies before, between and after the pairs whose answer was given too often."""
        surplus = [2 * pair for pair, is_fresh in enumerate(fresh) if not is_fresh]
        self._surplus += len(surplus)
        begin = 0
        for place in [*surplus, len(utterances)]:
            self._write_piece(utterances[begin:place], started, ledger)
            begin = place + 2
            _drop(utterances[place:begin], ledger, OVERUSED_REPLY)

    def _write_piece(self, utterances: Sequence[Utterance], started: int, ledger: Ledger) -> None:
        if not utterances:
            return
        line, texts = self._encode(utterances)
        if self._dialogs.add(xxh3_64_intdigest(texts)):
            self._put(line, utterances, started, ledger)
            return
        for answer in utterances[1::2]:
            self._answers.take_back(_hash(answer))
        _drop(utterances, ledger, DUPLICATE)

    def _put(self, line: bytes, utterances: Sequence[Utterance], started: int, ledger: Ledger) -> None:
        pending = self._pending
        if pending.ledger is not ledger or pending.bytes >= _PENDING_BYTES:
            self._flush()
            pending.ledger = ledger
        pending.lines.append(line)
        pending.bytes += len(line)
        pending.started.append(started)
        pending.dialogs.append(utterances)

    def _flush(self) -> None:
        """Accounts for what was written of a chat, many dialogs at once: one by one would take twice as long."""
        pending = self._pending
        if pending.ledger is None:
            return
        utterances = list(chain.from_iterable(pending.dialogs))
        for dialog in pending.dialogs:
            pending.ledger.keep(chain.from_iterable([utterance.messages for utterance in dialog]))
        turns = list(map(len, pending.dialogs))
        texts = [utterance.text for utterance in utterances]
        self._figures.setdefault(pending.ledger, DialogStatistics()).add(
            turns, questions=texts[::2], answers=texts[1::2]
        )
        self._samples.offer(pending.dialogs)
        self._spool.extend(pending.lines, pending.started, [number // 2 for number in turns])
        pending.clear()
        self._restless += len(utterances)
        if self._restless >= _UTTERANCES_BETWEEN_RESTS:
            self._dialogs.release_pages()
            self._answers.release_pages()
            self._restless = 0


class _Pending:
    """Dialogs of one chat that are accepted, and not counted or spooled yet."""

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self.clear()

    def clear(self) -> None:
        """Starts anew, with the same chat."""
        self.bytes = 0
        self.lines: list[bytes] = []
        self.started: list[int] = []
        self.dialogs: list[Sequence[Utterance]] = []


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Tells in a line that a disk is full."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise full_disk(error, folder) from error


def _drop(utterances: Sequence[Utterance], ledger: Ledger, reason: str) -> None:
    for utterance in utterances:
        for position in utterance.messages:
            ledger.drop(position, reason)


def _hash(utterance: Utterance) -> int:
    return xxh3_64_intdigest(utterance.text.encode())


def _changed(utterance: Utterance, text: str) -> Utterance:
    return Utterance(text, utterance.emotion, utterance.messages)

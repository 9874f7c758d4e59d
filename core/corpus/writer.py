"""Writes the corpus: the same steps for the dialogs of every extractor.

A dialog is masked, dropped if the corpus already contains it, cut around replies that occur too often, and at the end
written to one of two files by its time. The ledger of its chat records what happened to its messages, the report has
the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType

from xxhash import xxh3_64_intdigest

from autocakechat.corpus.dialog_origin import origin_of, with_origin
from autocakechat.corpus.encoder import DialogEncoder, repair_texts
from autocakechat.corpus.masking.dialog_masker import MaskedTexts
from autocakechat.corpus.masking.masker import Masker
from autocakechat.corpus.occurrence_table import OccurrenceCounter
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import Report
from autocakechat.corpus.report_builder import ReportBuilder, WriterStatistics
from autocakechat.corpus.time_split import TimeSplitter
from autocakechat.errors import full_disk, is_full_disk
from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.interface.ledger import Ledger
from autocakechat.statistics.dialog_statistics import DialogStatistics, PairSampler

DUPLICATE = "duplicate"
OVERUSED_REPLY = "same reply too often"
_PENDING_BYTES = 1 << 16  # more would leave the processor's cache before it is counted
_UTTERANCES_BETWEEN_RELEASES = 1 << 16


class CorpusWriter:
    """Writes dialogs into a corpus folder.

    Args:
        folder: An empty folder. The caller syncs it to disk and moves it to its final place.
        options: The options of the table `[corpus]`.
        seed: Seed of the sample pairs in the report.

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
        self._encode = DialogEncoder()
        self._masker = Masker(options.mask, options.phone_regions)
        with _full_disk_as_user_error(folder), ExitStack() as opened:
            self._dialogs = opened.enter_context(closing(OccurrenceCounter(folder, limit=1)))
            self._replies = opened.enter_context(closing(OccurrenceCounter(folder, limit=options.same_answer)))
            self._splitter = opened.enter_context(closing(TimeSplitter(folder)))
            self._opened = opened.pop_all()
        self._pending = _PendingDialogs()
        self._statistics: dict[Ledger, DialogStatistics] = {}
        self._masked: Counter[str] = Counter()
        self._duplicates = 0
        self._overused_replies = 0
        self._utterances_since_release = 0
        self._sampler = PairSampler(seed)

    def __enter__(self) -> CorpusWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with _full_disk_as_user_error(self._folder):
            self._opened.close()
            if isinstance(error, OSError):
                raise error

    def write(self, dialog: Dialog, ledger: Ledger, masked: MaskedTexts | None = None) -> None:
        """Adds a dialog to the corpus, or drops the parts of it that do not belong there.

        Args:
            dialog: The dialog.
            ledger: The ledger of its chat.
            masked: Its masked texts, if another process has masked it.

        Raises:
            ValueError: The client's and the server's turns do not alternate.
        """
        utterances: Sequence[Utterance] = dialog.utterances
        if not utterances or len(utterances) % 2:
            raise ValueError(
                f"a dialog of {len(utterances)} utterances; the client's and the server's turns must alternate"
            )
        try:
            line, texts = self._encode(utterances)
        except UnicodeEncodeError:
            utterances = repair_texts(utterances)
            line, texts = self._encode(utterances)
        if masked is not None:
            if masked.texts:
                utterances = list(map(_with_text, utterances, masked.texts))
                line, texts = self._encode(utterances)
                self._masked.update(masked.counts)
        elif self._masker.may_match(texts):
            mask, counts = self._masker.mask, self._masked
            before = [utterance.text for utterance in utterances]
            after = [mask(text, counts) for text in before]
            if after != before:
                utterances = list(map(_with_text, utterances, after))
                line, texts = self._encode(utterances)
        if not self._dialogs.add(xxh3_64_intdigest(texts)):
            self._duplicates += 1
            _drop(utterances, ledger, DUPLICATE)
            return
        accepted = list(map(self._replies.add, map(_hash, utterances[1::2])))
        if all(accepted):
            self._accept(line, utterances, dialog, ledger)
        else:
            self._write_without_overused_replies(accepted, utterances, dialog, ledger)

    def finish(self, builder: ReportBuilder) -> Report:
        """Splits the dialogs by time, and writes both parts and the report.

        Args:
            builder: The report builder that all chats were added to.

        Returns:
            The report.

        Raises:
            UserError: The corpus has no pairs; the message counts the dropped messages by reason.
            PluginError: The extractor did not account for every message.
        """
        self._flush()
        split = self._splitter.split_point(self._options.validation)
        train_file, validation_file = self._folder / "train.jsonl", self._folder / "validation.jsonl"
        with train_file.open("wb") as train_lines, validation_file.open("wb") as held_out_lines:
            train, validation = self._splitter.split(split, train_lines, held_out_lines)
        report = builder.finish(
            WriterStatistics(
                chats=self._statistics,
                train=train,
                validation=validation,
                split=split[0] if validation.dialogs else None,
                masked={kind: self._masked[kind] for kind in sorted(self._masked)},
                duplicates=self._duplicates,
                overused_replies=self._overused_replies,
                samples=self._sampler.samples(),
            )
        )
        (self._folder / "report.json").write_bytes(report.to_json())
        return report

    def _write_without_overused_replies(
        self, accepted: list[bool], utterances: Sequence[Utterance], dialog: Dialog, ledger: Ledger
    ) -> None:
        """Drops the pairs whose reply occurs too often, and writes the pieces before, between and after them.

        Args:
            accepted: For each pair, whether its reply may occur once more.
            utterances: The turns of the dialog.
            dialog: The dialog, before masking.
            ledger: The ledger of its chat.
        """
        overused = [2 * pair for pair, is_accepted in enumerate(accepted) if not is_accepted]
        self._overused_replies += len(overused)
        start = 0
        for end in [*overused, len(utterances)]:
            self._write_piece(utterances[start:end], dialog, ledger)
            start = end + 2
            _drop(utterances[end:start], ledger, OVERUSED_REPLY)

    def _write_piece(self, utterances: Sequence[Utterance], dialog: Dialog, ledger: Ledger) -> None:
        """Writes a piece of a dialog whose replies are already counted, unless the corpus already contains it."""
        if not utterances:
            return
        line, texts = self._encode(utterances)
        if self._dialogs.add(xxh3_64_intdigest(texts)):
            self._accept(line, utterances, dialog, ledger)
            return
        for reply in utterances[1::2]:
            self._replies.undo_add(_hash(reply))
        _drop(utterances, ledger, DUPLICATE)

    def _accept(self, line: bytes, utterances: Sequence[Utterance], dialog: Dialog, ledger: Ledger) -> None:
        pending = self._pending
        if pending.ledger is not ledger or pending.bytes >= _PENDING_BYTES:
            self._flush()
            pending.ledger = ledger
        line = with_origin(line, origin_of(dialog.chat, utterances, ledger))
        pending.lines.append(line)
        pending.bytes += len(line)
        pending.started.append(dialog.started)
        pending.dialogs.append(utterances)

    def _flush(self) -> None:
        """Counts and stores the pending dialogs of a chat: many at once takes half the time of one by one."""
        pending = self._pending
        if pending.ledger is None:
            return
        for dialog in pending.dialogs:
            pending.ledger.keep(chain.from_iterable([utterance.messages for utterance in dialog]))
        pairs = [len(dialog) // 2 for dialog in pending.dialogs]
        texts = [utterance.text for utterance in chain.from_iterable(pending.dialogs)]
        statistics = self._statistics.setdefault(pending.ledger, DialogStatistics())
        statistics.add(pairs, client_turns=texts[::2], replies=texts[1::2])
        replies = chain.from_iterable([dialog[1::2] for dialog in pending.dialogs])
        reply_messages = chain.from_iterable([reply.messages for reply in replies])
        statistics.reply_senders.update(pending.ledger.count_senders(reply_messages))
        self._sampler.offer(pending.dialogs)
        self._splitter.extend(pending.lines, pending.started, pairs)
        pending.clear()
        self._release_pages_at_times(len(texts))

    def _release_pages_at_times(self, utterances: int) -> None:
        self._utterances_since_release += utterances
        if self._utterances_since_release >= _UTTERANCES_BETWEEN_RELEASES:
            self._dialogs.release_pages()
            self._replies.release_pages()
            self._utterances_since_release = 0


class _PendingDialogs:
    """Dialogs of one chat that are accepted, but not yet counted and stored."""

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self.clear()

    def clear(self) -> None:
        """Removes the dialogs, but keeps the chat."""
        self.bytes = 0
        self.lines: list[bytes] = []
        self.started: list[int] = []
        self.dialogs: list[Sequence[Utterance]] = []


@contextmanager
def _full_disk_as_user_error(folder: Path) -> Iterator[None]:
    """Turns the error for a full disk into one with a one-line message."""
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


def _with_text(utterance: Utterance, text: str) -> Utterance:
    return Utterance(text, utterance.emotion, utterance.messages)

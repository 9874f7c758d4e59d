"""Reads several inputs in parallel, each in another process, and yields their dialogs in the order of the inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import attrs
import msgspec

from autocakechat.config.pipeline import StageT
from autocakechat.corpus.encoder import repair_texts
from autocakechat.corpus.masking.dialog_masker import UNCHANGED, DialogMasker, MaskedTexts
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.display.progress import silent_progress
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.stage_types import Input
from autocakechat.pipeline.reading.executor import Executor
from autocakechat.pipeline.reading.extraction import BoundStage, Extraction
from autocakechat.pipeline.reading.worker_processes import (
    LogRecord,
    available_cpus,
    forward_logs,
    is_picklable,
    total_size,
)

# Starting the processes takes about as long as reading this much.
MIN_BYTES = 16_000_000
_DIALOGS_PER_BATCH = 256


@attrs.frozen
class _InputSummary:
    """The result of reading an input, besides its dialogs."""

    report: ReportBuilder
    logs: list[LogRecord]


class _Batch(msgspec.Struct, frozen=True):
    """Some dialogs of an input, on their way from another process.

    Attributes:
        dialogs: The dialogs.
        masked: The masked texts of those in which something is masked, by number.
    """

    dialogs: tuple[Dialog, ...]
    masked: dict[int, MaskedTexts]


def is_worthwhile(
    extraction: Extraction, inputs: Sequence[Input], *, cpus: int | None = None, min_bytes: int = MIN_BYTES
) -> bool:
    """Returns whether reading inputs in parallel on this machine is possible, and faster than one after the other.

    Args:
        extraction: The source and the extractor.
        inputs: The inputs.
        cpus: The number of CPUs; by default those that are available.
        min_bytes: The size of all inputs from which on worker processes pay off.
    """
    if (available_cpus() if cpus is None else cpus) < 2 or not is_possible(extraction, inputs):
        return False
    return total_size(inputs) >= min_bytes


def is_possible(extraction: Extraction, inputs: Sequence[Input]) -> bool:
    """Returns whether inputs can be read in parallel."""
    return len(inputs) >= 2 and is_picklable(extraction)


def extract_in_parallel(
    extraction: Extraction, corpus: CorpusOptions, inputs: Sequence[Input], report: ReportBuilder, executor: Executor
) -> Iterator[tuple[Dialog, MaskedTexts]]:
    """Reads inputs in other processes.

    Args:
        extraction: The source and the extractor.
        corpus: What to mask.
        inputs: The inputs.
        report: Receives the chats of each input before its dialogs are yielded.
        executor: Runs the processes.

    Yields:
        The dialogs, in the order of the inputs, and their masked texts.

    Raises:
        AccError: Any error that reading the inputs in this process would raise.
        StageError: A process was killed.
    """
    run = extraction.source.run
    decode = msgspec.msgpack.Decoder(_Batch).decode
    job = partial(_extract_input, extraction.with_progress(silent_progress), corpus)
    with (
        closing(executor.run_in_order(job, inputs)) as outputs,
        run.progress("reading", total=len(inputs), unit="inputs") as progress,
    ):
        for output in outputs:
            for record in output.result.logs:
                record.replay(run.log)
            report.merge(output.result.report)
            for batch in map(decode, output.chunks()):
                for number, dialog in enumerate(batch.dialogs):
                    yield dialog, batch.masked.get(number, UNCHANGED)
            progress.advance(1)


def _extract_input(
    extraction: Extraction, corpus: CorpusOptions, entry: Input
) -> Generator[bytes, None, _InputSummary]:
    """Reads an input, and yields its dialogs in batches, as MessagePack; runs in another process."""
    masker = DialogMasker(corpus)
    report = ReportBuilder(extraction.extractor.owner)
    logs: list[LogRecord] = []
    forward_logs(logs.append)
    encode = msgspec.msgpack.Encoder().encode
    with _on_this_machine(extraction) as local:
        for chat in local.chats(entry):
            report.add_chat(chat)
            dialogs = local.dialogs(chat)
            while batch := [_mask(masker, dialog) for dialog in islice(dialogs, _DIALOGS_PER_BATCH)]:
                masked = {number: texts for number, (_, texts) in enumerate(batch) if texts is not UNCHANGED}
                yield encode(_Batch(tuple(dialog for dialog, _ in batch), masked))
    return _InputSummary(report, logs)


def _mask(masker: DialogMasker, dialog: Dialog) -> tuple[Dialog, MaskedTexts]:
    """Returns a dialog that MessagePack can encode, and its masked texts."""
    try:
        return dialog, masker.mask(dialog)
    except UnicodeEncodeError:
        dialog = msgspec.structs.replace(dialog, utterances=repair_texts(dialog.utterances))
        return dialog, masker.mask(dialog)


@contextmanager
def _on_this_machine(extraction: Extraction) -> Iterator[Extraction]:
    """Gives stages a temporary state folder if theirs does not exist, because this is another machine."""
    with ExitStack() as folders:

        def localize(bound: BoundStage[StageT]) -> BoundStage[StageT]:
            if bound.run.state.is_dir():
                return bound
            folder = folders.enter_context(tempfile.TemporaryDirectory(prefix="acc-"))
            return attrs.evolve(bound, run=attrs.evolve(bound.run, state=Path(folder)))

        yield Extraction(localize(extraction.source), localize(extraction.extractor))

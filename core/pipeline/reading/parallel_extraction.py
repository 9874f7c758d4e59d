"""Reads several inputs in parallel, each in a worker process, and yields their dialogs in the order of the inputs.

A worker writes the dialogs of its input to a spool file, which is read when it is the turn of that input. So memory
stays bounded however far the workers are ahead of each other.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.display.progress import silent_progress
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.stage_types import Input
from autocakechat.pipeline.reading.extraction import Extraction
from autocakechat.pipeline.reading.worker_processes import (
    LogRecord,
    available_cpus,
    forward_logs,
    is_picklable,
    restore_default_signals,
    total_size,
    worker_killed,
)

# Starting the processes takes about as long as reading this much.
MIN_BYTES = 16_000_000
# So many inputs more than there are workers are submitted: no worker is idle while dialogs are written here.
_EXTRA_INPUTS = 2
_DIALOGS_PER_BATCH = 256
_LENGTH_BYTES = 4


@attrs.frozen
class _WorkerResult:
    """The result of reading an input, besides the dialogs in its spool file."""

    report: ReportBuilder
    logs: list[LogRecord]


@attrs.frozen
class _Submitted:
    """An input that is being read, or waits for a worker."""

    result: Future[_WorkerResult]
    spool: Path


def is_worthwhile(
    extraction: Extraction, inputs: Sequence[Input], *, cpus: int | None = None, min_bytes: int = MIN_BYTES
) -> bool:
    """Returns whether reading inputs in parallel is possible, and faster than one after the other.

    Args:
        extraction: The source and the extractor.
        inputs: The inputs.
        cpus: The number of CPUs; by default those that are available.
        min_bytes: The size of all inputs from which on worker processes pay off.
    """
    if len(inputs) < 2 or (available_cpus() if cpus is None else cpus) < 2:
        return False
    return total_size(inputs) >= min_bytes and is_picklable(extraction)


def extract_in_parallel(extraction: Extraction, inputs: Sequence[Input], report: ReportBuilder) -> Iterator[Dialog]:
    """Reads inputs in worker processes.

    Args:
        extraction: The source and the extractor.
        inputs: The inputs.
        report: Receives the chats of each input before its dialogs are yielded.

    Yields:
        The dialogs, in the order of the inputs.

    Raises:
        AccError: Any error that reading the inputs in this process would raise.
        StageError: A worker process was killed.
    """
    context = multiprocessing.get_context("spawn")
    # A pipe and not an Event: `Event.set` blocks forever if a process that waits for the event was killed.
    stopped, stop = context.Pipe(duplex=False)
    workers = min(available_cpus(), len(inputs))
    run = extraction.source.run
    with (
        stopped,
        stop,
        tempfile.TemporaryDirectory(prefix="acc-") as folder,
        ProcessPoolExecutor(workers, context, initializer=_initialize_worker, initargs=(stopped,)) as pool,
        run.progress("reading", total=len(inputs), unit="inputs") as progress,
    ):
        submitted: deque[_Submitted] = deque()
        submissions = _submit_all(pool, extraction.with_progress(silent_progress), inputs, Path(folder))
        try:
            while True:
                submitted.extend(islice(submissions, workers + _EXTRA_INPUTS - len(submitted)))
                if not submitted:
                    return
                current = submitted.popleft()
                result = current.result.result()
                for record in result.logs:
                    record.replay(run.log)
                report.merge(result.report)
                yield from _read_dialogs(current.spool)
                current.spool.unlink()
                progress.advance(1)
        except BrokenProcessPool:
            raise worker_killed() from None
        finally:
            stop.close()
            for waiting in submitted:
                waiting.result.cancel()


def _submit_all(
    pool: ProcessPoolExecutor, extraction: Extraction, inputs: Sequence[Input], folder: Path
) -> Iterator[_Submitted]:
    """Submits one input at each step."""
    for number, entry in enumerate(inputs):
        spool = folder / str(number)
        yield _Submitted(pool.submit(_extract_in_worker, extraction, entry, spool), spool)


def _extract_in_worker(extraction: Extraction, entry: Input, spool: Path) -> _WorkerResult:
    """Reads an input and writes its dialogs to a spool file; runs in a worker process."""
    report = ReportBuilder(extraction.extractor.owner)
    logs: list[LogRecord] = []
    forward_logs(logs.append)
    with spool.open("wb") as file:
        for chat in extraction.chats(entry):
            report.add_chat(chat)
            _write_dialogs(file, extraction.dialogs(chat))
    return _WorkerResult(report, logs)


def _write_dialogs(file: BinaryIO, dialogs: Iterator[Dialog]) -> None:
    """Appends dialogs to a spool file: batches as MessagePack, each after its length in bytes."""
    encode = msgspec.msgpack.Encoder().encode
    while batch := list(islice(dialogs, _DIALOGS_PER_BATCH)):
        encoded = encode(batch)
        file.write(len(encoded).to_bytes(_LENGTH_BYTES, "little"))
        file.write(encoded)


def _read_dialogs(spool: Path) -> Iterator[Dialog]:
    decode = msgspec.msgpack.Decoder(tuple[Dialog, ...]).decode
    with spool.open("rb") as file:
        while length := file.read(_LENGTH_BYTES):
            yield from decode(file.read(int.from_bytes(length, "little")))


def _initialize_worker(stopped: Connection) -> None:
    """Makes a worker process exit when the main process has finished, is interrupted or is killed.

    Args:
        stopped: The reading end of a pipe. Its writing end is open in the main process alone, until that has finished.
    """
    restore_default_signals()

    def exit_with_main_process() -> None:
        wait([stopped])
        os._exit(1)

    threading.Thread(target=exit_with_main_process, daemon=True).start()

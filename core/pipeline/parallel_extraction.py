"""Reads several inputs at once, each in a process of its own, and hands their dialogs on in order.

A process writes the dialogs of its input into a file; they are read from there when it is the input's turn. So memory
stays bounded however far one process is ahead of another, and the dialogs come in the order of the inputs.
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
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.display.progress import silent_progress
from autocakechat.errors import StageError
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.stage_types import Input
from autocakechat.pipeline.extraction import Extraction
from autocakechat.pipeline.worker_processes import end_with_signals, is_picklable, log_to, processors

_BATCH = 256
_LENGTH = 4
# Starting processes takes about as long as reading this much.
_LEAST_BYTES = 16_000_000


@attrs.frozen
class _Extracted:
    """What came of an input, besides its dialogs: the chats with their ledgers, who wrote, and what was logged."""

    report: ReportBuilder
    records: list[tuple[int, str]]


def is_worthwhile(extraction: Extraction, entries: Sequence[Input]) -> bool:
    """Tells whether reading at once is faster than one by one, and possible."""
    if len(entries) < 2 or processors() < 2:
        return False
    if sum(path.stat().st_size for entry in entries for path in entry.paths) < _LEAST_BYTES:
        return False
    return is_picklable(extraction)


def extract_in_processes(extraction: Extraction, entries: Sequence[Input], report: ReportBuilder) -> Iterator[Dialog]:
    """Reads inputs in several processes.

    Args:
        extraction: What reads.
        entries: What to read.
        report: Learns of the chats, each input's before its dialogs are handed on.

    Returns:
        The dialogs, in the order of the inputs.

    Raises:
        AccError: What reading one by one would raise.
        StageError: A process was killed.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    run = extraction.source.run
    quiet = Extraction(
        extraction.source.with_progress(silent_progress), extraction.extractor.with_progress(silent_progress)
    )
    processes = min(processors(), len(entries))
    with (
        tempfile.TemporaryDirectory(prefix="acc-") as folder,
        ProcessPoolExecutor(processes, context, initializer=_prepare_process, initargs=(stop,)) as pool,
        run.progress("reading", total=len(entries), unit="inputs") as progress,
    ):
        waiting: deque[tuple[Future[_Extracted], Path]] = deque()
        left = iter(enumerate(entries))
        try:
            while True:
                # A few more than there are processes, so that none is idle while the dialogs of another are written.
                while len(waiting) < processes + 2 and (following := next(left, None)):
                    spool = Path(folder) / str(following[0])
                    waiting.append((pool.submit(_extract, quiet, following[1], spool), spool))
                if not waiting:
                    return
                future, spool = waiting.popleft()
                extracted = future.result()
                for level, message in extracted.records:
                    run.log.log(level, "%s", message)
                report.merge(extracted.report)
                yield from _read_dialogs(spool)
                spool.unlink()
                progress.advance(1)
        except BrokenProcessPool:
            raise StageError("a process that read was killed", "is there enough memory?") from None
        finally:
            stop.set()
            for future, _ in waiting:
                future.cancel()


def _extract(extraction: Extraction, entry: Input, spool: Path) -> _Extracted:
    """Runs in another process: reads an input and writes its dialogs into a file."""
    report = ReportBuilder(extraction.extractor.owner)
    records: list[tuple[int, str]] = []
    log_to(lambda level, message: records.append((level, message)))
    with spool.open("wb") as file:
        for chat in extraction.chats(entry):
            report.add_chat(chat)
            _write_dialogs(file, extraction.dialogs(chat))
    return _Extracted(report, records)


def _write_dialogs(file: BinaryIO, dialogs: Iterator[Dialog]) -> None:
    encode = msgspec.msgpack.Encoder().encode
    while batch := list(islice(dialogs, _BATCH)):
        encoded = encode(batch)
        file.write(len(encoded).to_bytes(_LENGTH, "little"))
        file.write(encoded)


def _read_dialogs(spool: Path) -> Iterator[Dialog]:
    decode = msgspec.msgpack.Decoder(tuple[Dialog, ...]).decode
    with spool.open("rb") as file:
        while length := file.read(_LENGTH):
            yield from decode(file.read(int.from_bytes(length, "little")))


def _prepare_process(stop: Event) -> None:
    """Makes a reading process end with the one that started it, whether that is done, interrupted or killed."""
    end_with_signals()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        while not stop.wait(0.2):
            if not parent.is_alive():
                break
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

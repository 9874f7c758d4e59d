"""Runs jobs in worker processes of this machine.

A worker writes the output for its item to a spool file, which is read when it is the turn of that item. So memory stays
bounded however far the workers are ahead of each other.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic

import attrs

from autocakechat.pipeline.reading.executor import ItemT, Job, Output, ResultT
from autocakechat.pipeline.reading.worker_processes import available_cpus, restore_default_signals, worker_killed

# So many items more than there are workers are submitted: no worker is idle while output is taken here.
_EXTRA_ITEMS = 2
_LENGTH_BYTES = 4


@attrs.frozen
class _SpooledOutput(Generic[ResultT]):
    """The output of a job, in a spool file."""

    result: ResultT
    _spool: Path

    def chunks(self) -> Iterator[bytes]:
        with self._spool.open("rb") as file:
            while length := file.read(_LENGTH_BYTES):
                yield file.read(int.from_bytes(length, "little"))


@attrs.frozen
class _Submitted:
    """An item that is being worked on, or waits for a worker."""

    result: Future[Any]
    spool: Path


class ProcessExecutor:
    """Runs jobs in as many worker processes as there are CPUs."""

    def run_in_order(self, job: Job[ItemT, ResultT], items: Sequence[ItemT]) -> Generator[Output[ResultT], None, None]:
        """Runs a job for each item; see `Executor`."""
        context = multiprocessing.get_context("spawn")
        # A pipe and not an Event: `Event.set` blocks forever if a process that waits for the event was killed.
        stopped, stop = context.Pipe(duplex=False)
        workers = min(available_cpus(), len(items))
        with (
            stopped,
            stop,
            tempfile.TemporaryDirectory(prefix="acc-") as folder,
            ProcessPoolExecutor(workers, context, initializer=_initialize_worker, initargs=(stopped,)) as pool,
        ):
            submitted: deque[_Submitted] = deque()
            submissions = _submit_all(pool, job, items, Path(folder))
            try:
                while True:
                    submitted.extend(islice(submissions, workers + _EXTRA_ITEMS - len(submitted)))
                    if not submitted:
                        return
                    current = submitted.popleft()
                    yield _SpooledOutput(current.result.result(), current.spool)
                    current.spool.unlink()
            except BrokenProcessPool:
                raise worker_killed() from None
            finally:
                stop.close()
                for waiting in submitted:
                    waiting.result.cancel()


def _submit_all(
    pool: ProcessPoolExecutor, job: Job[ItemT, ResultT], items: Sequence[ItemT], folder: Path
) -> Iterator[_Submitted]:
    """Submits one item at each step."""
    for number, item in enumerate(items):
        spool = folder / str(number)
        yield _Submitted(pool.submit(_run_in_worker, job, item, spool), spool)


def _run_in_worker(job: Job[ItemT, ResultT], item: ItemT, spool: Path) -> ResultT:
    """Runs a job for an item, and writes each chunk after its length in bytes; runs in a worker process."""
    output = job(item)
    with spool.open("wb") as file:
        while True:
            try:
                chunk = next(output)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            file.write(len(chunk).to_bytes(_LENGTH_BYTES, "little"))
            file.write(chunk)


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

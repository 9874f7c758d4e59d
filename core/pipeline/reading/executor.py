"""Runs jobs elsewhere, and streams their output back in order. The worker processes of this machine are one place."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
ResultT_co = TypeVar("ResultT_co", covariant=True)

Job = Callable[[ItemT], Generator[bytes, None, ResultT]]
"""Yields chunks for an item and returns a result. It can be pickled."""


class Output(Protocol[ResultT_co]):
    """The output of a job for one item, when the job has ended."""

    @property
    def result(self) -> ResultT_co:
        """What the job returned."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yields what the job yielded."""
        ...


class Executor(Protocol):
    """Runs jobs in other processes."""

    def run_in_order(self, job: Job[ItemT, ResultT], items: Sequence[ItemT]) -> Generator[Output[ResultT], None, None]:
        """Runs a job for each item, several at the same time.

        Args:
            job: The job.
            items: The items.

        Yields:
            The output for each item, in order. Take its chunks before the next output is requested.

        Raises:
            AccError: An error of the job.
            StageError: A process was killed.
        """
        ...

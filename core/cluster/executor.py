"""Runs jobs as Ray tasks, and streams their output back in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

import attrs

from autocakechat.cluster.connection import connected, ray_errors
from autocakechat.cluster.options import ClusterOptions
from autocakechat.cluster.payload import Outcome, Payload, attempt, result_of
from autocakechat.errors import StageError, UserError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Job = Callable[[ItemT], Generator[bytes, None, ResultT]]

# So many items more than there are CPUs are submitted: no CPU is idle while output is taken here.
_EXTRA_ITEMS = 2
_MIN_OBJECT_BYTES = 4_000_000
_MAX_ATTEMPTS = 4


@attrs.frozen
class _Stored(Generic[ResultT]):
    """The output of a task. Its chunks are in the memory or on the disk of the machine that ran it.

    Attributes:
        result: What the job returned.
        chunks: References to lists of chunks, in order.
    """

    result: ResultT
    chunks: list[Any]


@attrs.define
class RayOutput(Generic[ResultT]):
    """The output of a job for one item.

    Attributes:
        result: What the job returned.
    """

    result: ResultT
    _stored: _Stored[ResultT]
    _rerun: Callable[[], _Stored[ResultT]]

    def chunks(self) -> Iterator[bytes]:
        """Yields what the job yielded. If a machine is lost with the rest of it, the job is run again elsewhere.

        Raises:
            AccError: An error of the job, when it is run again.
            StageError: The output was lost several times, or the cluster failed.
        """
        for number in range(len(self._stored.chunks)):
            with ray_errors():
                chunks = self._fetch(number)
            self._stored.chunks[number] = None  # frees the memory of that machine
            yield from chunks

    def _fetch(self, number: int) -> list[bytes]:
        """Returns a list of chunks. If it was lost, the job is run again before."""
        import ray

        for _ in range(_MAX_ATTEMPTS - 1):
            with suppress(ray.exceptions.ObjectLostError):
                return ray.get(self._stored.chunks[number])  # type: ignore[no-any-return]
            self._stored = self._rerun()
        return ray.get(self._stored.chunks[number])  # type: ignore[no-any-return]


@attrs.frozen
class RayExecutor:
    """Runs jobs on the machines of a Ray cluster.

    Attributes:
        options: The cluster.
    """

    options: ClusterOptions

    def run_in_order(
        self, job: Job[ItemT, ResultT], items: Sequence[ItemT]
    ) -> Generator[RayOutput[ResultT], None, None]:
        """Runs a job for each item.

        A task whose machine is lost is run again on another one. Ray moves output that does not fit into memory to the
        disk of its machine, so this process needs memory for one piece of it only.

        Args:
            job: Yields chunks and returns a result: the same ones whenever it is run for an item.
            items: The items.

        Yields:
            The output for each item, in order.

        Raises:
            AccError: An error of the job; its message names the machine.
            StageError: The cluster failed.
            UserError: There is no such cluster, or it has no CPUs.
        """
        with connected(self.options):
            import ray

            cpus = int(ray.cluster_resources().get("CPU", 0))
            if not cpus:
                raise UserError("cluster: it has no CPUs", "add machines to the cluster")
            window = cpus + _EXTRA_ITEMS
            task = ray.remote(num_cpus=1, max_retries=_MAX_ATTEMPTS - 1)(_run_on_machine)
            submit = partial(task.remote, ray.put(Payload.of(job)))
            submissions = ((item, submit(item)) for item in items)
            submitted: deque[tuple[ItemT, Any]] = deque()
            while True:
                submitted.extend(islice(submissions, window - len(submitted)))
                if not submitted:
                    return
                item, reference = submitted.popleft()
                stored = _wait_for(reference)
                yield RayOutput(stored.result, stored, partial(_run_again, submit, item))


def _run_again(submit: Callable[[Any], Any], item: Any) -> _Stored[Any]:
    return _wait_for(submit(item))


def _wait_for(reference: Any) -> _Stored[Any]:
    import ray

    try:
        stored: _Stored[Any] = result_of(ray.get(reference))
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        message = f"a process or a machine of the cluster was killed {_MAX_ATTEMPTS} times while reading the same input"
        raise StageError(message, "the machines may be out of memory") from None
    return stored


def _run_on_machine(payload: Payload[Job[Any, Any]], item: Any) -> Outcome[_Stored[Any]]:
    """Runs a job for an item; runs in a Ray task."""
    return attempt(lambda: _store_output(payload.unpack()(item)))


def _store_output(output: Generator[bytes, None, ResultT]) -> _Stored[ResultT]:
    """Puts the chunks of a job into the object store of this machine, many at once."""
    import ray

    references: list[Any] = []
    chunks: list[bytes] = []
    size = 0
    while True:
        try:
            chunk = next(output)
        except StopIteration as end:
            if chunks:
                references.append(ray.put(chunks))
            return _Stored(end.value, references)
        chunks.append(chunk)
        size += len(chunk)
        if size >= _MIN_OBJECT_BYTES:
            references.append(ray.put(chunks))
            chunks, size = [], 0

"""One process of a group of workers that train together; runs on a machine of the cluster."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import attrs

from autocakechat.cluster.payload import Outcome, Payload, attempt
from autocakechat.interface.stage_types import Framework

_SCRATCH = "acc-cluster-"


class GroupTask(Protocol):
    """The work of each worker of a group. It can be pickled."""

    def prepare(self, rank: int, scratch: Path) -> None:
        """Copies what the worker needs. All workers have ended this before any of them starts `run`.

        Args:
            rank: The number of the worker; 0 for the chief.
            scratch: A folder on the machine of the worker, which is removed at the end.
        """
        ...

    def run(self, rank: int, scratch: Path, send: Callable[[Any], None]) -> Any:
        """Does the work.

        Args:
            rank: The number of the worker; 0 for the chief.
            scratch: The folder that `prepare` was called with.
            send: Sends an event to the process that started the group. Events of workers besides the chief are lost.

        Returns:
            The result; that of the chief counts.
        """
        ...


@attrs.frozen
class Address:
    """Where other workers reach a worker.

    Attributes:
        host: The IP address of its machine.
        port: A free port there.
    """

    host: str
    port: int


def environment_of(framework: Framework, rank: int, addresses: Sequence[Address], cpus: int) -> dict[str, str]:
    """Returns the environment variables from which a framework learns about the other workers; none for a single one.

    Args:
        framework: The framework.
        rank: The number of the worker.
        addresses: The addresses of all workers, by rank.
        cpus: The number of CPUs of the worker.
    """
    if framework == "tensorflow":
        threads = {"TF_NUM_INTRAOP_THREADS": str(cpus)}
        workers = [f"{address.host}:{address.port}" for address in addresses]
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
        return threads | ({"TF_CONFIG": json.dumps(config)} if len(addresses) > 1 else {})
    if len(addresses) == 1:
        return {}
    return {
        "MASTER_ADDR": addresses[0].host,
        "MASTER_PORT": str(addresses[0].port),
        "RANK": str(rank),
        "WORLD_SIZE": str(len(addresses)),
        # Ray shows each worker its own GPUs only.
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
    }


class GroupWorker:
    """A Ray actor. Its methods are called from several threads: `run` in one, the others beside it."""

    def __init__(self) -> None:
        remove_left_folders(Path(tempfile.gettempdir()))
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-"))
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._rank = 0
        self._task: GroupTask

    def address(self) -> Address:
        """Returns the address of this worker."""
        import ray

        with socket.socket() as free:
            free.bind(("", 0))
            return Address(ray.util.get_node_ip_address(), free.getsockname()[1])

    def prepare(self, payload: Payload[GroupTask], rank: int, environment: dict[str, str]) -> Outcome[None]:
        """Sets environment variables, and prepares the task."""
        os.environ.update(environment)
        self._rank = rank

        def prepare_task() -> None:
            self._task = payload.unpack()
            self._task.prepare(rank, self._scratch)

        return attempt(prepare_task)

    def run(self) -> Outcome[Any]:
        """Runs the task."""
        send = self._events.put if self._rank == 0 else _ignore
        return attempt(lambda: self._task.run(self._rank, self._scratch, send))

    def events(self, timeout: float) -> list[Any]:
        """Returns the events since the last call.

        Args:
            timeout: How long to wait for the first one, in seconds.
        """
        events = []
        try:
            events.append(self._events.get(timeout=timeout))
            while True:
                events.append(self._events.get_nowait())
        except Empty:
            return events

    def is_alive(self) -> bool:
        """Returns True; a worker that has ended cannot."""
        return True

    def end(self) -> None:
        """Removes the scratch folder. The worker cannot be used any more."""
        shutil.rmtree(self._scratch, ignore_errors=True)


def remove_left_folders(folder: Path) -> None:
    """Removes the scratch folders of workers that were killed: they may hold chats, and fill the disk.

    Args:
        folder: The folder for temporary files of this machine.
    """
    for left in folder.glob(f"{_SCRATCH}*"):
        process = left.name.removeprefix(_SCRATCH).partition("-")[0]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (ValueError, PermissionError):  # a folder of another program, or of another user
            continue


def _ignore(event: Any) -> None:
    pass

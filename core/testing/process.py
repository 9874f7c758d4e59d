"""A running `acc` process, for tests of deployers."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType


class AccProcess:
    """A running program. A `with` block kills it at the end, if it still runs.

    Args:
        process: The process, with pipes for standard input, output and error.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._output = {"stdout": "", "stderr": ""}
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._output]
        for reader in self._readers:
            reader.start()

    @property
    def stdout(self) -> str:
        """The standard output so far."""
        return self._output["stdout"]

    @property
    def stderr(self) -> str:
        """The standard error so far."""
        return self._output["stderr"]

    def write(self, text: str) -> None:
        """Writes to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Waits until a condition is true.

        Args:
            condition: The condition, checked repeatedly.
            seconds: The maximum time to wait.

        Raises:
            AssertionError: The condition was not true in time, or the program ended.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"the program ended with {self.process.returncode}:\n{self.stderr}"
            assert time.monotonic() < deadline, f"timeout after {seconds:g} s; standard error:\n{self.stderr}"
            time.sleep(0.02)

    def stop(self, number: int, seconds: float = 20) -> int:
        """Sends a signal, waits for the end of the program and returns its exit status.

        Args:
            number: The signal.
            seconds: The maximum time to wait.

        Raises:
            AssertionError: The program did not end in time.
        """
        self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"signal {number} did not end the program in {seconds:g} s; standard error:\n{self.stderr}"
            ) from None
        for reader in self._readers:
            reader.join(seconds)
        return status

    def __enter__(self) -> AccProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream and not stream.closed:
                stream.close()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            self._output[name] += line

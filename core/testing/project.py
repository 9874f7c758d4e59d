"""A project as a user has it: a folder with a pipeline.toml and a chat log, and `acc` to run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from autocakechat.config.toml_writer import toml_table, toml_value
from autocakechat.interface.corpus import Corpus, Utterance

STAND_INS = "autocakechat.testing.fake_stages"
LOG = "".join(f"ann: question number {number}\nbob: answer number {number}\n" for number in range(40))

Table = Mapping[str, Any]


@attrs.frozen
class Project:
    """A folder to run pipelines in.

    The pipeline it comes with reads `log.txt` (lines of `ann: text` and `bob: text`), learns bob, and has a trainer
    whose model says `echo` and the last line; the deployer is the console. `pipeline` puts other stages in.

    Attributes:
        folder: The folder.
        environment: The environment variables that `acc` is run with; secrets can be put here.
    """

    folder: Path
    environment: dict[str, str]

    @classmethod
    def make(cls, folder: Path) -> Project:
        """Makes a project in a new folder."""
        site = folder / "site"
        _lay_out_stand_ins(site)
        # What this process can import, its programs can: plugins that are on the path but not installed, too.
        paths = [str(site), *(path for path in sys.path if path)]
        project = cls(folder / "project", os.environ | {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"})
        project.folder.mkdir()
        project.write("log.txt", LOG)
        project.pipeline()
        return project

    def write(self, name: str, content: str) -> Path:
        """Writes a file of the project, in UTF-8; returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    def pipeline(self, **tables: Table | Sequence[Table] | int | None) -> Path:
        """Writes pipeline.toml.

        Args:
            tables: Tables to put in the place of those the project comes with, such as
                `trainer={"use": "mine", "steps": 3}`; `source` may be a list of tables, None leaves a table out.

        Returns:
            The file.

        Example:
            ```python
            project.pipeline(source={"use": "plain", "path": "chat.txt"}, extractor={"use": "turns", "server": "bob"})
            ```
        """
        chosen: dict[str, Any] = {
            "source": {"use": "test-log", "path": "log.txt"},
            "extractor": {"use": "turns", "server": "bob"},
            "trainer": {"use": "test-echo"},
            "deployer": {"use": "console"},
        }
        chosen |= tables
        plain = {name: value for name, value in chosen.items() if isinstance(value, int)}
        written = [f"{name} = {toml_value(value)}\n" for name, value in plain.items()]
        for name, table in chosen.items():
            if table is not None and name not in plain:
                several = table if isinstance(table, list | tuple) else [table]
                written += [toml_table(f"[[{name}]]" if name == "source" else f"[{name}]", each) for each in several]
        return self.write("pipeline.toml", "\n".join(written))

    def acc(self, *arguments: str | Path, stdin: str = "", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs `acc` in the folder, in a process of its own.

        Args:
            arguments: What is typed after `acc`.
            stdin: What is typed into it.
            timeout: Seconds after which it is ended.

        Returns:
            Its exit status (`returncode`) and what it wrote (`stdout`, `stderr`).
        """
        return subprocess.run(
            _command(arguments),
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def run(self, *arguments: str | Path, stdin: str = "", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs `acc run` in the folder; see `acc`."""
        return self.acc("run", *arguments, stdin=stdin, timeout=timeout)

    def outcome(self, until: str) -> dict[str, Any]:
        """Runs the pipeline until an artifact is there and returns what `acc run --json` tells of it.

        Args:
            until: `corpus` or `model`.
        """
        done = self.run("--until", until, "--json")
        assert done.returncode == 0, f"acc run --until {until} failed:\n{done.stderr}"
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    def dialogs(self) -> list[tuple[Utterance, ...]]:
        """Makes the corpus and returns its dialogs, those to train on first."""
        corpus = Corpus(Path(self.outcome("corpus")["corpus"]["path"]))
        return [*corpus.dialogs("train"), *corpus.dialogs("validation")]

    def start(self, *arguments: str | Path) -> AccProcess:
        """Starts `acc` and returns while it runs.

        Args:
            arguments: What is typed after `acc`.
        """
        return AccProcess(
            subprocess.Popen(
                _command(arguments),
                cwd=self.folder,
                env=self.environment | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        )


class AccProcess:
    """A program that runs; a `with` block ends it, whatever happens.

    Args:
        process: The process.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said = {"stdout": "", "stderr": ""}
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._said]
        for reader in self._readers:
            reader.start()

    @property
    def stdout(self) -> str:
        """What it wrote to standard output so far."""
        return self._said["stdout"]

    @property
    def stderr(self) -> str:
        """What it wrote to standard error so far."""
        return self._said["stderr"]

    def write(self, text: str) -> None:
        """Writes to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Waits until something is so.

        Args:
            condition: Tells whether it is.
            seconds: How long to wait at most.

        Raises:
            AssertionError: It did not come about, or the program ended before.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.stderr}"
            assert time.monotonic() < deadline, f"nothing came for {seconds:g} s; it said:\n{self.stderr}"
            time.sleep(0.02)

    def stop(self, number: int, seconds: float = 20) -> int:
        """Sends it a signal and returns its exit status.

        Args:
            number: The signal.
            seconds: How long it may take to end.

        Raises:
            AssertionError: It did not end.
        """
        self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"signal {number} did not end it in {seconds:g} s; it said:\n{self.stderr}") from None
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
            self._said[name] += line


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "autocakechat", *map(str, arguments)]


def _lay_out_stand_ins(site: Path) -> None:
    """Makes the stand-ins an installed plugin for the programs of a project, and for nobody else."""
    info = site / "autocakechat_stand_ins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autocakechat-stand-ins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[autocakechat]\nstand-ins = {STAND_INS}\n")

"""A test project like a user's: a folder with a pipeline.toml and a chat log, and `acc` to run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from autocakechat.config.toml_writer import toml_table, toml_value
from autocakechat.interface.corpus import Corpus, Utterance
from autocakechat.testing.process import AccProcess

FAKE_STAGES = "autocakechat.testing.fake_stages"
FAKE_STAGES_PLUGIN = "fake-stages"
LOG = "".join(f"ann: question number {number}\nbob: answer number {number}\n" for number in range(40))

Table = Mapping[str, Any]


@attrs.frozen
class Project:
    """A folder to run pipelines in.

    Its default pipeline reads `log.txt` (lines of `ann: text` and `bob: text`), learns bob with a trainer whose model
    replies `echo` and the last message, and deploys it to the console. `pipeline` configures other stages.

    Attributes:
        folder: The folder.
        environment: The environment variables of `acc`; add secrets here.
    """

    folder: Path
    environment: dict[str, str]

    @classmethod
    def make(cls, folder: Path) -> Project:
        """Makes a project in a new folder."""
        site = folder / "site"
        _install_fake_stages(site)
        # Plugins that are on this process's path without being installed must also be importable in `acc`.
        paths = [str(site), *(path for path in sys.path if path)]
        project = cls(folder / "project", os.environ | {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"})
        project.folder.mkdir()
        project.write("log.txt", LOG)
        project.pipeline()
        return project

    def without_modules(self, names: Iterable[str]) -> Project:
        """Returns the project with an `acc` that cannot import some modules, as if they were not installed.

        Args:
            names: Import names.
        """
        site = self.folder.with_name("without_modules")
        site.mkdir(exist_ok=True)
        # Python imports this module when it starts. An import of a module that is None fails.
        block = f"import sys\nsys.modules.update(dict.fromkeys({sorted(names)!r}))\n"
        (site / "sitecustomize.py").write_text(block, "utf-8")
        path = os.pathsep.join([str(site), self.environment["PYTHONPATH"]])
        return attrs.evolve(self, environment=self.environment | {"PYTHONPATH": path})

    def write(self, name: str, content: str) -> Path:
        """Writes a file of the project, in UTF-8, and returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    def pipeline(self, **tables: Table | Sequence[Table] | int | None) -> Path:
        """Writes pipeline.toml.

        Args:
            tables: Tables that replace those of the default pipeline, such as `trainer={"use": "mine", "steps": 3}`.
                `source` may be a list of tables; None leaves a table out; an integer sets a top-level key.

        Returns:
            The path of pipeline.toml.

        Example:
            ```python
            project.pipeline(source={"use": "plain", "path": "chat.txt"}, extractor={"use": "turns", "server": "bob"})
            ```
        """
        defaults: dict[str, Any] = {
            "source": {"use": "test-log", "path": "log.txt"},
            "extractor": {"use": "turns", "server": "bob"},
            "trainer": {"use": "test-echo"},
            "deployer": {"use": "console"},
        }
        keys: list[str] = []
        sections: list[str] = []
        for name, value in (defaults | tables).items():
            if isinstance(value, int):
                keys.append(f"{name} = {toml_value(value)}\n")
            elif value is not None:
                header = f"[[{name}]]" if name == "source" else f"[{name}]"
                several = value if isinstance(value, list | tuple) else [value]
                sections += [toml_table(header, table) for table in several]
        return self.write("pipeline.toml", "\n".join([*keys, *sections]))

    def acc(self, *arguments: str | Path, stdin: str = "", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs `acc` in the folder, as a subprocess.

        Args:
            arguments: The command line after `acc`.
            stdin: The standard input.
            timeout: The maximum time in seconds.

        Returns:
            The exit status (`returncode`) and the output (`stdout`, `stderr`).
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
        """Runs the pipeline up to an artifact and returns the JSON output of `acc run --json`.

        Args:
            until: `corpus` or `model`.
        """
        completed = self.run("--until", until, "--json")
        assert completed.returncode == 0, f"acc run --until {until} failed:\n{completed.stderr}"
        outcome: dict[str, Any] = json.loads(completed.stdout)
        return outcome

    def dialogs(self) -> list[tuple[Utterance, ...]]:
        """Makes the corpus and returns its dialogs: the training set, then the held-out set."""
        corpus = Corpus(Path(self.outcome("corpus")["corpus"]["path"]))
        return [*corpus.dialogs("train"), *corpus.dialogs("validation")]

    def start(self, *arguments: str | Path) -> AccProcess:
        """Starts `acc` in the folder and returns the running process.

        Args:
            arguments: The command line after `acc`.
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


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "autocakechat", *map(str, arguments)]


def _install_fake_stages(site: Path) -> None:
    """Writes the metadata of a distribution, so that `acc` finds the fake stages if `site` is on its path."""
    info = site / "autocakechat_fake_stages-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autocakechat-fake-stages\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[autocakechat]\n{FAKE_STAGES_PLUGIN} = {FAKE_STAGES}\n")

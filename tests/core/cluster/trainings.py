"""Trainings and corpora of a project in a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from autocakechat.testing import Project

SECONDS = 600  # the machine may be busy


@attrs.frozen
class Training:
    """Trainings of a project in a cluster.

    Attributes:
        project: The project.
        cluster: The address of the cluster.
        processes: Where the workers write the ids of their processes.
    """

    project: Project
    cluster: str
    processes: Path

    def command(self, **options: object) -> list[str]:
        """Returns the command line of a training with some options of `[trainer]` and `[cluster]`."""
        tables = {"workers": "cluster", "storage": "cluster"}
        settings = {f"{tables.get(name, 'trainer')}.{name}": value for name, value in options.items()}
        settings["trainer.processes"] = self.processes
        overrides = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        return ["run", "--until", "model", "--json", "--cluster", self.cluster, *overrides]

    def metrics(self, **options: object) -> dict[str, Any]:
        """Trains, and returns the metrics."""
        return metrics_of(self.project.acc(*self.command(**options), timeout=SECONDS))

    def here(self, steps: int) -> int:
        """Trains on this machine alone, and returns the sum."""
        total: int = metrics_of(
            self.project.run("--until", "model", "--json", "--force", "model", "--set", f"trainer.steps={steps}")
        )["sum"]
        return total

    def process(self, rank: int) -> int:
        """Returns the id of the process of a worker."""
        return int((self.processes / str(rank)).read_text())


def metrics_of(completed: Any) -> dict[str, Any]:
    """Returns the metrics that `acc run --json` printed."""
    assert completed.returncode == 0, completed.stderr
    metrics: dict[str, Any] = json.loads(completed.stdout)["model"]["metrics"]
    return metrics


def corpus_files(project: Project, *arguments: str) -> dict[str, bytes]:
    """Builds the corpus, and returns its files except for the manifest, which contains the time."""
    built = project.run("--until", "corpus", "--json", *arguments)
    assert built.returncode == 0, built.stderr
    folder = Path(json.loads(built.stdout)["corpus"]["path"])
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "corpus.json"}


def checkpoints(folder: Path) -> list[Path]:
    """Returns the checkpoints under a folder."""
    return list(folder.rglob("checkpoint.json"))

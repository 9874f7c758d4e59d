"""A cluster makes the same corpus and the same model as one machine, also when it loses a worker."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from autocakechat.testing import Project
from tests.core.cluster.conftest import LocalCluster


def wait_for(path: Path) -> str:
    """Waits until a file exists, and returns its content."""
    while not path.exists():
        time.sleep(0.05)
    return path.read_text()


def corpus_files(project: Project) -> dict[str, bytes]:
    """Builds the corpus on this machine or in the cluster of the pipeline; returns its files except the manifest."""
    folder = Path(project.outcome("corpus")["corpus"]["path"])
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "corpus.json"}


def test_the_corpus_is_the_same_byte_for_byte(project: Project, cluster: LocalCluster) -> None:
    here = corpus_files(project)
    built = project.run("--until", "corpus", "--force", "corpus", "--cluster", cluster.address)
    assert "8/8 inputs" in built.stderr
    assert corpus_files(project) == here
    assert len(here["train.jsonl"].splitlines()) >= 8

"""The container tests use a Docker engine if one is running, and are skipped with a reason otherwise."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.checkout import Checkout, docker, why_no_engine


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips if no engine is running. The tests install and start none."""
    reason = why_no_engine()
    if reason:
        pytest.skip(f"containers were not tested: {reason}")


@pytest.fixture(scope="session")
def checkout() -> Iterator[Checkout]:
    """A checkout without chats, in a folder that its user can access."""
    folder = Path(tempfile.mkdtemp(prefix="acc-docker-")).resolve()
    checkout = Checkout.copied(folder)
    checkout.belongs_to_user(folder, *folder.rglob("*"))
    folder.chmod(0o755)
    yield checkout
    if not why_no_engine():
        for container in checkout.containers("--all"):
            docker("rm", "--force", container)
    shutil.rmtree(folder)

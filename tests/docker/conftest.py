"""The tests of containers use a Docker engine where one answers, and say so where none does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.checkout import Checkout, docker, why_no_engine


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine that answers. None is installed or started here."""
    why = why_no_engine()
    if why:
        pytest.skip(f"containers were not tested: {why}")


@pytest.fixture(scope="session")
def checkout() -> Iterator[Checkout]:
    """A checkout without chats, in a folder that its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="acc-docker-")).resolve()
    checkout = Checkout.copied(folder)
    checkout.belongs_to_user(folder, *folder.rglob("*"))
    folder.chmod(0o755)
    yield checkout
    if not why_no_engine():
        for container in checkout.containers("--all"):
            docker("rm", "--force", container)
    shutil.rmtree(folder)

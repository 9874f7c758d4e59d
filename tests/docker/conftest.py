"""The tests of containers use a Docker engine where one answers, and say so where none does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .checkout import Checkout, docker, why_no_engine

SKIPPED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> None:
    """An engine that answers. None is installed or started here."""
    why = why_no_engine()
    if why:
        pytestconfig.stash[SKIPPED] = why
        pytest.skip(why)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    why = config.stash.get(SKIPPED, "")
    if why:
        terminalreporter.write_line(f"containers were NOT tested: {why}", yellow=True)


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

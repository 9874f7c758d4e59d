"""Fixtures for all tests."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from autocakechat import RunContext
from autocakechat.display.progress import silent_progress

# A shell that runs pytest in the background makes it ignore SIGINT, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

LONG = (
    "test_flow.py",
    "trainers/cakechat/training/test_workers.py",
    "test_example_plugins.py",
    "trainers/cakechat/pretrained/test_start_model.py",
    "trainers/cakechat/test_start_training.py",
    "trainers/cakechat/training/test_resuming.py",
    "trainers/cakechat/training/test_training.py",
    "test_install.py",
    "test_contracts.py",
)
"""Files that take long. They run first, so that no process is left with one of them at the end."""

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes long; run with ACC_SOAK=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
    if not os.environ.get("ACC_SOAK"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="takes long; run with ACC_SOAK=1"))


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    """A run context without a pipeline."""
    state = tmp_path / "state"
    state.mkdir()
    return RunContext(log=logging.getLogger("autocakechat.test"), progress=silent_progress, seed=42, state=state)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material beside the checkout. Tests that need it are skipped if it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the reference material beside the checkout is missing")
    return SHARED


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"  # a build in the checkout itself would leave files that later wheels include
    checkout.mkdir()
    for name in ("core", "plugins", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, checkout / name)  # type: ignore[operator]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", folder, checkout],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("autocakechat-*.whl"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints why containers were not tested, which is easy to overlook among the skipped tests."""
    skipped = (report.longrepr for report in terminalreporter.stats.get("skipped", []))
    reasons = {str(place[2]).removeprefix("Skipped: ") for place in skipped if isinstance(place, tuple)}
    for reason in sorted(reasons):
        if reason.startswith("containers were not tested"):
            terminalreporter.write_line(reason, yellow=True)

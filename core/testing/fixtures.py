"""The fixtures that any test can ask for where autocakechat is installed."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autocakechat.testing.project import STAND_INS, Project

if TYPE_CHECKING:
    from autocakechat import RunContext
    from autocakechat.registry.manager import PluginManager


@pytest.fixture
def acc_plugins() -> PluginManager:
    """The plugins of this environment, loaded afresh, and the stand-ins of `autocakechat.testing.fake_stages`."""
    from autocakechat.interface.hookspecs import PROJECT
    from autocakechat.registry.manager import PluginManager

    return PluginManager.load(entries=[*entry_points(group=PROJECT), EntryPoint("stand-ins", STAND_INS, PROJECT)])


@pytest.fixture
def acc_project(tmp_path: Path) -> Project:
    """A folder with a chat log and a pipeline.toml that runs in a second, and `acc` to run there."""
    return Project.make(tmp_path / "acc")


@pytest.fixture
def acc_run(tmp_path: Path) -> RunContext:
    """What a stage is handed, outside of any pipeline: a log, no progress display, a seed and an empty folder."""
    return run_in(tmp_path / "acc-state")


def run_in(state: Path) -> RunContext:
    """Makes what a stage is handed, with a folder for what it keeps."""
    from autocakechat import RunContext
    from autocakechat.display.progress import silent_progress

    state.mkdir(parents=True, exist_ok=True)
    return RunContext(log=logging.getLogger("autocakechat.test"), progress=silent_progress, seed=42, state=state)

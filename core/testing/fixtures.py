"""The pytest fixtures that are available wherever autocakechat is installed."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autocakechat.testing.project import FAKE_STAGES, FAKE_STAGES_PLUGIN, Project

if TYPE_CHECKING:
    from autocakechat import RunContext
    from autocakechat.registry.manager import PluginManager


@pytest.fixture
def acc_plugins() -> PluginManager:
    """The plugins of this environment and the stages of `autocakechat.testing.fake_stages`, newly loaded."""
    from autocakechat.interface.hookspecs import PROJECT
    from autocakechat.registry.manager import PluginManager

    fake_stages = EntryPoint(FAKE_STAGES_PLUGIN, FAKE_STAGES, PROJECT)
    return PluginManager.load(entries=[*entry_points(group=PROJECT), fake_stages])


@pytest.fixture
def acc_project(tmp_path: Path) -> Project:
    """A folder with a chat log and a pipeline.toml that runs in a second, and `acc` to run there."""
    return Project.make(tmp_path / "acc")


@pytest.fixture
def acc_run(tmp_path: Path) -> RunContext:
    """A run context without a pipeline: a log, no progress display, a seed and an empty state folder."""
    from autocakechat import RunContext
    from autocakechat.display.progress import silent_progress

    state = tmp_path / "acc-state"
    state.mkdir(parents=True, exist_ok=True)
    return RunContext(log=logging.getLogger("autocakechat.test"), progress=silent_progress, seed=42, state=state)

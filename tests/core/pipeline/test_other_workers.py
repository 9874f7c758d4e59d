"""Several processes train one model: `acc` ends well in those that do not store it, and starts no bot there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.conftest import Project
from tests.core.pipeline.own_plugin import PIPELINE, PLUGIN
from tests.distributions import lay_out

SUMMARY = "model: trained together with other processes; the first one has stored it"


def install(project: Project, framework: str) -> None:
    """Installs a trainer that stores nothing; it can train in several processes."""
    plugin = PLUGIN.replace('    (into / "model.txt").write_text("nothing")  # write model\n', "")
    plugin = plugin.replace('TrainerType(name="own"', f'TrainerType(name="own", distributed={framework!r}')
    lay_out(Path(project.environment["PYTHONPATH"]), "acc-own", "own", plugin)
    project.write("pipeline.toml", PIPELINE)


@pytest.mark.parametrize(("framework", "variable"), [("tensorflow", "TF_CONFIG"), ("torch", "WORLD_SIZE")])
def test_a_worker_without_a_model_ends_well(project: Project, framework: str, variable: str) -> None:
    install(project, framework)
    project.environment[variable] = "2"
    done = project.acc("run")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == f"acc: {SUMMARY}"
    assert "model" not in {path.name for path in (project.folder / ".acc").iterdir()}


def test_a_process_that_trains_alone_must_store_a_model(project: Project) -> None:
    install(project, "torch")
    project.environment["TF_CONFIG"] = "{}"
    done = project.acc("run")
    assert done.returncode == 1
    assert "the trainer" in done.stderr
    assert SUMMARY not in done.stderr

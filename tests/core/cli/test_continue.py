"""`continue = true`: after a newer export, a training continues from the present model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.conftest import LOG, PIPELINE, Project
from tests.distributions import lay_out

NEWS = "".join(f"ann: news {number}\nbob: indeed {number % 7}\n" for number in range(25))

# A trainer that can only start from the start.
STUBBORN = """
import attrs
from autocakechat import TrainerType, hookimpl


@attrs.frozen
class Options:
    pass


@hookimpl
def acc_trainers():
    yield TrainerType(name="stubborn", summary="", config=Options, reply=Options, train=print, load=print)
"""


@pytest.fixture
def trained(project: Project) -> Project:
    project.acc("run", "--until", "model")
    project.write("log.txt", LOG + NEWS)
    return project


def run(project: Project) -> tuple[dict[str, object], str]:
    completed = project.acc("run", "--until", "model", "--json")
    assert completed.returncode == 0, completed.stderr
    model: dict[str, object] = json.loads(completed.stdout)["model"]
    return model, completed.stderr


def test_new_replies_are_counted_and_the_option_is_offered(trained: Project) -> None:
    model, log = run(trained)
    assert "model: 26 more replies than at the last training" in log
    assert "set continue = true in [trainer]" in log
    assert "continued" not in str(model["metrics"])


def test_the_training_continues_once_for_each_corpus(trained: Project) -> None:
    trained.change('use = "toy"\n\n[deployer]', 'use = "toy"\ncontinue = true\n\n[deployer]')
    assert "model: would be built (changed: continue and corpus)" in trained.acc("run", "--dry-run").stderr
    model, log = run(trained)
    assert "model: the training continues from the model bob, 50 replies" in log
    assert "continued" in str(model["metrics"])
    again, log = run(trained)
    assert again["reused"]
    assert again["key"] == model["key"]
    trained.write("log.txt", LOG + NEWS + "ann: more\nbob: yes\n")
    third, log = run(trained)
    assert "1 more reply than at" in log
    assert third["key"] != model["key"]
    assert trained.acc("chat", stdin="hello\n").returncode == 0


def test_force_trains_from_the_start(trained: Project) -> None:
    trained.change('use = "toy"\n\n[deployer]', 'use = "toy"\ncontinue = true\n\n[deployer]')
    forced = trained.acc("run", "--until", "model", "--force", "model", "--json")
    assert "continued" not in json.loads(forced.stdout)["model"]["metrics"]
    assert "continues" not in forced.stderr


def test_a_training_whose_earlier_model_was_removed_says_so(trained: Project) -> None:
    first = json.loads(trained.acc("models", "list", "--json").stdout)[-1]["key"]
    trained.change('use = "toy"\n\n[deployer]', 'use = "toy"\ncontinue = true\n\n[deployer]')
    run(trained)
    trained.acc("models", "remove", first, "--yes")
    assert run(trained)[0]["reused"]
    trained.write("manners.txt", "polite")
    again = trained.acc("run", "--until", "model", "--json", "--set", "trainer.manners=manners.txt")
    assert "the model to continue from was removed; the training starts from the start" in again.stderr
    assert "continued" not in json.loads(again.stdout)["model"]["metrics"]


def test_without_an_earlier_model_the_training_starts_from_the_start(project: Project) -> None:
    project.change('use = "toy"\n\n[deployer]', 'use = "toy"\ncontinue = true\n\n[deployer]')
    model, _ = run(project)
    assert "continued" not in str(model["metrics"])
    project.write("log.txt", LOG + NEWS)
    model, _ = run(project)
    assert "continued" in str(model["metrics"])


@pytest.mark.parametrize(
    ("trainer", "problem"),
    [
        ('use = "toy"\ncontinue = 1', "pipeline.toml:11: trainer.continue: must be true or false"),
        ('use = "stubborn"\ncontinue = true', "trainer.continue: the trainer 'stubborn' cannot continue from a model"),
    ],
)
def test_a_wrong_value_is_an_error(project: Project, trainer: str, problem: str) -> None:
    lay_out(Path(project.environment["PYTHONPATH"]), "acc-stubborn", "stubborn", STUBBORN)
    project.write("pipeline.toml", PIPELINE.replace('use = "toy"\n\n[deployer]', trainer + "\n\n[deployer]"))
    refused = project.acc("run")
    assert refused.returncode == 2
    assert problem in refused.stderr

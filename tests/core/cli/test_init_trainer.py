"""`acc init` offers all trainers with an estimate, and recommends one."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from tests.core.conftest import Project
from tests.distributions import lay_out
from tests.sources.exports import make_chat, make_message

OPTIONS = ("init", "tg_data", "--person", "user1", "--deployer", "console")

PATIENT = """
import attrs
from autocakechat import TrainerType, TrainingEstimate, hookimpl


@attrs.frozen
class Options:
    pass


def estimate(replies, texts):
    return {estimate}


@hookimpl
def acc_trainers():
    yield TrainerType(
        name="patient", summary="waits", config=Options, reply=Options, train=print, load=print, estimate=estimate,
        requires=("patience",), install="pip install patience",
    )
"""


@pytest.fixture
def exported(project: Project) -> Project:
    """A project with a Telegram export of 4,000 messages and no pipeline.toml."""
    (project.folder / "pipeline.toml").unlink()
    messages = [make_message(number, 1 + number % 2, f"is that the line {number}?") for number in range(4000)]
    project.write("tg_data/result.json", json.dumps(make_chat(messages)))
    return project


def add_trainer(project: Project, estimate: str) -> None:
    lay_out(project.folder.parent / "site", "acc-patient", "patient", PATIENT.replace("{estimate}", estimate))


def trainer_of(project: Project) -> dict[str, Any]:
    trainer: dict[str, Any] = tomllib.loads((project.folder / "pipeline.toml").read_text())["trainer"]
    return trainer


def test_trainers_have_estimates_and_the_best_is_the_default(exported: Project) -> None:
    add_trainer(exported, "TrainingEstimate(seconds=600, quality=0.99, remark=f'{replies} {sorted(set(texts))[0]}')")
    done = exported.acc(*OPTIONS, stdin="\n")
    assert done.returncode == 0, done.stderr
    assert "about 1,000 replies on this machine" in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("  patient "))
    assert line.split() == ["patient", "about", "10", "min", "1000", "is", "that", "the", "line", "0?", "(recommended)"]
    for name in ("cakechat", "lora", "retrieval"):
        assert f"\n  {name} " in done.stderr
    assert "? always gives the same reply" in " ".join(done.stderr.split()), "a trainer without an estimate"
    assert trainer_of(exported) == {"use": "patient"}
    assert "next:\n  pip install patience\n  acc run" in done.stderr


@pytest.mark.parametrize(
    "estimate",
    [
        "TrainingEstimate(seconds=9e4, quality=0.99, remark='takes a day')",
        "TrainingEstimate(seconds=9, quality=0, remark='cannot run here')",
    ],
)
def test_what_takes_too_long_or_cannot_run_is_not_recommended(exported: Project, estimate: str) -> None:
    add_trainer(exported, estimate)
    done = exported.acc(*OPTIONS, stdin="\nscratch\n")
    assert done.returncode == 0, done.stderr
    assert trainer_of(exported)["use"] in ("lora", "retrieval", "cakechat")


def test_any_trainer_can_be_chosen(exported: Project) -> None:
    done = exported.acc(*OPTIONS, stdin="retrieve\nretrieval\n")
    assert done.returncode == 0, done.stderr
    assert "no trainer 'retrieve'" in done.stderr
    assert trainer_of(exported) == {"use": "retrieval"}


@pytest.mark.parametrize(
    ("estimate", "problem"),
    [("17", "`estimate` returns 17 (int), expected TrainingEstimate"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_wrong_estimate_is_an_error_of_its_plugin(exported: Project, estimate: str, problem: str) -> None:
    add_trainer(exported, estimate)
    done = exported.acc(*OPTIONS, stdin="\n")
    assert done.returncode != 0
    assert problem in done.stderr
    assert "acc-patient" in done.stderr
    assert "Traceback" not in done.stderr

"""Processes that a run starts do not inherit its secrets."""

from __future__ import annotations

import json
import os
import pickle

import pytest

from autocakechat import Secret
from autocakechat.pipeline.reading.worker_processes import is_picklable
from autocakechat.registry.installer import environment_without_secrets
from tests.core.conftest import Project
from tests.distributions import lay_out

# A deployer that reveals its secret, and starts processes: a plain one, and one of multiprocessing.
DEPLOYER = """
import json
import multiprocessing
import os
import subprocess
import sys

import attrs
from autocakechat import DeployerType, Secret, hookimpl, option


@attrs.frozen(kw_only=True)
class Options:
    token: Secret = option(help="a secret")


def names_here(connection):
    connection.send(sorted(os.environ))


def deploy(options, model, run):
    code = "import json, os; print(json.dumps(sorted(os.environ)))"
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=names_here, args=(there,))
    process.start()
    names = [json.loads(plain.stdout), here.recv()]
    process.join()
    print(json.dumps({"token": len(options.token.reveal()), "inherited": names}))


@hookimpl
def acc_deployers():
    yield DeployerType(name="starter", summary="starts processes", config=Options, deploy=deploy)
"""


def test_child_processes_do_not_inherit_secrets(project: Project) -> None:
    lay_out(project.folder.parent / "site", "acc-starter", "starter", DEPLOYER)
    project.change('use = "console"', 'use = "starter"\ntoken = { env = "BOT_TOKEN" }')
    project.environment.update({"BOT_TOKEN": "not-for-children", "HARMLESS": "1"})
    done = project.acc_process("run")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["token"] == len("not-for-children")
    for names in shown["inherited"]:
        assert "HARMLESS" in names
        assert "BOT_TOKEN" not in names


def test_a_stage_with_a_secret_is_not_sent_to_a_worker_process() -> None:
    assert not is_picklable([Secret(env="BOT_TOKEN")])
    with pytest.raises(pickle.PicklingError, match="BOT_TOKEN"):
        pickle.dumps(Secret(env="BOT_TOKEN"))


def test_a_withheld_secret_can_still_be_revealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "value")
    Secret(env="BOT_TOKEN").withhold()
    assert Secret(env="BOT_TOKEN").reveal(os.environ) == "value"


def test_the_installer_gets_no_secrets() -> None:
    kept = {"PATH": "/bin", "PIP_INDEX_URL": "x", "UV_INDEX_OWN_PASSWORD": "x", "KEYBOARD": "x"}
    secrets = {
        "TELEGRAM_BOT_TOKEN": "x",
        "BOT_API_KEY": "x",
        "db_password": "x",
        "MY_SECRET": "x",
        "OPENAI_APIKEY": "x",
    }
    assert environment_without_secrets(kept | secrets) == kept

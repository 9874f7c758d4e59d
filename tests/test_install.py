"""The wheel in a fresh environment is the same program as the checkout, and takes plugins that others made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from autocakechat.registry.scaffold import KINDS
from autocakechat.testing import Project
from tests.conftest import ROOT

FOLDERS = {"autocakechat": ROOT / "core", "autocakechat.plugins": ROOT / "plugins"}
SOAK = [pytest.param(kind, marks=pytest.mark.soak) for kind in KINDS if kind != "source"]
TABLES = {
    "source": {"source": {"use": "my-own", "path": "log.txt"}},
    "extractor": {"extractor": {"use": "my-own", "server": "bob"}},
    "annotator": {"annotator": {"use": "my-own"}},
    "trainer": {"trainer": {"use": "my-own"}},
    "deployer": {"deployer": {"use": "my-own"}},
}


def setup_cfg() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def finished(*command: str | Path, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program with additional environment variables; it must succeed."""
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, env=os.environ | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Runs a program and returns its standard output."""
    return finished(*command, cwd=cwd).stdout


def readme_block(first_line: str) -> str:
    """Returns the code block of the README that begins with a line."""
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if block.startswith(first_line))


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel, pytest and the README's plugin in it."""
    folder = tmp_path_factory.mktemp("fresh")
    plugin = folder / "plugin"
    plugin.mkdir()
    (plugin / "autocakechat_plain.py").write_text(readme_block("# autocakechat_plain.py"))
    (plugin / "pyproject.toml").write_text(readme_block("# pyproject.toml"))
    run(sys.executable, "-m", "venv", folder / "venv")
    programs = folder / "venv" / "bin"
    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    run(programs / "python", *pip, "install", f"{wheel}[testing]", "setuptools>=77")
    run(programs / "acc", "plugins", "install", plugin)
    return programs


def described(python: Path, *options: str) -> dict[str, dict[str, Any]]:
    plugins = json.loads(run(python, "-m", "autocakechat", "plugins", "list", "--json", *options, cwd=python.parent))
    return {plugin["name"]: plugin for plugin in plugins}


def without_missing(plugin: dict[str, Any]) -> dict[str, Any]:
    """What depends on the environment alone is left out."""
    dependent: dict[str, Any] = {"missing": [], "load_missing": [], "file": ""}
    return plugin | {"provides": [stage | dependent for stage in plugin["provides"]]}


def test_the_wheel_is_the_same_program_as_the_checkout(fresh: Path) -> None:
    installed, checkout = described(fresh / "python"), described(Path(sys.executable))
    assert installed.pop("plain")["distribution"] == "autocakechat-plain"
    assert {name: without_missing(plugin) for name, plugin in installed.items()} == {
        name: without_missing(plugin) for name, plugin in checkout.items() if plugin["bundled"]
    }


def test_a_stage_without_its_requirements_is_listed_with_what_to_type(fresh: Path) -> None:
    listed = run(fresh / "acc", "plugins", "list")
    assert "needs tensorflow" in listed
    assert "run: pip install 'autocakechat[cakechat]'" in listed
    assert "run: pip install 'autocakechat[telegram]'" in listed


def test_missing_requirements_stop_only_a_pipeline_that_reaches_them(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"ann: question {n}\nbob: answer {n}\n" for n in range(30)))
    (tmp_path / "pipeline.toml").write_text(
        '[[source]]\nuse = "plain"\npath = "log.txt"\n[extractor]\nuse = "turns"\nserver = "bob"\n'
        '[trainer]\nuse = "cakechat"\n[deployer]\nuse = "console"\n'
    )
    outcome = json.loads(run(fresh / "acc", "run", "--until", "corpus", "--json", cwd=tmp_path))
    assert outcome["status"] == "done"
    stopped = subprocess.run([fresh / "acc", "run"], cwd=tmp_path, capture_output=True, text=True)
    assert stopped.returncode == 2
    assert "trainer: cakechat needs tensorflow" in stopped.stderr
    assert "run: pip install 'autocakechat[cakechat]'" in stopped.stderr


def refused(acc: Path, *arguments: str) -> str:
    done = subprocess.run([acc, "plugins", *arguments], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("click", "acc: click: not a plugin of autocakechat; run: acc plugins list --external"),
        ("turns-extractor", "acc: turns-extractor: is bundled with autocakechat; to disable it"),
        ("autocakechat", "acc: autocakechat: is bundled with autocakechat"),
        ("plian", "acc: no plugin 'plian'; did you mean 'plain'?"),
    ],
)
def test_only_plugins_of_others_are_uninstalled(fresh: Path, name: str, problem: str) -> None:
    assert problem in refused(fresh / "acc", "uninstall", name)


def test_a_plugin_that_does_not_load_is_told_of_at_once_and_can_be_removed(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import what_nobody_has\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "acc-broken"\nversion = "1.0"\n[project.entry-points.autocakechat]\nbroken = "broken"\n'
    )
    done = subprocess.run([fresh / "acc", "plugins", "install", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "plugin broken (acc-broken 1.0): cannot be imported: ModuleNotFoundError" in done.stderr
    assert "to remove it: acc plugins uninstall broken" in done.stderr.splitlines()[-1]
    checked = subprocess.run([fresh / "acc", "plugins", "list", "--check"], capture_output=True, text=True)
    assert checked.returncode == 1
    run(fresh / "acc", "plugins", "uninstall", "broken")
    assert list(described(fresh / "python", "--external")) == ["plain"]
    run(fresh / "acc", "plugins", "list", "--check")


def test_what_is_no_plugin_is_told_of(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "acc-other"\nversion = "1.0"\n')
    (tmp_path / "other.py").write_text("")
    done = subprocess.run([fresh / "acc", "plugins", "install", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "acc-other: installed, but not a plugin of autocakechat" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("kind", ["source", *SOAK])
def test_a_new_plugin_works_without_changes(kind: str, fresh: Path, tmp_path: Path) -> None:
    """A package that `acc plugins new` writes can be built, installed, listed, tested and run."""
    made = finished(fresh / "acc", "plugins", "new", "my-own", "--kind", kind, cwd=tmp_path)
    assert "autocakechat-my-own: created" in made.stdout + made.stderr
    package = tmp_path / "autocakechat-my-own"
    pip = (fresh / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, package)
    try:
        wheel = tmp_path / "autocakechat_my_own-0.1.0-py3-none-any.whl"
        installed = finished(fresh / "acc", "plugins", "install", wheel)
        assert f"it provides {kind} my-own" in installed.stdout + installed.stderr
        assert "my-own" in run(fresh / "acc", "plugins", "list", "--external", "--check", "--kind", kind)
        assert " passed" in run(fresh / "python", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", cwd=package)
        project = Project.make(tmp_path / "acc")
        project.pipeline(**TABLES[kind])
        fake_stages = str(project.folder.parent / "site")
        finished(fresh / "acc", "run", "--until", "model", cwd=project.folder, PYTHONPATH=fake_stages)
    finally:
        run(fresh / "acc", "plugins", "uninstall", "my-own")


def test_every_package_folder_is_in_the_wheel() -> None:
    listed = setup_cfg()["options"]["packages"].split()
    folders = [
        name + "".join(f".{part}" for part in path.parent.relative_to(folder).parts)
        for name, folder in FOLDERS.items()
        for path in folder.rglob("__init__.py")
    ]
    assert sorted(listed) == sorted(folders)


def test_the_installed_entry_points_are_those_of_setup_cfg() -> None:
    written = dict(
        line.split(" = ") for line in setup_cfg()["options.entry_points"]["autocakechat"].strip().splitlines()
    )
    installed = {
        entry.name: entry.value for entry in distribution("autocakechat").entry_points if entry.group == "autocakechat"
    }
    assert installed == written

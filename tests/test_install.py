"""The wheel in a fresh environment is the same program as the checkout, and takes plugins that others made."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"autocakechat": ROOT / "core", "autocakechat.plugins": ROOT / "plugins"}


def setup_cfg() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def readme_block(first_line: str) -> str:
    """Returns the code block of the README that begins with a line."""
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if block.startswith(first_line))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel and the README's plugin in it."""
    folder = tmp_path_factory.mktemp("fresh")
    checkout = folder / "checkout"  # building in the checkout would leave files behind that later wheels pick up
    names = ("core", "plugins", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
    for name in names:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        checkout.mkdir(exist_ok=True)
        copy(ROOT / name, checkout / name)  # type: ignore[operator]
    plugin = folder / "plugin"
    plugin.mkdir()
    (plugin / "autocakechat_plain.py").write_text(readme_block("# autocakechat_plain.py"))
    (plugin / "pyproject.toml").write_text(readme_block("# pyproject.toml"))
    run(sys.executable, "-m", "venv", folder / "venv")
    programs = folder / "venv" / "bin"
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder / "dist", checkout)
    run(*pip, "install", next((folder / "dist").glob("autocakechat-*.whl")), plugin)
    return programs


def described(python: Path) -> dict[str, dict[str, Any]]:
    plugins = json.loads(run(python, "-m", "autocakechat", "plugins", "list", "--json", cwd=python.parent))
    return {plugin["name"]: plugin for plugin in plugins}


def without_missing(plugin: dict[str, Any]) -> dict[str, Any]:
    return plugin | {"provides": [stage | {"missing": []} for stage in plugin["provides"]]}


def test_the_wheel_is_the_same_program_as_the_checkout(fresh: Path) -> None:
    installed, checkout = described(fresh / "python"), described(Path(sys.executable))
    assert installed.pop("plain")["distribution"] == "autocakechat-plain"
    assert {name: without_missing(plugin) for name, plugin in installed.items()} == {
        name: without_missing(plugin) for name, plugin in checkout.items() if plugin["bundled"]
    }


def test_a_stage_without_its_requirements_is_listed_with_what_to_type(fresh: Path) -> None:
    listed = run(fresh / "acc", "plugins", "list")
    assert "needs tensorflow" in listed
    assert "type: pip install 'autocakechat[cakechat]'" in listed
    assert "type: pip install 'autocakechat[telegram]'" in listed


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
    assert "type: pip install 'autocakechat[cakechat]'" in stopped.stderr


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

"""A package that `acc plugins new` writes can be built, installed, listed, tested and run without changes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.registry.scaffold import KINDS, new_plugin
from autocakechat.testing import Project

SOAK = [pytest.param(kind, marks=pytest.mark.soak) for kind in KINDS if kind != "source"]
TABLES = {
    "source": {"source": {"use": "my-own", "path": "log.txt"}},
    "extractor": {"extractor": {"use": "my-own", "server": "bob"}},
    "annotator": {"annotator": {"use": "my-own"}},
    "trainer": {"trainer": {"use": "my-own"}},
    "deployer": {"deployer": {"use": "my-own"}},
}


def run(*command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    variables = os.environ | (environment or {})
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment with autocakechat and pytest."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "--quiet", "install", f"{wheel}[testing]", "setuptools>=77")
    return folder / "bin"


@pytest.mark.parametrize("kind", ["source", *SOAK])
def test_a_new_plugin_works_without_changes(kind: str, programs: Path, tmp_path: Path) -> None:
    made = run(programs / "acc", "plugins", "new", "my-own", "--kind", kind, cwd=tmp_path)
    assert "autocakechat-my-own: created" in made
    package = tmp_path / "autocakechat-my-own"
    pip = (programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, package)
    wheel = tmp_path / "autocakechat_my_own-0.1.0-py3-none-any.whl"
    try:
        assert f"it provides {kind} my-own" in run(programs / "acc", "plugins", "install", wheel)
        assert "my-own" in run(programs / "acc", "plugins", "list", "--external", "--check", "--kind", kind)
        assert " passed" in run(
            programs / "python", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", cwd=package
        )
        project = Project.make(tmp_path / "acc")
        project.pipeline(**TABLES[kind])
        fake_stages = {"PYTHONPATH": str(project.folder.parent / "site")}
        run(programs / "acc", "run", "--until", "model", cwd=project.folder, environment=fake_stages)
    finally:
        run(programs / "acc", "plugins", "uninstall", "my-own")


@pytest.mark.parametrize("kind", KINDS)
def test_the_package_is_complete_and_valid(kind: str, tmp_path: Path) -> None:
    folder = new_plugin("autocakechat-my-own", kind, tmp_path)
    assert folder == tmp_path / "autocakechat-my-own"
    for file in (path for path in folder.rglob("*") if path.is_file()):
        text = file.read_text("utf-8")
        assert "$" not in text.replace("${{ matrix", ""), file
        if file.suffix == ".py":
            compile(text, str(file), "exec")
            assert all(len(line) <= 120 for line in text.splitlines())
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["autocakechat"] == {"my-own": "autocakechat_my_own"}
    assert project["dependencies"] == ["autocakechat>=0.1,<0.3"]
    ruff = (sys.executable, "-m", "ruff", "check", "--isolated")
    run(*ruff, "--select", "E,F,I,B,UP", "--line-length", "120", folder)


@pytest.mark.parametrize("name", ["My", "1st", "a b", "../x", "a--b", "", "-x"])
def test_an_invalid_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="invalid plugin name"):
        new_plugin(name, "source", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = new_plugin("mine", "source", tmp_path) / "autocakechat_mine.py"
    mine.write_text("hours of work")
    with pytest.raises(UserError, match="already exists"):
        new_plugin("mine", "trainer", tmp_path)
    assert mine.read_text() == "hours of work"

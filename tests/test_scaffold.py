"""The package that `acc plugins new` writes is complete and valid. `tests/test_install.py` installs and runs it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.registry.scaffold import KINDS, new_plugin


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
    done = subprocess.run(
        [*ruff, "--select", "E,F,I,B,UP", "--line-length", "120", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


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

"""`acc` starts quickly: heavy modules are imported on first use. The core and the plugins are separate."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import autocakechat
from tests.conftest import ROOT

HEAVY = {"tensorflow", "keras", "telegram", "numpy", "rich", "phonenumbers", "stdnum", "h5py", "safetensors", "asyncio"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plugins", "list"], ["plugins", "show", "cakechat-trainer"], ["run", "--help"]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['acc', *{arguments!r}]\n"
        "from autocakechat.cli.main import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert "autocakechat.cli.main" in imported
    assert imported & HEAVY == set()


def test_pytest_loads_the_fixtures_without_heavy_imports() -> None:
    script = (
        "import sys, pytest\n"
        "status = pytest.main(['--version', '--version', '-p', 'autocakechat.testing'])\n"
        "print(sorted(sys.modules), file=sys.stderr)\n"
        "sys.exit(status)"
    )
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins may import heavy modules
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert "autocakechat.testing" in imported
    assert any(entry.value == "autocakechat.testing" for entry in entry_points(group="pytest11"))
    assert imported & (HEAVY | {"cattrs", "click"}) == set()


def test_every_public_name_can_be_imported() -> None:
    assert set(autocakechat.__all__) == {*autocakechat._MODULES, "markup"}
    assert all(getattr(autocakechat, name) for name in autocakechat.__all__)
    with pytest.raises(ImportError, match="cannot import name 'Mesages' from 'autocakechat'"):
        from autocakechat import Mesages  # type: ignore[attr-defined]  # noqa: F401


def imported_names(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def test_the_core_imports_no_plugin() -> None:
    for file in (ROOT / "core").rglob("*.py"):
        assert not [name for name in imported_names(file) if name.startswith("autocakechat.plugins")], file


def test_a_plugin_imports_only_public_names() -> None:
    for file in (ROOT / "plugins").rglob("*.py"):
        own = "autocakechat.plugins." + ".".join(file.relative_to(ROOT / "plugins").parts[:2])
        foreign = {
            name
            for name in imported_names(file)
            if name.startswith("autocakechat.") and not (name == own or name.startswith(f"{own}."))
        }
        assert foreign == set(), file

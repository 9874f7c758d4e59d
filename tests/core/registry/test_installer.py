"""What is installed, by whom, and what is told where another program owns the environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.registry import installer as module
from autocakechat.registry.installer import find_installer, parse_wanted

PYTHON = sys.executable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder holds a project and a wheel."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "pyproject.toml").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "acc_x-1.0-py3-none-any.whl").write_text("")
    (tmp_path / "wrong.whl").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "distribution"),
    [
        ("autocakechat-x", "autocakechat-x"),
        ("autocakechat-x[fast]>=1.2,<2; python_version >= '3.11'", "autocakechat-x"),
        ("plugin", "plugin"),
        ("acc-x @ https://example.org/acc_x-1.0-py3-none-any.whl", "acc-x"),
        ("acc_x-1.0-py3-none-any.whl", "acc-x"),
        ("./plugin", None),
        ("plugin/", None),
    ],
)
def test_requirements_wheels_and_folders_are_taken(project: Path, given: str, distribution: str | None) -> None:
    assert parse_wanted(given).distribution == distribution


@pytest.mark.parametrize(
    "given",
    ["-r", "--index-url=http://example.org", "-e.", "acc x", "", "x\n--pre", "git+https://example.org/x", "./no"],
)
def test_nothing_else_is(project: Path, given: str) -> None:
    with pytest.raises(UserError):
        parse_wanted(given)


@pytest.mark.parametrize("given", ["./empty", "wrong.whl", "missing-1.0-py3-none-any.whl"])
def test_a_path_that_cannot_be_installed_is_told(project: Path, given: str) -> None:
    with pytest.raises(UserError, match=r"^.*" + given.strip("./")):
        parse_wanted(given)


def test_pip_is_asked_where_it_is(tmp_path: Path) -> None:
    assert find_installer(tmp_path, install=["x"]).install[:3] == [PYTHON, "-m", "pip"]


def test_uv_is_asked_where_there_is_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.touch(0o755)
    monkeypatch.setenv("PATH", str(uv.parent))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    found = find_installer(tmp_path, install=["x"])
    assert found.install == [str(uv), "pip", "install", "--python", PYTHON]
    uv.unlink()
    with pytest.raises(UserError, match=r"neither pip nor uv is here; type: .* -m ensurepip"):
        find_installer(tmp_path, install=["x"])


def test_pipx_gets_its_own_command(tmp_path: Path) -> None:
    prefix = tmp_path / "autocakechat"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").write_text("{}")
    with pytest.raises(UserError, match=r"by pipx; type: pipx inject autocakechat 'acc-x>=1'$"):
        find_installer(prefix, install=["acc-x>=1"])
    with pytest.raises(UserError, match=r"type: pipx uninject autocakechat acc-x$"):
        find_installer(prefix, uninstall=["acc-x"])


def test_uv_tool_gets_its_own_command_with_what_it_would_forget(tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "acc-a", specifier = ">=1" },'
        ' { name = "autocakechat", extras = ["telegram"] }, { name = "acc-b" }]\n'
    )
    with pytest.raises(UserError) as installing:
        find_installer(tmp_path, install=["acc-x"])
    expected = "type: uv tool install 'autocakechat[telegram]' --with 'acc-a>=1' --with acc-b --with acc-x"
    assert installing.value.hint == expected
    with pytest.raises(UserError) as uninstalling:
        find_installer(tmp_path, uninstall=["acc_B"])
    assert uninstalling.value.hint == "type: uv tool install 'autocakechat[telegram]' --with 'acc-a>=1'"


def test_a_python_of_the_system_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\n")
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UserError, match=r"belongs to the system.*make an environment: python3 -m venv"):
        find_installer(Path(sys.base_prefix), install=["x"])
    assert find_installer(tmp_path, install=["x"])

"""Which installer is used, and the hints for environments that another program manages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.registry import installer
from autocakechat.registry.installer import InstallTarget, find_installer, parse_editable, parse_target

PYTHON = sys.executable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a working directory with projects and wheels."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "pyproject.toml").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "acc_x-1.0-py3-none-any.whl").write_text("")
    (tmp_path / "wrong.whl").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "distribution"),
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
def test_requirements_wheels_and_folders_are_accepted(project: Path, text: str, distribution: str | None) -> None:
    assert parse_target(text).distribution == distribution


@pytest.mark.parametrize(
    "text",
    ["-r", "--index-url=http://example.org", "-e.", "acc x", "", "x\n--pre", "git+https://example.org/x", "./no"],
)
def test_other_arguments_are_refused(project: Path, text: str) -> None:
    with pytest.raises(UserError):
        parse_target(text)


@pytest.mark.parametrize("text", ["./empty", "wrong.whl", "missing-1.0-py3-none-any.whl"])
def test_a_path_that_cannot_be_installed_is_named(project: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"^.*" + text.strip("./")):
        parse_target(text)


def test_a_folder_can_be_editable(project: Path) -> None:
    assert parse_editable("plugin") == InstallTarget(str(project / "plugin"), None, editable=True)
    for text in ("no", "empty", "acc_x-1.0-py3-none-any.whl", "--user"):
        with pytest.raises(UserError, match=rf"^{re.escape(text)}: |/{re.escape(text)}: "):
            parse_editable(text)


def test_pip_is_used_if_it_is_installed(tmp_path: Path) -> None:
    assert find_installer(tmp_path, to_install=["x"]).install_command[:3] == [PYTHON, "-m", "pip"]


def test_uv_is_used_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.touch(0o755)
    monkeypatch.setenv("PATH", str(uv.parent))
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: None)
    uv_installer = find_installer(tmp_path, to_install=["x"])
    assert uv_installer.install_command == [str(uv), "pip", "install", "--python", PYTHON]
    uv.unlink()
    with pytest.raises(UserError, match=r"neither pip nor uv is installed; run: .* -m ensurepip"):
        find_installer(tmp_path, to_install=["x"])


def test_for_pipx_the_hint_is_its_command(tmp_path: Path) -> None:
    prefix = tmp_path / "autocakechat"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").write_text("{}")
    with pytest.raises(UserError, match=r"by pipx; run: pipx inject autocakechat 'acc-x>=1'$"):
        find_installer(prefix, to_install=["acc-x>=1"])
    with pytest.raises(UserError, match=r"run: pipx uninject autocakechat acc-x$"):
        find_installer(prefix, to_uninstall=["acc-x"])


def test_for_uv_tool_the_hint_repeats_all_distributions(tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "acc-a", specifier = ">=1" },'
        ' { name = "autocakechat", extras = ["telegram"] }, { name = "acc-b" }]\n'
    )
    with pytest.raises(UserError) as installing:
        find_installer(tmp_path, to_install=["acc-x"])
    expected = "run: uv tool install 'autocakechat[telegram]' --with 'acc-a>=1' --with acc-b --with acc-x"
    assert installing.value.hint == expected
    with pytest.raises(UserError) as uninstalling:
        find_installer(tmp_path, to_uninstall=["acc_B"])
    assert uninstalling.value.hint == "run: uv tool install 'autocakechat[telegram]' --with 'acc-a>=1'"


def test_the_hints_repeat_editable_folders(tmp_path: Path) -> None:
    prefix = tmp_path / "autocakechat"
    prefix.mkdir()
    (prefix / "uv-receipt.toml").write_text('[tool]\nrequirements = [{ name = "autocakechat" }]\n')
    with pytest.raises(UserError, match=r"run: uv tool install autocakechat --with acc-x --with-editable /a$"):
        find_installer(prefix, to_install=["acc-x"], to_edit=["/a"])
    (prefix / "pipx_metadata.json").write_text("{}")
    with pytest.raises(UserError, match=r"run: pipx inject autocakechat --editable /a$"):
        find_installer(prefix, to_edit=["/a"])


def test_a_plugin_with_a_similar_name_is_not_taken_for_the_tool(tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "autocakechat-a" }, { name = "autocakechat" }]\n'
    )
    with pytest.raises(UserError) as raised:
        find_installer(tmp_path, to_install=["acc-x"])
    assert raised.value.hint == "run: uv tool install autocakechat --with autocakechat-a --with acc-x"


def test_the_python_of_the_operating_system_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\n")
    monkeypatch.setattr(installer.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UserError, match=r"managed by the operating system.*make an environment: python3 -m venv"):
        find_installer(Path(sys.base_prefix), to_install=["x"])
    assert find_installer(tmp_path, to_install=["x"])

"""Installs and uninstalls distributions for the running interpreter, with pip or uv."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError

_SECRET_NAME = re.compile(r"(?!PIP_|UV_).*(TOKEN|SECRET|PASSWORD|API_?KEY)", re.IGNORECASE)


@attrs.frozen
class InstallTarget:
    """A distribution to install.

    Attributes:
        argument: The argument for pip or uv: a requirement, or the absolute path of a wheel or folder.
        distribution: The distribution's name; None for a folder, whose name is known after the build.
        editable: Whether the code in the folder is used in place, so that changes take effect without an installation.
    """

    argument: str
    distribution: str | None
    editable: bool = False


def parse_target(text: str) -> InstallTarget:
    """Parses what a user wants to install: a requirement (PEP 508), a wheel, or a folder with a project.

    Options are refused, so that a name cannot change how pip runs.

    Raises:
        UserError: The text is none of these, or the file or folder does not exist.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    if text.startswith("-"):
        raise UserError(f"{text}: an option, not a plugin", "give names, wheels or folders")
    name, _, url = text.partition("@")
    if "/" in name or text.startswith((".", "~")) or (text.endswith(".whl") and not url):
        return _parse_path(text)
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UserError(
            f"{text}: invalid requirement",
            "give a name such as autocakechat-x or autocakechat-x>=1.2; write a folder as ./folder",
        ) from None
    return InstallTarget(text, requirement.name)


def parse_editable(text: str) -> InstallTarget:
    """Parses the folder of a project to install in editable mode.

    Raises:
        UserError: It is not a folder with a project.
    """
    path = Path(text).expanduser().resolve()
    if path.suffix == ".whl":
        raise UserError(f"{text}: a wheel cannot be installed in editable mode", "give the folder of a project")
    return attrs.evolve(_parse_path(str(path)), editable=True)


@attrs.frozen
class Installer:
    """The commands that change an environment.

    Attributes:
        install_command: The start of the command that installs distributions.
        uninstall_command: The start of the command that uninstalls distributions.
    """

    install_command: Sequence[str]
    uninstall_command: Sequence[str]


def install(targets: Sequence[InstallTarget]) -> None:
    """Installs distributions for this interpreter. The installer's output goes to standard error.

    Raises:
        UserError: The environment cannot be changed, or the installation failed.
    """
    arguments = [target.argument for target in targets if not target.editable]
    folders = [target.argument for target in targets if target.editable]
    installer = find_installer(Path(sys.prefix), to_install=arguments, to_edit=folders)
    with tempfile.TemporaryDirectory() as folder:
        # A plugin must not replace the autocakechat that installs it.
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(f"autocakechat=={version('autocakechat')}\n")
        editable = _repeat_option("--editable", folders)
        command = [*installer.install_command, "--constraint", str(constraints), *editable, "--", *arguments]
        _run(command, f"install {' '.join([*folders, *arguments])}")


def uninstall(distributions: Sequence[str]) -> None:
    """Uninstalls distributions from this interpreter's environment.

    Raises:
        UserError: The environment cannot be changed, or the removal failed.
    """
    installer = find_installer(Path(sys.prefix), to_uninstall=distributions)
    _run([*installer.uninstall_command, "--", *distributions], f"uninstall {' '.join(distributions)}")


def find_installer(
    prefix: Path, to_install: Sequence[str] = (), to_uninstall: Sequence[str] = (), to_edit: Sequence[str] = ()
) -> Installer:
    """Finds the installer of an environment: pip, or uv if there is no pip.

    Args:
        prefix: The environment's folder.
        to_install: The arguments to install, for the command in the error's hint.
        to_uninstall: The distributions to uninstall, for the command in the error's hint.
        to_edit: The folders to install in editable mode, for the command in the error's hint.

    Raises:
        UserError: pipx, uv tool or the operating system manages the environment, or there is no installer.
    """
    if (prefix / "pipx_metadata.json").is_file():
        action = "uninject" if to_uninstall else "inject"
        editable = ["--editable", *to_edit] if to_edit else []
        command = ["pipx", action, prefix.name, *editable, *to_install, *to_uninstall]
        raise UserError("this autocakechat was installed by pipx", f"run: {shlex.join(command)}")
    if (prefix / "uv-receipt.toml").is_file():
        kept_and_new = _uv_tool_arguments(prefix / "uv-receipt.toml", to_install, to_uninstall)
        command = ["uv", "tool", "install", *kept_and_new, *_repeat_option("--with-editable", to_edit)]
        raise UserError("this autocakechat was installed by uv tool", f"run: {shlex.join(command)}")
    if prefix == Path(sys.base_prefix) and (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file():
        raise UserError(
            f"the Python in {prefix} is managed by the operating system (EXTERNALLY-MANAGED)",
            "make an environment: python3 -m venv ~/acc, then: ~/acc/bin/pip install autocakechat",
        )
    python = sys.executable
    if importlib.util.find_spec("pip"):
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        return Installer([*pip, "install"], [*pip, "uninstall", "--yes"])
    uv = shutil.which("uv")
    if uv:
        return Installer([uv, "pip", "install", "--python", python], [uv, "pip", "uninstall", "--python", python])
    raise UserError("neither pip nor uv is installed", f"run: {python} -m ensurepip")


def environment_without_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns the environment for a process that runs code of a plugin, such as the build of a package.

    Args:
        environment: The environment variables. Those that are called a token, a secret, a password or a key are left
            out, except the settings of pip and uv.
    """
    return {name: value for name, value in environment.items() if not _SECRET_NAME.match(name)}


def _uv_tool_arguments(receipt: Path, to_install: Sequence[str], to_uninstall: Sequence[str]) -> list[str]:
    """Returns the arguments of `uv tool install`. It removes every distribution that its command does not repeat."""
    from packaging.utils import canonicalize_name

    requirements = tomllib.loads(receipt.read_text("utf-8"))["tool"]["requirements"]
    removed = set(map(canonicalize_name, to_uninstall))
    remaining = [item for item in requirements if canonicalize_name(item["name"]) not in removed]
    # The tool itself is the first argument; a plugin may be called autocakechat-x.
    remaining.sort(key=lambda item: canonicalize_name(item["name"]) != "autocakechat")
    tool, *others = map(_format_requirement, remaining)
    return [tool, *_repeat_option("--with", [*others, *to_install])]


def _repeat_option(option: str, values: Sequence[str]) -> list[str]:
    """Returns the arguments that give an option once for each value."""
    return [argument for value in values for argument in (option, value)]


def _format_requirement(item: dict[str, Any]) -> str:
    """Formats an entry of uv's receipt as a requirement."""
    extras = f"[{','.join(item['extras'])}]" if item.get("extras") else ""
    location = item.get("editable") or item.get("directory") or item.get("path") or item.get("url")
    return f"{item['name']}{extras}" + (f" @ {location}" if location else item.get("specifier", ""))


def _parse_path(text: str) -> InstallTarget:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    path = Path(text).expanduser().resolve()
    if path.suffix == ".whl":
        if not path.is_file():
            raise UserError(f"{text}: no such file", "give the path of a wheel")
        try:
            return InstallTarget(str(path), parse_wheel_filename(path.name)[0])
        except InvalidWheelFilename:
            raise UserError(
                f"{text}: invalid file name for a wheel", "keep the name that the wheel was built with"
            ) from None
    if not path.is_dir():
        raise UserError(f"{text}: no such folder", "give a wheel, or a folder with a pyproject.toml")
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise UserError(f"{text}: no pyproject.toml in this folder", "give the folder of a project")
    return InstallTarget(str(path), None)


def _run(command: Sequence[str], action: str) -> None:
    # Standard output is reserved for the output of `acc`, which programs may parse.
    environment = environment_without_secrets()
    completed = subprocess.run(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    if completed.returncode:
        raise UserError(f"could not {action}", "see the installer's messages above")

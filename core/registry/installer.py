"""Installs and uninstalls distributions for the running interpreter, with what is there to do it."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError


@attrs.frozen
class Wanted:
    """Something to install.

    Attributes:
        given: What was typed.
        argument: What the installer is handed: a requirement, or the whole path of a wheel or folder.
        distribution: The distribution's name; None for a folder, which tells it when it is built.
    """

    given: str
    argument: str
    distribution: str | None


def parse_wanted(given: str) -> Wanted:
    """Reads what is to be installed: a requirement (PEP 508), a wheel, or a folder with a project. Never an option.

    Raises:
        UserError: It is none of these.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    if given.startswith("-"):
        raise UserError(f"{given}: an option, not a plugin", "give names, wheels or folders")
    name, _, address = given.partition("@")
    if "/" in name or given.startswith((".", "~")) or (given.endswith(".whl") and not address):
        return _local(given)
    try:
        requirement = Requirement(given)
    except InvalidRequirement:
        raise UserError(
            f"{given}: no requirement", "such as autocakechat-x, or autocakechat-x>=1.2; a folder is written ./folder"
        ) from None
    return Wanted(given, given, requirement.name)


@attrs.frozen
class Installer:
    """What changes an environment.

    Attributes:
        install: The words its command to install begins with.
        uninstall: The words its command to uninstall begins with.
    """

    install: Sequence[str]
    uninstall: Sequence[str]


def install(wanted: Sequence[Wanted]) -> None:
    """Installs for this interpreter. What the installer says goes to standard error.

    Raises:
        UserError: It cannot be done here, or failed; the message says what to do.
    """
    arguments = [each.argument for each in wanted]
    installer = find_installer(Path(sys.prefix), install=arguments)
    with tempfile.TemporaryDirectory() as folder:
        # A plugin must not replace the autocakechat that is asked to install it.
        pinned = Path(folder) / "constraints.txt"
        pinned.write_text(f"autocakechat=={version('autocakechat')}\n")
        _run([*installer.install, "--constraint", str(pinned), "--", *arguments], f"install {' '.join(arguments)}")


def uninstall(distributions: Sequence[str]) -> None:
    """Uninstalls from this interpreter's environment.

    Raises:
        UserError: It cannot be done here, or failed; the message says what to do.
    """
    installer = find_installer(Path(sys.prefix), uninstall=distributions)
    _run([*installer.uninstall, "--", *distributions], f"uninstall {' '.join(distributions)}")


def find_installer(prefix: Path, install: Sequence[str] = (), uninstall: Sequence[str] = ()) -> Installer:
    """Finds out how an environment is changed: by pip, or by uv where pip is absent.

    Args:
        prefix: The environment's folder.
        install: What is to be installed, for what is told to type instead.
        uninstall: What is to be uninstalled.

    Raises:
        UserError: Another program owns the environment, or there is no installer.
    """
    if (prefix / "pipx_metadata.json").is_file():
        words = ["pipx", "inject" if install else "uninject", prefix.name, *install, *uninstall]
        raise UserError("this autocakechat was installed by pipx", f"type: {shlex.join(words)}")
    if (prefix / "uv-receipt.toml").is_file():
        words = ["uv", "tool", "install", *_uv_tool(prefix / "uv-receipt.toml", install, uninstall)]
        raise UserError("this autocakechat was installed by uv tool", f"type: {shlex.join(words)}")
    if prefix == Path(sys.base_prefix) and (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file():
        raise UserError(
            f"the Python of {prefix} belongs to the system, which forbids to install into it",
            "make an environment: python3 -m venv ~/acc, then: ~/acc/bin/pip install autocakechat",
        )
    python = sys.executable
    if importlib.util.find_spec("pip"):
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        return Installer([*pip, "install"], [*pip, "uninstall", "--yes"])
    uv = shutil.which("uv")
    if uv:
        return Installer([uv, "pip", "install", "--python", python], [uv, "pip", "uninstall", "--python", python])
    raise UserError("neither pip nor uv is here", f"type: {python} -m ensurepip")


def _uv_tool(receipt: Path, install: Sequence[str], uninstall: Sequence[str]) -> list[str]:
    """The arguments of `uv tool install`, which forgets what it is not told again."""
    from packaging.utils import canonicalize_name

    held = tomllib.loads(receipt.read_text("utf-8"))["tool"]["requirements"]
    leaving = set(map(canonicalize_name, uninstall))
    kept = [_requirement(each) for each in held if canonicalize_name(each["name"]) not in leaving]
    (tool, *others) = sorted(kept, key=lambda each: not each.startswith("autocakechat"))
    return [tool, *(word for each in (*others, *install) for word in ("--with", each))]


def _requirement(held: dict[str, Any]) -> str:
    extras = f"[{','.join(held['extras'])}]" if held.get("extras") else ""
    place = held.get("editable") or held.get("directory") or held.get("path") or held.get("url")
    return f"{held['name']}{extras}" + (f" @ {place}" if place else held.get("specifier", ""))


def _local(given: str) -> Wanted:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    path = Path(given).expanduser().resolve()
    if path.suffix == ".whl":
        if not path.is_file():
            raise UserError(f"{given}: no such file", "give the path of a wheel")
        try:
            return Wanted(given, str(path), parse_wheel_filename(path.name)[0])
        except InvalidWheelFilename:
            raise UserError(f"{given}: no name of a wheel", "a wheel keeps the name it was built with") from None
    if not path.is_dir():
        raise UserError(f"{given}: no such folder", "give a wheel, or a folder with a pyproject.toml")
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise UserError(f"{given}: holds no pyproject.toml", "give a folder that holds a project")
    return Wanted(given, str(path), None)


def _run(command: Sequence[str], action: str) -> None:
    # Standard output is kept for what a program may want to read.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)  # noqa: S603
    if done.returncode:
        raise UserError(f"could not {action}", "what went wrong stands above")

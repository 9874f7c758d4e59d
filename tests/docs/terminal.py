"""A terminal that runs the commands of a page, with a separate Python environment to install into."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sysconfig
import time
import venv
from importlib.util import find_spec
from pathlib import Path
from select import select

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PROMPT = "you "
_TIMEOUT = 300  # seconds, for a busy machine


class Terminal:
    """Runs commands one after the other, each in the working directory of the one before.

    Args:
        folder: An empty folder, for the environment and the user's files.
    """

    def __init__(self, folder: Path) -> None:
        self.directory = folder / "home"
        self.directory.mkdir()
        self._directory_file = folder / "directory"
        self._environment = _environment(folder / "venv")

    def run(self, command: str, messages: list[str]) -> tuple[int, str]:
        """Runs a command.

        Args:
            command: The command line.
            messages: The lines to type at the prompts of a chat; then comes Ctrl-D.

        Returns:
            The exit status and the output.
        """
        terminal, process_end = pty.openpty()
        script = f'{command}\nstatus=$?\npwd > "{self._directory_file}"\nexit $status'
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.directory,
            env=self._environment,
            stdin=process_end,
            stdout=process_end,
            stderr=process_end,
            start_new_session=True,
        )
        os.close(process_end)
        try:
            output = _converse(terminal, messages)
            status = process.wait(_TIMEOUT)
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
        self.directory = Path(self._directory_file.read_text().strip())
        return status, output


def _converse(terminal: int, messages: list[str]) -> str:
    """Reads the output of a program until it ends, and types a message at each prompt."""
    inputs = [f"{message}\n" for message in messages] + ["\x04"] * bool(messages)
    raw = b""
    typed_at = -1  # length of the output: escape sequences without text may follow a prompt
    deadline = time.monotonic() + _TIMEOUT
    while select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux raises EIO at the end of the program
            chunk = b""
        if not chunk:
            output = _plain(raw)
            return output.removesuffix(f"{_PROMPT}\n") if messages else output
        raw += chunk
        shown = _plain(raw)
        if inputs and shown.endswith(_PROMPT) and len(shown) > typed_at:
            typed_at = len(shown)
            os.write(terminal, inputs.pop(0).encode())
    raise AssertionError(f"timeout after {_TIMEOUT} s; output:\n{_plain(raw)}")


def _plain(raw: bytes) -> str:
    """Decodes output and removes escape sequences."""
    return _ESCAPES.sub("", raw.decode()).replace("\r\n", "\n")


def _environment(folder: Path) -> dict[str, str]:
    """Makes a virtual environment that sees the packages of the running one. Returns the environment variables."""
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    site_packages = sysconfig.get_path("purelib")
    new_site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (new_site_packages / "shared.pth").write_text(f"import site; site.addsitedir({site_packages!r})\n")
    for name, module in {"pip": "pip", "pytest": "pytest", "acc": "autocakechat"}.items():
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{python}" -m {module} "$@"\n')
        program.chmod(0o755)
    environment = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TERM": "dumb",
        "COLUMNS": "150",
        "LC_ALL": "C.UTF-8",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if find_spec("setuptools"):
        environment["PIP_NO_BUILD_ISOLATION"] = "0"  # disables the isolation (sic), so that nothing is downloaded
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return inherited | environment

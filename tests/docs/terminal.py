"""A terminal in which the commands of a page are typed, with an environment of its own to install into."""

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
_SECONDS = 300  # on a machine that is busy


class Terminal:
    """Runs commands one after the other; each starts in the folder where the last one ended.

    Args:
        folder: An empty folder, for the environment and the user's files.
    """

    def __init__(self, folder: Path) -> None:
        self.place = folder / "home"
        self.place.mkdir()
        self._ended_in = folder / "ended-in"
        self._environment = _environment(folder / "venv")

    def type(self, command: str, said: list[str]) -> tuple[int, str]:
        """Runs a command as if it were typed.

        Args:
            command: The command.
            said: What to answer each time it asks for something; then comes Ctrl-D.

        Returns:
            Its exit status, and what was to be seen.
        """
        ours, theirs = pty.openpty()
        shell = f'{command}\nstatus=$?\npwd > "{self._ended_in}"\nexit $status'
        process = subprocess.Popen(
            ["bash", "-c", shell],
            cwd=self.place,
            env=self._environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            screen = _converse(ours, said)
            status = process.wait(_SECONDS)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        self.place = Path(self._ended_in.read_text().strip())
        return status, screen


def _converse(terminal: int, said: list[str]) -> str:
    typed = [f"{line}\n" for line in said] + ["\x04"] * bool(said)
    seen = b""
    deadline = time.monotonic() + _SECONDS
    while select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            new = os.read(terminal, 4096)
        except OSError:  # Linux says so when the program has ended
            new = b""
        if not new:
            screen = _plain(seen)
            return screen.removesuffix(f"{_PROMPT}\n") if said else screen
        seen += new
        if typed and _plain(seen).endswith(_PROMPT):
            os.write(terminal, typed.pop(0).encode())
    raise AssertionError(f"nothing more came for {_SECONDS} s; to be seen was:\n{_plain(seen)}")


def _plain(seen: bytes) -> str:
    return _ESCAPES.sub("", seen.decode()).replace("\r\n", "\n")


def _environment(folder: Path) -> dict[str, str]:
    """Makes an environment that has all that this one has, and can be installed into."""
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    borrowed = sysconfig.get_path("purelib")
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (own / "borrowed.pth").write_text(f"import site; site.addsitedir({borrowed!r})\n")
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
        environment["PIP_NO_BUILD_ISOLATION"] = "0"  # which means: without isolation, so nothing is fetched
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | environment

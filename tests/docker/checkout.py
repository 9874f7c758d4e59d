"""A checkout as a user has it, with `make` and `docker` to use on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from tests.conftest import ROOT
from tests.processes import Process

DOCKER = os.environ.get("DOCKER", "docker")
_USER = 12345
_COPIED = (
    "core",
    "plugins",
    "docker",
    "Makefile",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".dockerignore",
)


def why_no_engine() -> str:
    """Says what keeps the tests from using a Docker engine; nothing if they can."""
    try:
        asked = [DOCKER, "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return f"`{DOCKER}` cannot be used"
    return "" if done.returncode == 0 else "no Docker engine answers"


def docker(*arguments: str) -> str:
    """Runs docker and returns what it prints."""
    done = subprocess.run([DOCKER, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.1)


@attrs.frozen
class Checkout:
    """A copy of the project, and the one who types `make` in it: a user who is not root.

    Attributes:
        folder: Where it lies.
        user: The user's number, and the group's.
    """

    folder: Path
    user: int

    @classmethod
    def copied(cls, folder: Path) -> Checkout:
        """Copies the project, as far as the targets need it."""
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        return cls(folder, os.getuid() or _USER)

    def write(self, name: str, text: str) -> None:
        """Writes a file of the user's."""
        (self.folder / name).write_text(text)
        self.belongs_to_user(self.folder / name)

    def belongs_to_user(self, *paths: Path) -> None:
        """Gives files to the user."""
        if os.getuid() == 0:
            for path in paths:
                os.chown(path, self.user, self.user, follow_symlinks=False)

    def start(self, *arguments: str, as_root: bool = False, **environment: str) -> Process:
        """Starts `make` as the user."""
        command = ["make", "--no-print-directory", *arguments]
        if os.getuid() == 0 and not as_root:
            socket = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))
            group = socket.stat().st_gid if socket.exists() else self.user
            command = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", f"--groups={group}", *command]
        return Process(
            command,
            cwd=self.folder,
            env=os.environ | {"HOME": str(self.folder)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *arguments: str, **more: Any) -> tuple[int, str]:
        """Runs `make` as the user to its end; returns the exit status, and all that was shown."""
        with self.start(*arguments, **more) as process:
            shown, _ = process.communicate(timeout=600)
        return process.returncode, shown

    def containers(self, *options: str) -> list[str]:
        """The containers that its targets have started."""
        _, name = self.make("--eval", "name: ; @echo $(COMPOSE_PROJECT_NAME)", "name")
        label = f"label=com.docker.compose.project={name.strip()}"
        return docker("ps", "--quiet", "--no-trunc", "--filter", label, *options).split()

    def inspect(self) -> dict[str, Any]:
        """What docker knows of its only container, whether it runs or not."""
        (container,) = self.containers("--all")
        (known,) = json.loads(docker("inspect", container))
        return dict(known)

"""A copy of the project in which the tests run `make` and `docker`, as a user would."""

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
    """Returns why no Docker engine can be used; empty if one can."""
    try:
        command = [DOCKER, "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return f"`{DOCKER}` cannot be used"
    return "" if done.returncode == 0 else "no Docker engine is running"


def docker(*arguments: str) -> str:
    """Runs docker and returns what it prints."""
    done = subprocess.run([DOCKER, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)


@attrs.frozen
class Checkout:
    """A copy of the project, and an unprivileged user who runs `make` in it.

    Attributes:
        folder: Its folder.
        user: The user id, which is also the group id.
    """

    folder: Path
    user: int

    @classmethod
    def copied(cls, folder: Path) -> Checkout:
        """Copies the files that the targets need."""
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        return cls(folder, os.getuid() or _USER)

    def write(self, name: str, text: str) -> None:
        """Writes a file that belongs to the user."""
        (self.folder / name).write_text(text)
        self.belongs_to_user(self.folder / name)

    def belongs_to_user(self, *paths: Path) -> None:
        """Makes the user the owner of files."""
        if os.getuid() == 0:
            for path in paths:
                os.chown(path, self.user, self.user, follow_symlinks=False)

    def start(self, *arguments: str, as_root: bool = False, **environment: str) -> Process:
        """Starts `make` as the user."""
        return self._start(["make", "--no-print-directory", *arguments], as_root, environment)

    def sh(self, script: str, **environment: str) -> tuple[int, str]:
        """Runs a shell script as the user, up to the first command that fails; returns its status and its output."""
        with self._start(["sh", "-ec", script], as_root=False, environment=environment) as process:
            shown, _ = process.communicate(timeout=600)
        return process.returncode, shown

    def _start(self, command: list[str], as_root: bool, environment: dict[str, str]) -> Process:
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
        """Runs `make` as the user; returns its exit status and its output."""
        with self.start(*arguments, **more) as process:
            shown, _ = process.communicate(timeout=600)
        return process.returncode, shown

    def containers(self, *options: str) -> list[str]:
        """Returns the containers that its targets have started."""
        _, name = self.make("--eval", "name: ; @echo $(COMPOSE_PROJECT_NAME)", "name")
        label = f"label=com.docker.compose.project={name.strip()}"
        return docker("ps", "--quiet", "--no-trunc", "--filter", label, *options).split()

    def inspect(self) -> dict[str, Any]:
        """Returns what `docker inspect` prints about its only container, running or not."""
        (container,) = self.containers("--all")
        (state,) = json.loads(docker("inspect", container))
        return dict(state)

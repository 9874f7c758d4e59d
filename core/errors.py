"""The errors that are shown to the user, and the exit status of each."""

from __future__ import annotations

import errno
from typing import Any


class AccError(Exception):
    """A failure that is shown to the user as one line, without a traceback.

    Args:
        message: What is wrong, and where.
        hint: What to do about it.

    Attributes:
        resumable: Whether the same command may succeed when it is run again, and continues where it failed.
    """

    exit_status = 1
    resumable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Supports pickling of subclasses with other constructors: worker processes send errors to their parent."""
        return _unpickle, (type(self), self.args, self.__dict__)


class UserError(AccError):
    """A problem with files, options or secrets that the user can fix."""

    exit_status = 2


class ForeignLogError(UserError):
    """A path is not a chat log of this source; another source may read it."""


class ManyProblemsError(UserError):
    """Several problems that the user can fix, shown together, one per line.

    Args:
        problems: The lines, in the order of the file that they refer to.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StageError(AccError):
    """A stage failed for a reason that the user's files and options did not cause."""

    resumable = True


class WorkerFinished(AccError):  # noqa: N818  # not an error, but it ends the command as one does
    """This process has done its part of a training together with others, one of which has stored the model."""

    exit_status = 0


class DiskFullError(StageError):
    """A disk is full."""


class PluginError(AccError):
    """A plugin broke its contract.

    Args:
        plugin: The plugin, as the message names it.
        message: What it did.
        location: The line of the plugin's code, as `file.py:12`; empty if it is unknown.
        details: The traceback, for `--verbose`.
    """

    def __init__(self, plugin: str, message: str, location: str = "", details: str = "") -> None:
        where = f"; {location}" if location else ""
        super().__init__(f"plugin {plugin}: {message}{where}", "report this to the plugin's author")
        self.plugin = plugin
        self.details = details


def is_full_disk(error: OSError) -> bool:
    """Returns whether a write failed because the disk is full or a quota or size limit is reached."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def full_disk(error: OSError, path: object = "") -> DiskFullError:
    """Makes the error that reports a full disk.

    Args:
        error: The error of the operating system.
        path: What was being written, if the caller knows it better than `error.filename`.
    """
    where = path or error.filename or "disk"
    return DiskFullError(f"{where}: disk full: {error.strerror}", "free some space on this disk")


def _unpickle(cls: type[AccError], args: tuple[Any, ...], attributes: dict[str, Any]) -> AccError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(attributes)
    return error

"""The errors that reach a user, each with the exit status it ends the program with."""

from __future__ import annotations

import errno
from typing import Any


class AccError(Exception):
    """A failure told to the user in one line, without a traceback.

    Args:
        message: What is wrong, and where.
        hint: What to do about it.
    """

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """An error of a reading process arrives in the one that started it as what it is."""
        return _restored, (type(self), self.args, self.__dict__)


class UserError(AccError):
    """Something in the user's files, options or secrets that the user can mend."""

    exit_status = 2


class ManyProblemsError(UserError):
    """Several things to mend, shown together, one line each.

    Args:
        problems: The lines, in the order of the file they speak of.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StageError(AccError):
    """A stage that could not do its work for a reason that lies in no file of the user's."""


class PluginError(AccError):
    """A plugin that broke its contract.

    Args:
        plugin: The plugin's name, so that the right author hears of it.
        message: What it did.
    """

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin}: {message}", "report this to the plugin's author")
        self.plugin = plugin


def is_full_disk(error: OSError) -> bool:
    """Whether there was no room, or no more of it that the user may take."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def full_disk(error: OSError, place: object = "") -> UserError:
    """Makes the error that tells of a full disk.

    Args:
        error: What the system said.
        place: What was being written, where that is known better than from the error.
    """
    return UserError(f"{place or error.filename or 'disk'}: no room: {error.strerror}", "make room on this disk")


def _restored(kind: type[AccError], args: tuple[Any, ...], state: dict[str, Any]) -> AccError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error

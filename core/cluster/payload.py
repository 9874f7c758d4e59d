"""Objects on their way to another machine, and how their results and errors come back."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Generic, TypeVar

import attrs

from autocakechat.errors import AccError, StageError, UserError

T = TypeVar("T")
ResultT = TypeVar("ResultT")


@attrs.frozen
class Payload(Generic[T]):
    """A pickled object, with the version of autocakechat that it needs.

    Attributes:
        data: The object.
        version: The version of autocakechat that pickled it.
    """

    data: bytes
    version: str

    @classmethod
    def of(cls, content: T) -> Payload[T]:
        """Pickles an object."""
        return cls(pickle.dumps(content, pickle.HIGHEST_PROTOCOL), version("autocakechat"))

    def unpack(self) -> T:
        """Returns the object.

        Raises:
            UserError: This machine has another version of autocakechat, or lacks a plugin.
        """
        hint = "install there what is installed on the machine that runs acc"
        if version("autocakechat") != self.version:
            raise UserError(f"autocakechat {version('autocakechat')} is installed, {self.version} is needed", hint)
        try:
            content: T = pickle.loads(self.data)  # noqa: S301 - written by `of`
        except (ImportError, AttributeError) as error:
            raise UserError(f"a plugin is missing: {error}", hint) from None
        return content


@attrs.frozen
class Success(Generic[ResultT]):
    """What a function on another machine returned."""

    value: ResultT


@attrs.frozen
class Failure:
    """An error on another machine.

    Attributes:
        error: The error.
        machine: The name of the machine.
    """

    error: AccError
    machine: str


Outcome = Success[ResultT] | Failure


def attempt(function: Callable[[], ResultT]) -> Outcome[ResultT]:
    """Calls a function on this machine, and returns its result or its error: Ray would wrap the error."""
    try:
        return Success(function())
    except AccError as error:
        return Failure(error, platform.node())
    except MemoryError:
        return Failure(StageError("out of memory", "use larger machines, or fewer processes on each"), platform.node())


def result_of(outcome: Outcome[Any]) -> Any:
    """Returns the result of a function on another machine.

    Raises:
        AccError: The function failed. The message names the machine.
    """
    if isinstance(outcome, Success):
        return outcome.value
    outcome.error.message = f"machine {outcome.machine}: {outcome.error.message}"
    raise outcome.error

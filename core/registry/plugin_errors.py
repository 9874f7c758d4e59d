"""Converts unexpected errors of plugins to errors that name the plugin and the line of its code."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autocakechat.errors import AccError, PluginError, full_disk, is_full_disk
from autocakechat.registry.plugin import Provided, describe_error
from autocakechat.registry.source_location import (
    first_location,
    is_part_of,
    location_of_error,
    location_of_function,
    location_of_iterator,
    package_of,
    source_location,
)


@contextmanager
def errors_of_plugin(owner: str, stage: Provided, iterator: object = None) -> Iterator[None]:
    """Attributes the unexpected errors of a block to a plugin. A call of `sys.exit` is such an error.

    Args:
        owner: The plugin, as error messages name it.
        stage: The stage whose code runs in the block.
        iterator: What the plugin yields in the block, for errors outside of its code.

    Raises:
        AccError: The block raised it.
        PluginError: The block raised another exception.
    """
    try:
        yield
    except BaseException as error:
        if not is_unexpected(error):
            raise
        raise plugin_error(owner, stage, error, iterator) from error


def is_unexpected(error: BaseException) -> bool:
    """Returns whether an error in a plugin is a bug of the plugin: also `sys.exit`, or a cancelled asyncio task."""
    return not isinstance(error, AccError | MemoryError | KeyboardInterrupt | GeneratorExit)


def plugin_error(owner: str, stage: Provided, error: BaseException, iterator: object = None) -> AccError:
    """Converts an unexpected error in a plugin to one that names the plugin. A full disk is not the plugin's fault.

    Args:
        owner: The plugin, as error messages name it.
        stage: The stage whose code ran.
        error: The error.
        iterator: What the plugin yielded, for an error outside of its code.
    """
    if isinstance(error, OSError) and is_full_disk(error):
        return full_disk(error)
    location = first_location(
        location_of_error(error, package_of(stage)), location_of_iterator(iterator), source_location(stage)
    )
    return PluginError(
        owner, f"failed with {describe_error(error)}", location, format_traceback(error, package_of(stage))
    )


def contract_violation(
    owner: str, stage: Provided, problem: str, *, function: Callable[..., object] | None = None, iterator: object = None
) -> PluginError:
    """Makes the error for a plugin that returned or yielded something wrong.

    Args:
        owner: The plugin, as error messages name it.
        stage: The stage.
        problem: What it did, and what is expected.
        function: The function that returned it; by default the main function of the stage.
        iterator: The iterator that yielded it.
    """
    defined = location_of_function(function) if function else source_location(stage)
    location = location_of_iterator(iterator) or defined
    if location is None:
        return PluginError(owner, problem)
    code = linecache.getline(location.file, location.line).strip()
    details = f'in the code of the plugin:\n  File "{location.file}", line {location.line}\n    {code}'
    return PluginError(owner, problem, location.relative(), details)


def format_details(error: BaseException) -> str:
    """Returns the traceback of an error: of a plugin's error, the lines of the plugin's code come first."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, PluginError):
            return cause.details or "".join(traceback.format_exception(cause, chain=False)).rstrip()
        cause = cause.__cause__
    return "".join(traceback.format_exception(error)).rstrip()


def format_traceback(error: BaseException, package: str) -> str:
    """Formats a traceback: first the frames of a package, then all frames."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    summary = traceback.extract_tb(error.__traceback__)
    own = [frame for frame, module in zip(summary, modules, strict=True) if is_part_of(module, package)]
    all_frames = "".join(traceback.format_exception(error)).rstrip()
    if not own:
        return all_frames
    own_lines = "".join([*traceback.format_list(own), *traceback.format_exception_only(error)]).rstrip()
    return f"in the code of the plugin (most recent call last):\n{own_lines}\n\nwith all other frames:\n{all_frames}"

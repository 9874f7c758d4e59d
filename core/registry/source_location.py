"""Finds the line of a plugin's code that an error belongs to."""

from __future__ import annotations

import dis
import functools
import inspect
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, GeneratorType
from typing import Any

import attrs

from autocakechat.interface.stage_types import StageType
from autocakechat.registry.plugin import Provided

# For each kind of stage, the function that does its work; its location in the code is shown as that of the stage.
_MAIN_FUNCTIONS = {
    "source": "read",
    "extractor": "extract",
    "annotator": "annotate",
    "trainer": "train",
    "deployer": "deploy",
    "command": "load",
}
_PARTS_OF_BUNDLED_PACKAGE = 4  # autocakechat.plugins.sources.telegram


@attrs.frozen
class SourceLocation:
    """A location in source code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def relative(self) -> str:
        """Returns the location as `package/module.py:12`: the path starts where Python found the package."""
        path = Path(self.file)
        roots = [root for root in map(Path, filter(None, sys.path)) if path.is_relative_to(root)]
        return f"{path.relative_to(max(roots, key=lambda root: len(root.parts))) if roots else path}:{self.line}"


def source_location(stage: Provided) -> SourceLocation | None:
    """Returns where the main function of a stage is defined; None for a function that is not written in Python."""
    return location_of_function(getattr(stage, _MAIN_FUNCTIONS[stage.kind]))


def location_of_function(function: Any) -> SourceLocation | None:
    """Returns where a function is defined; None for a function that is not written in Python."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__wrapped__", getattr(function, "__func__", function))
    code = getattr(function, "__code__", None)
    return SourceLocation(code.co_filename, code.co_firstlineno) if code else None


def location_of_iterator(iterator: object) -> SourceLocation | None:
    """Returns where a generator yielded its last item; None for another iterator, such as a list.

    If the generator has ended and has several `yield`, it is the line of the function.
    """
    while isinstance(iterator, GeneratorType) and isinstance(iterator.gi_yieldfrom, GeneratorType):
        iterator = iterator.gi_yieldfrom
    if not isinstance(iterator, GeneratorType):
        return None
    frame: FrameType | None = iterator.gi_frame
    return _location_in(iterator.gi_code, frame.f_lineno if frame else _only_yield(iterator.gi_code))


def location_of_error(error: BaseException, package: str) -> SourceLocation | None:
    """Returns the innermost line of a package that an error passed through; None if there is none."""
    lines = [
        SourceLocation(frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if is_part_of(frame.f_globals.get("__name__", ""), package)
    ]
    return lines[-1] if lines else None


def location_of_syntax_error(error: BaseException) -> SourceLocation | None:
    """Returns the line that Python could not parse; None for another error."""
    is_located = isinstance(error, SyntaxError) and error.filename and error.lineno
    return SourceLocation(error.filename, error.lineno) if is_located else None  # type: ignore[attr-defined]


def location_of_field(cls: type, name: str) -> SourceLocation | None:
    """Returns where a class defines a field, or else the class; None if its source is not available."""
    try:
        lines, first = inspect.getsourcelines(cls)
        file = inspect.getsourcefile(cls)
    except (OSError, TypeError):
        return None
    definition = re.compile(rf"\s+{re.escape(name)}\s*[:=]")
    offset = next((offset for offset, line in enumerate(lines) if definition.match(line)), 0)
    return SourceLocation(file, first + offset) if file else None


def package_of(stage: Provided) -> str:
    """Returns the package with the code of a stage: the top-level one, or that of a bundled stage."""
    module = stage.config.__module__ if isinstance(stage, StageType) else stage.load.__module__
    parts = module.split(".")
    return ".".join(parts[:_PARTS_OF_BUNDLED_PACKAGE] if parts[0] == "autocakechat" else parts[:1])


def is_part_of(module: str, package: str) -> bool:
    """Returns whether a module is a package or one of its modules."""
    return module == package or module.startswith(f"{package}.")


def first_location(*locations: SourceLocation | None) -> str:
    """Returns the first location that is known, as error messages show it; empty if none is."""
    known: Iterable[SourceLocation] = filter(None, locations)
    return next((location.relative() for location in known), "")


def _location_in(code: CodeType, line: int | None) -> SourceLocation:
    return SourceLocation(code.co_filename, line or code.co_firstlineno)


def _only_yield(code: CodeType) -> int | None:
    """Returns the line of the only `yield` in a generator's code; None if there are several."""
    yields = {
        instruction.positions.lineno
        for instruction in dis.get_instructions(code)
        if instruction.opname == "YIELD_VALUE" and instruction.positions
    }
    return yields.pop() if len(yields) == 1 else None

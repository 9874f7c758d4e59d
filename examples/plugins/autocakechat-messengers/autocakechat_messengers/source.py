"""Makes a source of a format."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import attrs

from autocakechat import (
    Chat,
    ForeignLogError,
    Input,
    RunContext,
    SourceType,
    UserError,
    escape_control_characters,
    option,
    select_chats,
)


class NotAnExportError(Exception):
    """A path has no chats of a format; the text says why, beginning with the name of the file."""


@attrs.frozen(kw_only=True)
class ExportOptions:
    """The options of `[[source]]`."""

    path: Path = option(affects_key=False, help="The export: a file, or a folder that contains it.")
    include: list[str | int] = option(
        factory=list, help="The chats to read, by id or title; all others are skipped. Empty for all chats."
    )
    exclude: list[str | int] = option(
        factory=list, help="Chats to skip, and people whose messages are dropped, by id or name."
    )


@attrs.frozen
class ExportFiles:
    """The files of an export, which are read together.

    Attributes:
        source: The name of the source.
        names: A name for each file, safe to print, which does not depend on the location of the export.
    """

    source: str
    names: dict[Path, str]

    @classmethod
    def of_input(cls, source: str, input: Input) -> ExportFiles:
        """Returns the files of an input."""
        common = Path(os.path.commonpath([path.parent for path in input.paths]))
        names = {path: escape_control_characters(path.relative_to(common).as_posix()) for path in input.paths}
        return cls(source, names)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.names)


class Format(Protocol):
    """What the module of a format has."""

    HINT: dict[str, str]
    """By the name of the source: how to export."""

    def find(self, source: str, path: Path) -> Sequence[Path]:
        """Returns the files of the export under a path.

        Raises:
            NotAnExportError: There are none.
        """

    def read(self, files: ExportFiles, run: RunContext) -> Iterator[Chat]:
        """Yields the chats of an export."""


def make_source(name: str, summary: str, module: str) -> SourceType:
    """Makes a source.

    Args:
        name: Its name.
        summary: Its summary.
        module: The module of its format.
    """
    return SourceType(
        name=name,
        summary=summary,
        config=ExportOptions,
        inputs=partial(_inputs, name, module),
        read=partial(_read, name, module),
        recognises=partial(_recognises, name, module),
    )


def _format(module: str) -> Format:
    return importlib.import_module(f"autocakechat_messengers.{module}")


def _inputs(source: str, module: str, options: ExportOptions) -> Sequence[Input]:
    path, export_format = options.path, _format(module)
    shown, hint = escape_control_characters(str(path)), export_format.HINT[source]
    if not path.exists():
        raise UserError(f"{shown}: no such file or folder", hint)
    try:
        files = sorted(export_format.find(source, path))
    except NotAnExportError as error:
        raise ForeignLogError(escape_control_characters(str(error)), hint) from None
    except OSError as error:
        raise UserError(f"{shown}: {error.strerror}", "check the path and its permissions") from None
    name = files[0].relative_to(path).as_posix() if path.is_dir() else path.name
    return [Input(name if len(files) == 1 else f"{name} and {len(files) - 1} more", tuple(files))]


def _read(source: str, module: str, options: ExportOptions, input: Input, run: RunContext) -> Iterable[Chat]:
    chats = _format(module).read(ExportFiles.of_input(source, input), run)
    return select_chats(chats, options.include, options.exclude)


def _recognises(source: str, module: str, path: Path) -> bool:
    try:
        return path.exists() and bool(_format(module).find(source, path))
    except (NotAnExportError, OSError):
        return False

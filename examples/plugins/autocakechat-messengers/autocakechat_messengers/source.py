"""Makes a source of a format."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import attrs

from autocakechat import (
    Chat,
    ForeignLogError,
    Input,
    LogFile,
    LogFileOpener,
    RunContext,
    SourceType,
    UserError,
    escape_control_characters,
    option,
    select_chats,
)
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError


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
class ExportInput(Input):
    """The files of an export, which are read together.

    Attributes:
        files: The files; an archive contains several.
        warnings: A sentence about each archive or file that cannot be read.
    """

    files: tuple[LogFile, ...] = ()
    warnings: tuple[str, ...] = ()


class Format(Protocol):
    """What the module of a format has."""

    HINT: dict[str, str]
    """By the name of the source: how to export."""

    def find(self, source: str, listing: Listing) -> Sequence[LogFile]:
        """Returns the files of the export among the files of a path.

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
    if not path.is_file() and not path.is_dir():
        problem = "not a regular file" if path.exists() else "no such file or folder"
        raise UserError(f"{shown}: {problem}", hint)
    try:
        with Listing.of_path(path) as listing:
            files = sorted(export_format.find(source, listing))
    except NotAnExportError as error:
        raise ForeignLogError(escape_control_characters(str(error)), hint) from None
    name = files[0].location.relative_to(path).as_posix() if path.is_dir() else path.name
    paths = tuple(dict.fromkeys(file.path for file in files))
    more = len(files) - 1 if path.is_dir() else 0
    name = f"{name} and {more} more" if more else name
    return [ExportInput(name, paths, tuple(files), tuple(map(str, listing.errors)))]


def _read(source: str, module: str, options: ExportOptions, input: ExportInput, run: RunContext) -> Iterator[Chat]:
    for warning in input.warnings:
        run.log.warning("passed over: %s", warning)
    with LogFileOpener() as opener:
        chats = _format(module).read(ExportFiles(source, input.files, opener), run)
        yield from select_chats(chats, options.include, options.exclude)


def _recognises(source: str, module: str, path: Path) -> bool:
    try:
        with Listing.of_path(path) as listing:
            return bool(_format(module).find(source, listing))
    except (NotAnExportError, OSError, UserError):
        return False

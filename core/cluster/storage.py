"""Copies folders to a place that all machines see and back: a path, or an address of fsspec such as s3://bucket/folder.

A path is used where it is; an address is copied to the machine that needs it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autocakechat.errors import AccError, StageError, full_disk, is_full_disk

_NUMBER = ".number"
_HINT = "check cluster.storage, and that all machines may read and write there"


def is_path(place: str) -> bool:
    """Returns whether a place is a path, and not an address."""
    return "://" not in place


def store_folder(folder: Path, place: str, number: int | None = None) -> None:
    """Copies a folder to a place, and replaces what is there.

    Args:
        folder: The folder.
        place: The place.
        number: A number that `stored_number` returns once the folder is whole, if any.

    Raises:
        DiskFullError: There is no room for it.
        StageError: It cannot be written there.
    """
    with storage_errors(place):
        system, target = _resolve(place)
        _remove(system, target)
        _make_private(system, target)
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = posixpath.join(target, file.relative_to(folder).as_posix())
                system.makedirs(posixpath.dirname(name), exist_ok=True)
                system.put_file(str(file), name)
        if number is not None:
            system.pipe_file(target + _NUMBER, str(number).encode())


def stored_number(place: str) -> int | None:
    """Returns the number that `store_folder` has stored a folder with; None if there is no whole folder."""
    with storage_errors(place):
        system, target = _resolve(place)
        mark = target + _NUMBER
        number = system.cat_file(mark) if system.exists(mark) else b""
        return int(number) if number else None  # it is empty if its writer was killed


def copy_folder(place: str, folder: Path) -> None:
    """Copies the folder at a place; nothing if there is none.

    Args:
        place: The place.
        folder: The target, which is created if necessary.

    Raises:
        DiskFullError: There is no room for it.
        StageError: It cannot be read.
    """
    with storage_errors(place):
        folder.mkdir(parents=True, exist_ok=True)
        for name, system, path in _files(place):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(path, str(target))


def remove_folder(place: str) -> None:
    """Removes the folder at a place, if there is one."""
    with storage_errors(place):
        _remove(*_resolve(place))


def describe_content(place: str) -> dict[str, tuple[int, str]]:
    """Returns the size and the time of each file of the folder at a place; they change whenever a file is written."""
    with storage_errors(place):
        content = {}
        for name, system, path in _files(place):
            entry = system.info(path)
            written = entry.get("mtime") or entry.get("LastModified") or entry.get("updated") or ""
            content[name] = (int(entry["size"] or 0), str(written))
        return content


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turns the errors of the block, which depend on the kind of storage, into errors with one line.

    Raises:
        DiskFullError: There is no room.
        StageError: The place cannot be read or written.
    """
    try:
        yield
    except AccError:
        raise
    except Exception as error:  # each file system of fsspec has its own errors
        if isinstance(error, OSError) and is_full_disk(error):
            raise full_disk(error, place) from error
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise StageError(f"{place}: cannot be used: {reason}", _HINT) from error


def _files(place: str) -> Iterator[tuple[str, Any, str]]:
    """Yields the relative name of each file of a folder, its file system and its path there."""
    system, folder = _resolve(place)
    system.invalidate_cache()
    if system.exists(folder):
        for path in system.find(folder):
            yield posixpath.relpath(path, folder), system, path


def _resolve(place: str) -> tuple[Any, str]:
    """Returns the file system of a place, and the path of the place there."""
    import fsspec

    system, path = fsspec.url_to_fs(place)
    return system, path.rstrip("/")


def _remove(system: Any, path: str) -> None:
    if system.exists(path + _NUMBER):
        system.rm_file(path + _NUMBER)
    if system.exists(path):
        system.rm(path, recursive=True)


def _make_private(system: Any, folder: str) -> None:
    """Creates a folder. If it is a path, only its owner may read it."""
    system.makedirs(folder, exist_ok=True)
    if Path(folder).is_dir():
        Path(folder).chmod(0o700)

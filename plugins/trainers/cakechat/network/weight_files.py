"""Files of arrays in the safetensors format: weights and checkpoints. No file is a pickle.

A file has 8 bytes with the length of the header, the header in JSON, and the bytes of all arrays.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from autocakechat import damaged_file, write_whole

Arrays = dict[str, np.ndarray[Any, Any]]

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8")}
_TYPE_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_KERNEL = "kernel"
_BY_COLUMNS = ".transposed"
"""The end of the name of a kernel that is stored by columns: as its transpose."""

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 2**24
_MAX_DIMENSIONS = 8
_ALIGNMENT = 64
"""The arrays begin at a multiple of so many bytes, the size of a cache line. The format asks for 8."""


class _Entry(msgspec.Struct):
    """The header's entry of an array."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def write_arrays(
    file: Path, arrays: Mapping[str, np.ndarray[Any, Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes arrays in the safetensors format, atomically. No array is copied in memory.

    Args:
        file: The file; an existing file is replaced.
        arrays: The arrays by name.
        metadata: Strings for the header's `__metadata__`.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = _Entry(_TYPE_NAMES[array.dtype], array.shape, (start, end))
    encoded = msgspec.json.encode(header)
    encoded += b" " * (-(_LENGTH_BYTES + len(encoded)) % _ALIGNMENT)
    array_bytes = (np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values())
    write_whole(file, len(encoded).to_bytes(_LENGTH_BYTES, "little"), encoded, *array_bytes)


def read_arrays(file: Path) -> tuple[Arrays, dict[str, str]]:
    """Maps a file from `write_arrays` into memory.

    Nothing is copied: the arrays are read from the disk when they are used, and processes that read the same file share
    them. They cannot be written to.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        UserError: The file is missing or damaged.
    """
    if not file.is_file():  # opening a pipe would wait for ever
        raise damaged_file(file, "not a regular file" if file.exists() else "no such file")
    try:
        with file.open("rb") as opened:
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # a ValueError if the file is empty
        raise damaged_file(file, f"cannot be read: {error}") from None
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    try:
        if length > _MAX_HEADER_BYTES:
            raise ValueError(f"its header has {length:,} bytes, expected at most {_MAX_HEADER_BYTES:,}")
        header = msgspec.json.decode(content[_LENGTH_BYTES:start], type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(header.pop("__metadata__", b"{}"), type=dict[str, str])
        entries = {name: msgspec.json.decode(entry, type=_Entry) for name, entry in header.items()}
        _check_offsets(entries.values(), len(content) - start)
        return {name: _array(content, start, entry) for name, entry in entries.items()}, metadata
    except (ValueError, KeyError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise damaged_file(file, f"cannot be read: {error}") from None


def write_weights(file: Path, weights: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Writes the weights of a network.

    Kernels are stored by columns, as `multiplier` reads them fastest for the few rows of a step.

    Args:
        file: The file; an existing file is replaced.
        weights: The weights by name.
    """
    stored: Arrays = {}
    for name, weight in weights.items():
        if name.endswith(_KERNEL):
            stored[name + _BY_COLUMNS] = weight.T
        else:
            stored[name] = weight
    write_arrays(file, stored)


def read_weights(file: Path) -> Arrays:
    """Maps a file of weights into memory; see `read_arrays`. Files of the first version have kernels stored by rows.

    Raises:
        UserError: The file is missing or damaged.
    """
    arrays, _ = read_arrays(file)
    return {
        name.removesuffix(_BY_COLUMNS): array.T if name.endswith(_BY_COLUMNS) else array
        for name, array in arrays.items()
    }


def _check_offsets(entries: Iterable[_Entry], end: int) -> None:
    """Checks that the arrays fill the file from its header to its end, one after the other.

    Raises:
        ValueError: They overlap, or there are bytes that belong to none.
    """
    place = 0
    for begin, next_place in sorted(entry.data_offsets for entry in entries):
        if begin != place or next_place < begin:
            raise ValueError(f"an array begins at the byte {begin}, expected {place}")
        place = next_place
    if place != end:
        raise ValueError(f"the arrays have {place} bytes, the file {end}")


def release_memory(arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives the memory of mapped arrays back. They are read from the disk again when they are used.

    Args:
        arrays: Arrays from `read_arrays` or `read_weights`.
    """
    for array in arrays.values():
        owner: Any = array
        while isinstance(owner, np.ndarray):
            owner = owner.base
        content = owner.obj if isinstance(owner, memoryview) else owner
        if isinstance(content, mmap.mmap):
            content.madvise(mmap.MADV_DONTNEED)


def _array(content: mmap.mmap, start: int, entry: _Entry) -> np.ndarray[Any, Any]:
    """Returns the array of an entry, whose offsets count from `start`.

    Raises:
        ValueError: The entry contradicts itself or the length of the file.
        KeyError: The type is unknown.
    """
    if len(entry.shape) > _MAX_DIMENSIONS:
        raise ValueError(f"an array has {len(entry.shape)} dimensions, expected at most {_MAX_DIMENSIONS}")
    dtype, (begin, end) = _TYPES[entry.dtype], entry.data_offsets
    number = math.prod(entry.shape)
    if min((begin, *entry.shape)) < 0 or end - begin != number * dtype.itemsize:
        raise ValueError(f"an array has the shape {entry.shape} and {end - begin} bytes")
    # Raises a ValueError if the file is too short.
    array: np.ndarray[Any, Any] = np.frombuffer(content, dtype, number, start + begin).reshape(entry.shape)
    return array

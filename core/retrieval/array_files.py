"""Maps the arrays of an index into memory. They may come from a stranger, so their headers are not trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat.interface.model_file import damaged_file, require_file

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], Any]


def open_array(file: Path, dtype: Any, *shape: int | None) -> Array:
    """Maps a file of `np.save` into memory. Nothing is allocated or copied, and no pickle is read.

    Args:
        file: The file.
        dtype: The expected type of the numbers, or an abstract one such as `np.integer`.
        shape: The expected lengths; None for any.

    Raises:
        UserError: The file is missing or damaged, or contains another type or shape.
    """
    import numpy as np

    require_file(file)
    try:
        with np.errstate(over="ignore"):  # an error follows the overflow of a size
            array: Array = np.lib.format.open_memmap(file, mode="r")
    except Exception as error:  # NumPy raises errors of a dozen types for damaged headers
        raise damaged_file(file, f"cannot be read: {type(error).__name__}") from None
    lengths = zip(array.shape, shape, strict=False)
    if array.ndim != len(shape) or any(expected not in (None, length) for length, expected in lengths):
        raise damaged_file(file, f"has the shape {array.shape}, expected {_format_shape(shape)}")
    if array.dtype.kind not in "iuf" or not np.issubdtype(array.dtype, dtype):
        raise damaged_file(file, f"contains {array.dtype}, expected {dtype.__name__}")
    return array


def require_offsets(offsets: Array, end: int, file: Path) -> None:
    """Checks that an array has where each of several consecutive parts begins, and where the last one ends.

    Args:
        offsets: The array.
        end: The expected end of the last part.
        file: The file of the array, for the message.

    Raises:
        UserError: It does not.
    """
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != end or (offsets[1:] < offsets[:-1]).any():
        raise damaged_file(file, f"its numbers do not rise from 0 to {end}")


def require_bounded(array: Array, greatest: float, file: Path) -> None:
    """Checks that all numbers of an array are finite and at most so far from 0.

    Raises:
        UserError: They are not.
    """
    if array.size and not (-greatest <= array.min() and array.max() <= greatest):  # also false for a NaN
        raise damaged_file(file, f"a number is not between {-greatest:g} and {greatest:g}")


def _format_shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if length is None else str(length) for length in shape)})"

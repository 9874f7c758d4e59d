"""Matrix products of few rows with large kernels, in a bounded number of threads.

BLAS computes a product in tiles, and copies the whole kernel into tiles first. For the few rows of a reply the copy
takes several times as long as the product. A kernel that is stored by columns is read as it is instead: in blocks of
columns so small that BLAS does not copy them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats

_MIN_PARALLEL = 1 << 20
"""Minimum number of multiplications for more than one thread. Waking a thread takes about as long as so many."""

_BLOCK = 3 << 18
"""Maximum number of multiplications with a block. OpenBLAS copies no kernel for up to a million."""

_MIN_COLUMNS, _MAX_COLUMNS = 16, 64
"""Columns of a block: a multiple of the minimum, which is as many as an instruction multiplies at once."""

_VECTORS = 3
"""For so few rows, a matrix-vector product for each is faster than a product that copies the kernel."""

_MAX_ROWS = 64
"""For more rows, a product with blocks takes longer than the copy."""


class Multiplier:
    """Computes matrix products.

    NumPy's BLAS has threads, too. They do not sleep while they wait for each other, so that a product takes up to ten
    times as long if other programs are running. A process that uses several threads here should give BLAS only one.

    Args:
        threads: Maximum number of threads that compute a product.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(max(1, threads - 1), "matrix-product")  # starts threads when they are needed

    def multiply(self, rows: Floats, kernel: Floats, bias: Floats | None = None) -> Floats:
        """Computes x W + b: (n, inputs), (inputs, outputs), (outputs,) -> (n, outputs), a new array.

        Args:
            rows: The rows x.
            kernel: The kernel W. For few rows, it is best stored by columns, so that `kernel.T` is C-contiguous.
            bias: The bias b; zeros by default.
        """
        outputs = kernel.shape[1]
        product: Floats = np.empty((len(rows), outputs), np.float32)
        if self._threads == 1 or len(rows) * kernel.size < _MIN_PARALLEL:
            _multiply(rows, kernel, bias, product)
            return product
        width = -(-outputs // (self._threads * _MAX_COLUMNS)) * _MAX_COLUMNS  # columns for each thread
        first, *others = (slice(start, start + width) for start in range(0, outputs, width))

        def multiply_part(part: slice) -> None:
            _multiply(rows, kernel[:, part], None if bias is None else bias[part], product[:, part])

        tasks = [self._pool.submit(multiply_part, part) for part in others]
        multiply_part(first)
        for task in tasks:
            task.result()
        return product


def _multiply(rows: Floats, kernel: Floats, bias: Floats | None, product: Floats) -> None:
    """Writes x W + b."""
    inputs, outputs = kernel.shape
    is_stored_by_columns = kernel.strides[0] == kernel.itemsize
    columns = min(_BLOCK // max(1, len(rows) * inputs), _MAX_COLUMNS, outputs) // _MIN_COLUMNS * _MIN_COLUMNS
    if is_stored_by_columns and columns and len(rows) <= _MAX_ROWS:
        _multiply_blocks(rows, kernel, columns, product)
    elif len(rows) <= _VECTORS:
        for row, result in zip(rows, product, strict=True):
            np.matmul(row, kernel, out=result)
    else:
        np.matmul(rows, kernel, out=product)
    if bias is not None:
        product += bias


def _multiply_blocks(rows: Floats, kernel: Floats, columns: int, product: Floats) -> None:
    """Writes x W for a kernel that is stored by columns, in blocks of some columns."""
    inputs, outputs = kernel.shape
    end = outputs - outputs % columns
    blocks = kernel.T[:end].reshape(-1, columns, inputs).transpose(0, 2, 1)  # (blocks, inputs, columns)
    results = product[:, :end].reshape(len(rows), end // columns, columns).transpose(1, 0, 2)  # (blocks, n, columns)
    np.matmul(rows, blocks, out=results)
    np.matmul(rows, kernel[:, end:], out=product[:, end:])

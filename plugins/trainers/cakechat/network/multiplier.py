"""Matrix products in a bounded number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats

_MIN_PARALLEL = 1 << 22
"""Minimum number of multiplications for more than one thread. Waking a thread takes as long as a million."""

_FEW_ROWS = 3
"""For so few rows, a matrix-vector product for each is faster: for a matrix product, BLAS copies the whole kernel."""

_COLUMNS = 64
"""The columns of a kernel are divided at multiples of this number."""


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

    def multiply(self, rows: Floats, kernel: Floats) -> Floats:
        """Computes a matrix product: (n, inputs), (inputs, outputs) -> (n, outputs), a new array."""
        outputs = kernel.shape[1]
        product: Floats = np.empty((len(rows), outputs), np.float32)
        if self._threads == 1 or len(rows) * kernel.size < _MIN_PARALLEL:
            _multiply(rows, kernel, product)
            return product
        width = -(-outputs // (self._threads * _COLUMNS)) * _COLUMNS  # columns for each thread
        first, *others = (slice(start, start + width) for start in range(0, outputs, width))
        tasks = [self._pool.submit(_multiply, rows, kernel[:, part], product[:, part]) for part in others]
        _multiply(rows, kernel[:, first], product[:, first])
        for task in tasks:
            task.result()
        return product


def _multiply(rows: Floats, kernel: Floats, product: Floats) -> None:
    """Writes the product of rows and a kernel."""
    if len(rows) > _FEW_ROWS:
        np.matmul(rows, kernel, out=product)
        return
    for row, result in zip(rows, product, strict=True):
        np.matmul(row, kernel, out=result)

"""Matrix products in several threads."""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.network.multiplier import Multiplier


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("rows", [0, 1, 3, 4, 17, 64, 70])
@pytest.mark.parametrize("outputs", [1, 40, 64, 2000, 70_001])
@pytest.mark.parametrize("order", ["C", "F"])
def test_products_match_numpy(threads: int, rows: int, outputs: int, order: Literal["C", "F"]) -> None:
    random = np.random.default_rng(1)
    left = random.normal(size=(rows, 90)).astype(np.float32)
    kernel = random.normal(size=(90, outputs)).astype(np.float32)
    bias = random.normal(size=outputs).astype(np.float32)
    stored = np.asarray(kernel, order=order)
    product = Multiplier(threads).multiply(left, stored, bias)
    assert product.dtype == np.float32
    np.testing.assert_allclose(product, left @ kernel + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(Multiplier(threads).multiply(left, stored), left @ kernel, rtol=1e-4, atol=1e-4)
    rows_of_kernel = Multiplier(threads).multiply(left[:, 20:], stored[20:])  # the decoder uses parts of a kernel
    np.testing.assert_allclose(rows_of_kernel, left[:, 20:] @ kernel[20:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("threads", "rows", "workers"), [(1, 64, 0), (3, 1, 0), (3, 64, 2)])
def test_only_large_products_use_threads(threads: int, rows: int, workers: int) -> None:
    before = threading.active_count()
    Multiplier(threads).multiply(np.ones((rows, 300), np.float32), np.ones((300, 1000), np.float32))
    assert threading.active_count() - before <= workers
    assert (threading.active_count() > before) == (workers > 0)

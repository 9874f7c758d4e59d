"""Every operation of a gradient step and of validation can run on a GPU."""

from __future__ import annotations

from typing import Any

import pytest

from autocakechat.plugins.trainers.cakechat.training_network.products import Precision
from tests.trainers.cakechat.training_network.gpu_kernels import has_kernel, known_kernels, operations


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("shared_embedding", [True, False])
def test_no_operation_lacks_a_kernel_for_gpus(shared_embedding: bool, precision: Precision) -> None:
    kernels = known_kernels()
    used: list[tuple[str, dict[str, Any]]] = list(operations(shared_embedding, precision))
    assert [entry for entry in used if not has_kernel(kernels, *entry)] == []
    assert {"MatMul", "While", "ResourceApplyAdam", "Softmax"} <= {name for name, _ in used}


def test_an_operation_without_such_a_kernel_is_found() -> None:
    kernels = known_kernels()
    assert not has_kernel(kernels, "MatMul", {"T": "int32"})
    assert not has_kernel(kernels, "UnicodeDecode", {})

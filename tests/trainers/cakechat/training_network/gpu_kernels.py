"""The kernels for GPUs of the operations of a gradient step.

TensorFlow's build for GPUs registers them even without a GPU, the build for CPUs does not. So `gpu-kernels.json`
records those of the first for tests with the second. With the build for GPUs installed, this command writes it again:

    python -m tests.trainers.cakechat.training_network.gpu_kernels
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import attrs

from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainStep
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision
from autocakechat.plugins.trainers.cakechat.training_network.scorer import BatchScorer
from tests.conftest import ROOT
from tests.trainers.cakechat.conftest import CONFIG

FILE = ROOT / "tests" / "data" / "gpu-kernels.json"

_TYPES = {"bool", "int32", "int64", "uint64", "float32", "bfloat16", "resource", "variant"}
"""The types that are recorded."""

Kernels = Mapping[str, list[dict[str, list[str]]]]
"""The kernels of each operation: the types that each type attribute may have."""


def operations(shared_embedding: bool, precision: Precision) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the operations of a gradient step and of validation, with their type attributes."""
    settings = NetworkSettings(
        tokens=20,
        conditions=2,
        embedding=8,
        condition_embedding=4,
        hidden=12,
        recurrent_activation="sigmoid",
        shared_embedding=shared_embedding,
    )
    network = TrainableNetwork(settings, 1, precision)
    config = attrs.evolve(CONFIG, dropout=0.2, clip_norm=1.0, clip_value=1.0, decay=True, warm_up=2)
    step, scorer = TrainStep(network, config, 10), BatchScorer(network, pad=0)
    for function in (step._compiled_update, scorer._compiled_score):
        graph = function.get_concrete_function().graph.as_graph_def()
        for nodes in (graph.node, *(inner.node_def for inner in graph.library.function)):
            for node in nodes:
                types = {name: value.type for name, value in node.attr.items() if value.type}
                yield node.op, {name: type_name(number) for name, number in types.items()}


def type_name(number: int) -> str:
    return str(tf.dtypes.as_dtype(number).name)


def registered_kernels(operation: str) -> list[dict[str, list[str]]]:
    """Returns the kernels of an operation that run on GPUs."""
    from tensorflow.python.framework import kernels

    found: list[dict[str, list[str]]] = []
    for kernel in kernels.get_registered_kernels_for_op(operation).kernel:
        # Constraints without types are about values of other attributes.
        constraints = {entry.name: entry.allowed_values.list.type for entry in kernel.constraint}
        types = {
            name: [name_of for number in numbers if (name_of := type_name(number)) in _TYPES]
            for name, numbers in constraints.items()
            if numbers
        }
        if kernel.device_type in ("GPU", "DEFAULT") and all(types.values()) and types not in found:
            found.append(types)
    return found


def all_operations() -> list[tuple[str, dict[str, str]]]:
    """Returns the operations of all kinds of networks and precisions."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    return [entry for shared in (True, False) for precision in precisions for entry in operations(shared, precision)]


def known_kernels() -> Kernels:
    """Returns the kernels of the installed build if it is one for GPUs, else the recorded ones."""
    if not tf.test.is_built_with_cuda():
        recorded: Kernels = json.loads(FILE.read_text("utf-8"))
        return recorded
    return {name: registered_kernels(name) for name in sorted({name for name, _ in all_operations()})}


def has_kernel(kernels: Kernels, operation: str, types: Mapping[str, str]) -> bool:
    return any(
        all(types.get(name) in allowed for name, allowed in kernel.items()) for kernel in kernels.get(operation, ())
    )


def main() -> None:
    assert tf.test.is_built_with_cuda(), "needs TensorFlow's build for GPUs: pip install tensorflow"
    lines = [f"{json.dumps(name)}: {json.dumps(kernels)}" for name, kernels in known_kernels().items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()

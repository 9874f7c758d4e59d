"""Copies weights between files, the network in TensorFlow and the network in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import check_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import Arrays
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork


def to_numpy(network: TrainableNetwork) -> Network:
    """Returns the network in NumPy, with copies of the current weights."""
    return Network(network.settings, get_weights(network))


def get_weights(network: TrainableNetwork) -> Arrays:
    """Returns copies of a network's weights by name; see `settings.weight_shapes`."""
    return {name: weight.numpy() for name, weight in network.named_weights().items()}


def set_weights(network: TrainableNetwork, arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
    """Sets a network's weights by name.

    Args:
        network: The network.
        arrays: The weights; other names are ignored.
        file: The file of the weights, for error messages.

    Raises:
        UserError: A weight is missing or has another shape. No weight is changed.
    """
    assign_arrays(network.named_weights(), arrays, file)


def assign_arrays(variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
    """Assigns arrays to TensorFlow variables of the same names; see `set_weights` for the other arguments.

    Raises:
        UserError: An array is missing or has another shape. No variable is changed.
    """
    check_shapes({name: tuple(variable.shape) for name, variable in variables.items()}, arrays, file)
    for name, variable in variables.items():
        variable.assign(arrays[name])

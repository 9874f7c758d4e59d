"""Reads the weights of an original CakeChat model: HDF5 files as written by Keras 2.2.4.

The files are untrusted: links and external data are rejected, and sizes are checked before memory is allocated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.network.settings import Activation, NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import Arrays
from autocakechat.plugins.trainers.cakechat.pretrained.archive import open_weights

_LAYERS = {
    "x_token_embedding": "context_embedding",
    "y_token_embedding": "response_embedding",
    "condition_embedding": "condition_embedding",
    "forward_encoder": "utterance_encoder.forward",
    "backward_encoder": "utterance_encoder.backward",
    "utterance_encoder_final": "utterance_encoder.final",
    "context_encoder": "context_encoder",
    "decoder_0": "decoder.0",
    "decoder_1": "decoder.1",
    "dense": "output",
}
"""Layer names: the original's, without the counter that Keras appends, and ours."""

_LAYER = re.compile(rf"({'|'.join(_LAYERS)})(?:_\d+)?")


def read_weights(file: Path, tokens: int, conditions: int) -> Arrays:
    """Reads the weights of a model, in either layout of its GRUs.

    Args:
        file: An HDF5 file with a whole Keras model, or an archive that contains it. Optimizer weights are ignored.
        tokens: Size of the token index.
        conditions: Size of the condition index.

    Returns:
        The weights with our names and in our layout.

    Raises:
        UserError: The file is not a CakeChat model, is unsafe to read, or does not match the indexes, or h5py is not
            installed.
    """
    if find_spec("h5py") is None:
        raise UserError(f"{file}: reading HDF5 needs h5py", "run: pip install 'autocakechat[cakechat]'")
    import h5py

    try:
        with open_weights(file) as content, h5py.File(content, "r") as hdf5:
            layers = _read_layers(hdf5, file, file_bytes=content.seek(0, os.SEEK_END))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error}", "use an HDF5 file saved by CakeChat") from None
    weights: Arrays = {}
    for layer, arrays in layers.items():
        if _has_cudnn_layout(arrays):
            arrays = _convert_cudnn_layout(arrays)
        weights |= {f"{layer}.{name}" if name else layer: array for name, array in arrays.items()}
    _check(weights, file, tokens, conditions)
    return weights


def network_settings(weights: Arrays, activation: Activation) -> NetworkSettings:
    """Derives the settings of a network from the shapes of its weights."""
    return NetworkSettings(
        tokens=weights["context_embedding"].shape[0],
        conditions=weights["condition_embedding"].shape[0],
        embedding=weights["context_embedding"].shape[1],
        condition_embedding=weights["condition_embedding"].shape[1],
        hidden=weights["context_encoder.recurrent_kernel"].shape[0],
        recurrent_activation=activation,
    )


def invalid_model(file: Path, problem: str) -> UserError:
    """Returns the error for a file that is not the expected CakeChat model."""
    return UserError(f"{file}: {problem}", "use a CakeChat 2 model together with the indexes it was trained with")


def _read_layers(hdf5: Any, file: Path, file_bytes: int) -> dict[str, Arrays]:
    """Returns the arrays of each layer, with our layer names. The array of an embedding layer has the name ''."""
    layers: dict[str, Arrays] = {}
    for path, dataset in _datasets(hdf5, "model_weights", file):
        *_, layer, weight = path.split("/")
        match = _LAYER.fullmatch(layer)
        if match:
            name = weight.removesuffix(":0").removesuffix("embeddings")
            arrays = layers.setdefault(_LAYERS[match[1]], {})
            if name in arrays:
                raise invalid_model(file, f"contains {path} twice")
            arrays[name] = _read_array(dataset, path, file, file_bytes)
    return layers


def _datasets(hdf5: Any, path: str, file: Path) -> Iterator[tuple[str, Any]]:
    """Yields the path and the dataset of each dataset in a group. Rejects links."""
    import h5py

    if isinstance(hdf5.get(path, getlink=True), h5py.SoftLink | h5py.ExternalLink):
        raise invalid_model(file, f"{path} is a link, and links are not followed")
    item = hdf5.get(path)
    if isinstance(item, h5py.Dataset):
        yield path, item
    elif isinstance(item, h5py.Group):
        for name in item:
            yield from _datasets(hdf5, f"{path}/{name}", file)
    elif item is None:
        raise invalid_model(file, f"contains no {path}")


def _read_array(dataset: Any, path: str, file: Path, file_bytes: int) -> np.ndarray[Any, Any]:
    if dataset.external or dataset.is_virtual:
        raise invalid_model(file, f"the data of {path} is outside the file")
    if dataset.dtype.kind != "f" or dataset.ndim not in (1, 2):
        raise invalid_model(
            file, f"{path} has the type {dataset.dtype} and the shape {dataset.shape}, so it is not a weight array"
        )
    if dataset.nbytes > file_bytes:
        raise invalid_model(file, f"{path} has the shape {dataset.shape}, which is larger than the file")
    return np.asarray(dataset[()], np.float32)


def _has_cudnn_layout(arrays: Arrays) -> bool:
    """Whether a layer is a complete GRU in the layout of CuDNN (trained on a GPU): its bias is flat, (6 hidden,)."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if not {"kernel", "recurrent_kernel", "bias"} <= shapes.keys() or len(shapes["bias"]) != 1:
        return False
    columns = 3 * shapes["recurrent_kernel"][0]
    return bool(shapes["bias"] == (2 * columns,) and shapes["kernel"][-1:] == (columns,))


def _convert_cudnn_layout(arrays: Arrays) -> Arrays:
    """Converts the weights of a GRU from the layout of CuDNN (trained on a GPU) to the layout of Keras' GRU.

    For each of the three gates, with its kernel W (inputs, hidden) and its recurrent kernel U (hidden, hidden):

        W -> transpose of W, reshaped to the shape of W in column-major (Fortran) order
        U -> transpose of U
        bias (6 hidden,) -> (2, 3 hidden): a row for the input and a row for the recurrent part
    """
    return {
        **arrays,
        "kernel": _map_gates(arrays["kernel"], lambda gate: gate.T.reshape(gate.shape, order="F")),
        "recurrent_kernel": _map_gates(arrays["recurrent_kernel"], lambda gate: gate.T),
        "bias": arrays["bias"].reshape(2, -1),
    }


def _map_gates(kernel: np.ndarray[Any, Any], convert: Callable[..., Any]) -> np.ndarray[Any, Any]:
    """Applies a function to the kernel of each of three gates, which are side by side."""
    return np.ascontiguousarray(np.hstack([convert(gate) for gate in np.hsplit(kernel, 3)]))


def _check(weights: Arrays, file: Path, tokens: int, conditions: int) -> None:
    """Checks that all weights exist, that their shapes match each other and the indexes, and that they are finite."""
    try:
        settings = attrs.evolve(network_settings(weights, "sigmoid"), tokens=tokens, conditions=conditions)
    except (KeyError, IndexError):
        raise invalid_model(file, "contains no CakeChat layers") from None
    shapes = weight_shapes(settings)
    if missing := [name for name in shapes if name not in weights]:
        raise invalid_model(file, f"missing weights: {', '.join(missing)}")
    if unknown := [name for name in weights if name not in shapes]:
        raise invalid_model(file, f"unknown weights: {', '.join(unknown)}")
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise invalid_model(file, f"{name} has the shape {weights[name].shape}, expected {shape}")
        if not np.isfinite(weights[name]).all():
            raise invalid_model(file, f"{name} contains NaN or infinity")

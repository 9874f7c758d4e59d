"""Reads weights and indexes of the original CakeChat: HDF5 as Keras 2.2.4 writes it, JSON beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from autocakechat import TrainerType, UserError, finalize_model_folder
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.model_files import (
    Arrays,
    Model,
    ModelSettings,
    save_model,
    set_weights,
)
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Activation
from autocakechat.plugins.trainers.cakechat.options import Options
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
"""The original's names of layers, without the counters that Keras adds, and ours."""

_LAYER = re.compile(rf"({'|'.join(_LAYERS)})(?:_\d+)?")


def import_model(
    trainer: TrainerType,
    weights: Path,
    reverse: Path | None,
    tokens: Path,
    conditions: Path,
    activation: Activation,
    out: Path,
) -> None:
    """Makes a model folder of the original's files, whole or not at all.

    Args:
        trainer: The trainer that will load the folder.
        weights: The model: HDF5, or an archive with it.
        reverse: The reverse model, likewise.
        tokens: Index of tokens, JSON.
        conditions: Index of conditions, JSON.
        activation: Recurrent activation that it was trained with: "sigmoid" or "hard-sigmoid".
        out: The folder to make.

    Raises:
        UserError: A file is not what it should be, or the folder is there already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is there already", "give a new folder with --out")
    settings, vocabulary, labels, arrays = read_original(weights, reverse, tokens, conditions, activation)
    networks = [Network(settings.network, seed=None) for _ in arrays]
    for network, values in zip(networks, arrays, strict=True):
        set_weights(network, values, weights)
    options = Options(padding="cakechat", text="cakechat", recurrent_activation=activation)

    unfinished = out.with_name(f"{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_model(Model(settings, vocabulary, labels, *networks), unfinished)
    finalize_model_folder(unfinished, trainer, options, {"words": len(vocabulary)})
    unfinished.replace(out)


def read_original(
    weights: Path, reverse: Path | None, tokens: Path, conditions: Path, activation: Activation
) -> tuple[ModelSettings, Vocabulary, Conditions, list[Arrays]]:
    """Reads the original's files; see `import_model`.

    Returns:
        What makes a model folder; the weights of the model, and those of the reverse model if there is one.

    Raises:
        UserError: A file is not what it should be.
    """
    vocabulary, labels = Vocabulary(read_token_index(tokens)), Conditions(read_index(conditions))
    arrays = [read_weights(file, len(vocabulary), len(labels.labels)) for file in (weights, reverse) if file]
    settings = ModelSettings(
        network=settings_of(arrays[0], activation),
        padding="cakechat",
        text="cakechat",
        context_lines=3,
        line_tokens=30,
        reply_tokens=30,
    )
    if reverse and settings_of(arrays[1], activation) != settings.network:
        raise _unfit(reverse, "is of another size than the model")
    return settings, vocabulary, labels, arrays


def read_index(file: Path) -> list[str]:
    """Reads a token or condition index: a JSON object of ids and tokens.

    Returns:
        The token of each id.

    Raises:
        UserError: It is missing or no such index.
    """
    what = 'a JSON object such as {"0": "_pad_", "1": "_unk_"} is needed'
    try:
        index = json.loads(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", what) from None
    except ValueError as error:
        raise UserError(f"{file}: not JSON: {error}", what) from None
    if not isinstance(index, dict) or not all(isinstance(token, str) for token in index.values()):
        raise UserError(f"{file}: not an index", what)
    tokens = [index.get(str(number)) for number in range(len(index))]
    if None in tokens:
        raise UserError(f"{file}: {len(index)} entries, but none with the id {tokens.index(None)}", what)
    if len(set(tokens)) != len(tokens):
        raise UserError(f"{file}: one token has two ids", what)
    return [str(token) for token in tokens]


def read_token_index(file: Path) -> list[str]:
    """Reads a token index; see `read_index`.

    Raises:
        UserError: It is no index, or a service token is missing.
    """
    tokens = read_index(file)
    if missing := [token for token in SERVICE_TOKENS if token not in tokens]:
        raise UserError(f"{file}: {', '.join(missing)} missing", "give the index of tokens, not that of conditions")
    return tokens


def read_weights(file: Path, tokens: int, conditions: int) -> Arrays:
    """Reads the weights of a model, in either layout of its GRUs.

    Args:
        file: HDF5 with a whole model, or an archive with that; weights of the optimizer are passed over.
        tokens: Size of the token index.
        conditions: Size of the condition index.

    Returns:
        The weights by our names, in our layout.

    Raises:
        UserError: The file is none of the original's, holds what is not to be followed, or does not fit the indexes.
    """
    import h5py

    try:
        with open_weights(file) as content, h5py.File(content, "r") as opened:
            found = _gather(opened, file, size=content.seek(0, os.SEEK_END))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error}", "give the HDF5 file that CakeChat saved") from None
    weights = {
        f"{name}.{part}" if part else name: array
        for name, parts in found.items()
        for part, array in (_from_cudnn(parts) if _is_cudnn(parts) else parts).items()
    }
    _check(weights, file, tokens, conditions)
    return weights


def _gather(opened: Any, file: Path, size: int) -> dict[str, Arrays]:
    """Returns the arrays of each layer, by our names; an embedding's only one is called by nothing."""
    found: dict[str, Arrays] = {}
    for path, dataset in _datasets(opened, "model_weights", file):
        *_, layer, weight = path.split("/")
        known = _LAYER.fullmatch(layer)
        if known:
            part = weight.removesuffix(":0").removesuffix("embeddings")
            parts = found.setdefault(_LAYERS[known[1]], {})
            if part in parts:
                raise _unfit(file, f"{path} is there twice")
            parts[part] = _read(dataset, path, file, size)
    return found


def _datasets(opened: Any, path: str, file: Path) -> Iterator[tuple[str, Any]]:
    """Yields the datasets under a group, and follows no link out of it."""
    import h5py

    if isinstance(opened.get(path, getlink=True), h5py.SoftLink | h5py.ExternalLink):
        raise _unfit(file, f"{path} is a link, and links are not followed")
    item = opened.get(path)
    if isinstance(item, h5py.Dataset):
        yield path, item
    elif isinstance(item, h5py.Group):
        for name in item:
            yield from _datasets(opened, f"{path}/{name}", file)
    elif item is None:
        raise _unfit(file, f"there is no {path} in it")


def _read(dataset: Any, path: str, file: Path, size: int) -> np.ndarray[Any, Any]:
    if dataset.external or dataset.is_virtual:
        raise _unfit(file, f"{path} lies outside of the file")
    if dataset.dtype.kind != "f" or dataset.ndim not in (1, 2):
        raise _unfit(file, f"{path} is of type {dataset.dtype} and shape {dataset.shape}, which are no weights")
    if dataset.nbytes > size:
        raise _unfit(file, f"{path} is of shape {dataset.shape}, which is more than the file can hold")
    return np.asarray(dataset[()], np.float32)


def _is_cudnn(parts: Arrays) -> bool:
    """Whether a layer is a GRU that was trained on a GPU, which its flat bias tells, and whole."""
    shapes = {name: array.shape for name, array in parts.items()}
    if not {"kernel", "recurrent_kernel", "bias"} <= shapes.keys() or len(shapes["bias"]) != 1:
        return False
    columns = 3 * shapes["recurrent_kernel"][0]
    return bool(shapes["bias"] == (2 * columns,) and shapes["kernel"][-1:] == (columns,))


def _from_cudnn(parts: Arrays) -> Arrays:
    """Turns the weights of a GRU that was trained on a GPU into the layout of one that was not.

    Per gate the recurrent kernel is transposed, and the kernel is transposed and read back by columns.
    """
    return {
        **parts,
        "kernel": _each_gate(parts["kernel"], lambda gate: gate.T.reshape(gate.shape, order="F")),
        "recurrent_kernel": _each_gate(parts["recurrent_kernel"], lambda gate: gate.T),
        "bias": parts["bias"].reshape(2, -1),
    }


def _each_gate(kernel: np.ndarray[Any, Any], turn: Callable[..., Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(np.hstack([turn(gate) for gate in np.hsplit(kernel, 3)]))


def _check(weights: Arrays, file: Path, tokens: int, conditions: int) -> None:
    """Checks that there is nothing missing and that all shapes fit each other and the indexes."""
    try:
        settings = attrs.evolve(settings_of(weights, "sigmoid"), tokens=tokens, conditions=conditions)
    except (KeyError, IndexError):
        raise _unfit(file, "the layers of CakeChat are not in it") from None
    shapes = weight_shapes(settings)
    if missing := [name for name in shapes if name not in weights]:
        raise _unfit(file, f"{', '.join(missing)} missing")
    if more := [name for name in weights if name not in shapes]:
        raise _unfit(file, f"{', '.join(more)} not known")
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise _unfit(file, f"{name} is of shape {weights[name].shape}, not {shape}")
        if not np.isfinite(weights[name]).all():
            raise _unfit(file, f"{name} holds numbers that are none")


def settings_of(weights: Arrays, activation: Activation) -> NetworkSettings:
    """Returns the settings of the network that some weights make."""
    return NetworkSettings(
        tokens=weights["context_embedding"].shape[0],
        conditions=weights["condition_embedding"].shape[0],
        embedding=weights["context_embedding"].shape[1],
        condition_embedding=weights["condition_embedding"].shape[1],
        hidden=weights["context_encoder.recurrent_kernel"].shape[0],
        recurrent_activation=activation,
    )


def _unfit(file: Path, what: str) -> UserError:
    return UserError(f"{file}: {what}", "give a model of CakeChat 2 and the indexes it was trained with")

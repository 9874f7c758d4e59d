"""Files of weights and settings: model folders and checkpoints, in safetensors and JSON. No file is a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np

from autocakechat import UserError, write_whole
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Padding
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES, Style, StyleName
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings

FORMAT_VERSION = 1
"""Version of the model folder's format; incremented when older programs cannot read the folder any more."""

Arrays = dict[str, np.ndarray[Any, Any]]

_SAFETENSORS_TYPES = {"float32": "F32", "int32": "I32", "int64": "I64"}


@attrs.frozen(kw_only=True)
class ModelSettings:
    """The content of `settings.json`: what inference needs besides the weights, the vocabulary and the conditions.

    Attributes:
        network: Dimensions of the network.
        padding: Meaning of padding; see `packed_sequences`.
        context_lines: Number of context lines.
        text: Text style; see `tokenization`.
        line_tokens: Maximum number of tokens of a context line.
        reply_tokens: Maximum number of tokens of a reply in training.
        form: Version of the folder's format.
    """

    network: NetworkSettings
    padding: Padding
    context_lines: int
    text: StyleName
    line_tokens: int
    reply_tokens: int
    form: int = FORMAT_VERSION


@attrs.frozen
class Model:
    """A network with its settings, vocabulary and conditions.

    Attributes:
        settings: The settings.
        vocabulary: Tokens and their ids.
        conditions: Condition labels and their ids.
        network: The network for p(reply | context).
        reverse: The network for p(context | reply), if the model has one.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    network: Network
    reverse: Network | None = None

    @property
    def style(self) -> Style:
        """The text style: tokenizer and detokenizer."""
        return STYLES[self.settings.text]

    @property
    def batcher(self) -> Batcher:
        """Makes batches for the network."""
        settings = self.settings
        return Batcher(self.vocabulary, settings.line_tokens, settings.reply_tokens, settings.padding)


def save_model(model: Model, folder: Path) -> None:
    """Writes `weights.safetensors`, `vocabulary.json`, `conditions.json` and `settings.json` into a folder.

    A model with a reverse network also gets `reverse.safetensors`.

    Args:
        model: The model.
        folder: An existing folder.
    """
    write_arrays(folder / "weights.safetensors", get_weights(model.network))
    if model.reverse is not None:
        write_arrays(folder / "reverse.safetensors", get_weights(model.reverse))
    write_json(folder / "vocabulary.json", model.vocabulary.tokens)
    write_json(folder / "conditions.json", model.conditions.labels)
    write_json(folder / "settings.json", attrs.asdict(model.settings))


def load_model(folder: Path, reverse: bool = False) -> Model:
    """Loads a model folder.

    Args:
        folder: A folder from `save_model`.
        reverse: Whether to load the reverse network.

    Raises:
        UserError: A file is missing or damaged, or contradicts another file.
    """
    settings, vocabulary, conditions = load_metadata(folder)
    if reverse and not (folder / "reverse.safetensors").exists():
        raise UserError(
            f"{folder}: the model has no reverse model, which reranking needs",
            'train with reverse = true in [trainer], or set mode = "sampling" or "beamsearch" in [reply]',
        )
    network = _load_network(settings.network, folder / "weights.safetensors")
    reverse_network = _load_network(settings.network, folder / "reverse.safetensors") if reverse else None
    return Model(settings, vocabulary, conditions, network, reverse_network)


def load_metadata(folder: Path) -> tuple[ModelSettings, Vocabulary, Conditions]:
    """Loads the settings, the vocabulary and the conditions of a model folder.

    Raises:
        UserError: A file is missing or damaged, or contradicts another file.
    """
    settings = _read_settings(folder)
    tokens = _read_strings(folder / "vocabulary.json", settings.network.tokens)
    labels = _read_strings(folder / "conditions.json", settings.network.conditions)
    try:
        vocabulary = Vocabulary(tokens, STYLES[settings.text].variants)
    except KeyError as error:
        raise damaged_file(folder / "vocabulary.json", f"the token {error} is missing") from None
    return settings, vocabulary, Conditions(labels)


def get_weights(network: Network) -> Arrays:
    """Returns copies of a network's weights by name; see `hred.weight_shapes`."""
    return {name: weight.numpy() for name, weight in network.named_weights().items()}


def set_weights(network: Network, arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
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
    for name, variable in variables.items():
        if name not in arrays:
            raise damaged_file(file, f"{name} is missing")
        if arrays[name].shape != tuple(variable.shape):
            raise damaged_file(file, f"{name} has the shape {arrays[name].shape}, expected {tuple(variable.shape)}")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def damaged_file(file: Path, problem: str) -> UserError:
    """Returns the error for a damaged file of a model folder."""
    return UserError(f"{file}: {problem}", "the model folder is damaged: copy it again, or train again")


def write_arrays(file: Path, arrays: Arrays, metadata: Mapping[str, str] | None = None) -> None:
    """Writes arrays in the safetensors format, atomically.

    A file has 8 bytes with the length of the header, the header in JSON, and the bytes of all arrays. The safetensors
    library needs two more copies of all arrays in memory to write it.

    Args:
        file: The file; an existing file is replaced.
        arrays: The arrays by name.
        metadata: Strings for the header's `__metadata__`.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        dtype = _SAFETENSORS_TYPES[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [start, end]}
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)  # the format aligns the arrays to 8 bytes
    array_bytes = (np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values())
    write_whole(file, len(encoded).to_bytes(8, "little"), encoded, *array_bytes)


def write_json(file: Path, value: Any) -> None:
    """Writes JSON, atomically."""
    write_whole(file, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_arrays(file: Path) -> tuple[Arrays, dict[str, str]]:
    """Reads a file from `write_arrays`.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        UserError: The file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}, dict(tensors.metadata() or {})  # noqa: SIM118
    except FileNotFoundError:
        raise damaged_file(file, "no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged_file(file, f"cannot be read: {error}") from None


def _load_network(settings: NetworkSettings, file: Path) -> Network:
    weights, _ = read_arrays(file)
    network = Network(settings, seed=None)
    set_weights(network, weights, file)
    return network


def _read_settings(folder: Path) -> ModelSettings:
    file = folder / "settings.json"
    content = _read_json(file)
    if isinstance(content, dict) and isinstance(content.get("form"), int) and content["form"] > FORMAT_VERSION:
        raise UserError(f"{file}: written by a newer version of autocakechat", "upgrade autocakechat")
    try:
        return msgspec.convert(content, ModelSettings)
    except msgspec.ValidationError as error:
        raise damaged_file(file, str(error)) from None


def _read_strings(file: Path, expected: int) -> list[str]:
    try:
        strings = msgspec.convert(_read_json(file), list[str])
    except msgspec.ValidationError as error:
        raise damaged_file(file, str(error)) from None
    if len(strings) != expected:
        raise damaged_file(file, f"{len(strings)} entries, expected {expected}")
    return strings


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise damaged_file(file, "no such file") from None
    except (OSError, ValueError) as error:
        raise damaged_file(file, f"cannot be read: {error}") from None

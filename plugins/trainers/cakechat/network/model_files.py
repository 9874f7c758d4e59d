"""Model folders: weights, vocabulary, conditions and settings, in safetensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np
from attrs.validators import and_, ge, le

from autocakechat import UserError, damaged_file, read_json, write_whole
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Padding
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES, Style, StyleName
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import (
    read_weights,
    release_memory,
    write_weights,
)

FORMAT_VERSION = 3
"""Version of the model folder's format; incremented when older programs cannot read the folder any more."""

_GREATEST_SUM_OF_SQUARES = 1e12
"""Of the weights of an array. The states of a network with such weights are finite."""


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
    context_lines: int = attrs.field(validator=and_(ge(1), le(1000)))
    text: StyleName
    line_tokens: int = attrs.field(validator=and_(ge(1), le(10_000)))
    reply_tokens: int = attrs.field(validator=and_(ge(1), le(10_000)))
    form: int = attrs.field(default=FORMAT_VERSION, validator=ge(1))

    def batcher(self, vocabulary: Vocabulary) -> Batcher:
        """Returns what makes batches for the network."""
        shared = self.network.shared_embedding
        return Batcher(vocabulary, self.line_tokens, self.reply_tokens, self.padding, encode_replies=shared)


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
        return self.settings.batcher(self.vocabulary)


def save_model(model: Model, folder: Path) -> None:
    """Writes `weights.safetensors`, `vocabulary.json`, `conditions.json` and `settings.json` into a folder.

    A model with a reverse network also gets `reverse.safetensors`.

    Args:
        model: The model.
        folder: An existing folder.
    """
    write_weights(folder / "weights.safetensors", model.network.weights)
    if model.reverse is not None:
        write_weights(folder / "reverse.safetensors", model.reverse.weights)
    write_json(folder / "vocabulary.json", model.vocabulary.tokens)
    write_json(folder / "conditions.json", model.conditions.labels)
    write_json(folder / "settings.json", attrs.asdict(model.settings))


def load_model(folder: Path, reverse: bool = False, threads: int = 1) -> Model:
    """Loads a model folder.

    Args:
        folder: A folder from `save_model`.
        reverse: Whether to load the reverse network.
        threads: Maximum number of threads that compute a matrix product.

    Raises:
        UserError: A file is missing or damaged, or contradicts another file.
    """
    settings, vocabulary, conditions = load_metadata(folder)
    if reverse and not has_reverse(folder):
        raise UserError(
            f"{folder}: the model has no reverse model, which reranking needs",
            'train with reverse = true in [trainer], or set mode = "sampling" or "beamsearch" in [reply]',
        )
    network = load_network(settings.network, folder / "weights.safetensors", threads)
    reverse_network = load_network(settings.network, folder / "reverse.safetensors", threads) if reverse else None
    return Model(settings, vocabulary, conditions, network, reverse_network)


def has_reverse(folder: Path) -> bool:
    """Returns whether a model folder contains a reverse model."""
    return (folder / "reverse.safetensors").exists()


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


def write_json(file: Path, value: Any) -> None:
    """Writes JSON, atomically."""
    write_whole(file, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def load_network(settings: NetworkSettings, file: Path, threads: int) -> Network:
    """Loads a network from a file of weights.

    Raises:
        UserError: The file is missing or damaged, or a weight is missing, has another shape or is not finite.
    """
    weights = read_weights(file)
    check_shapes(weight_shapes(settings), weights, file)
    check_numbers(weights, file)
    release_memory(weights)
    return Network(settings, weights, threads)


def check_shapes(shapes: Mapping[str, tuple[int, ...]], arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
    """Checks the shapes of arrays; other arrays are ignored.

    Args:
        shapes: The expected shapes by name.
        arrays: The arrays by name.
        file: The file of the arrays, for error messages.

    Raises:
        UserError: An array is missing or has another shape.
    """
    for name, shape in shapes.items():
        if name not in arrays:
            raise damaged_file(file, f"{name} is missing")
        if arrays[name].shape != shape:
            raise damaged_file(file, f"{name} has the shape {arrays[name].shape}, expected {shape}")


def check_numbers(arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
    """Checks that arrays contain numbers that keep the states of a network finite.

    Raises:
        UserError: A number is not a 32-bit float, a NaN, infinite or huge.
    """
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise damaged_file(file, f"{name} contains {array.dtype}, expected float32")
        flat = array.ravel(order="K")  # a view also of a kernel that is stored by columns
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.dot(flat, flat)
        if not squares <= _GREATEST_SUM_OF_SQUARES:  # true for a NaN
            raise damaged_file(file, f"{name} contains a number that is too large, or none at all")


def _read_settings(folder: Path) -> ModelSettings:
    file = folder / "settings.json"
    content = read_json(file)
    if isinstance(content, dict) and isinstance(content.get("form"), int) and content["form"] > FORMAT_VERSION:
        raise UserError(f"{file}: written by a newer version of autocakechat", "upgrade autocakechat")
    try:
        return msgspec.convert(content, ModelSettings)
    except msgspec.ValidationError as error:
        raise damaged_file(file, str(error)) from None


def _read_strings(file: Path, expected: int) -> list[str]:
    strings = read_json(file, list[str])
    if len(strings) != expected:
        raise damaged_file(file, f"{len(strings)} entries, expected {expected}")
    return strings

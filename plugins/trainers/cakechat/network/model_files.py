"""Files of weights and settings: model folders and checkpoints. Nothing in them is a pickle."""

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

FORM = 1
"""Raised when a newer program writes folders that an older one cannot read."""

Arrays = dict[str, np.ndarray[Any, Any]]

_TYPES = {"float32": "F32", "int32": "I32", "int64": "I64"}


@attrs.frozen(kw_only=True)
class ModelSettings:
    """`settings.json`: all that answering needs to know besides weights and vocabulary.

    Attributes:
        network: Shape of the network.
        padding: What pads mean to it, see `packing`.
        context_lines: Lines of context it was trained with.
        text: Style that its text is cut and joined in, see `text`.
        line_tokens: Tokens of a context line that it reads.
        reply_tokens: Tokens of an answer that it was trained with.
        form: Form of the folder.
    """

    network: NetworkSettings
    padding: Padding
    context_lines: int
    text: StyleName
    line_tokens: int
    reply_tokens: int
    form: int = FORM


@attrs.frozen
class Model:
    """A network together with what its numbers mean.

    Attributes:
        settings: Its settings.
        vocabulary: Its tokens.
        conditions: Its labels.
        network: The network.
        reverse: The network that tells contexts by answers, if there is one.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    network: Network
    reverse: Network | None = None

    @property
    def style(self) -> Style:
        """How its text is cut and joined."""
        return STYLES[self.settings.text]

    @property
    def batcher(self) -> Batcher:
        """What makes arrays for the network."""
        settings = self.settings
        return Batcher(self.vocabulary, settings.line_tokens, settings.reply_tokens, settings.padding)


def save_model(model: Model, folder: Path) -> None:
    """Writes `weights.safetensors`, `vocabulary.json`, `conditions.json` and `settings.json` into a folder.

    A model with a reverse network has `reverse.safetensors`, too.
    """
    write_arrays(folder / "weights.safetensors", get_weights(model.network))
    if model.reverse is not None:
        write_arrays(folder / "reverse.safetensors", get_weights(model.reverse))
    write_json(folder / "vocabulary.json", model.vocabulary.tokens)
    write_json(folder / "conditions.json", model.conditions.labels)
    write_json(folder / "settings.json", attrs.asdict(model.settings))


def load_model(folder: Path, reverse: bool = False) -> Model:
    """Loads what `save_model` wrote.

    Args:
        folder: The folder.
        reverse: Whether the reverse network is needed.

    Raises:
        UserError: A file is missing or damaged, or does not fit the others.
    """
    settings, vocabulary, conditions = load_metadata(folder)
    if reverse and not (folder / "reverse.safetensors").exists():
        raise UserError(
            f"{folder}: has no reverse model, which reranking needs",
            'train with reverse = true in [trainer], or set mode = "sampling" or "beamsearch" in [reply]',
        )
    network = _load_network(settings.network, folder / "weights.safetensors")
    turned = _load_network(settings.network, folder / "reverse.safetensors") if reverse else None
    return Model(settings, vocabulary, conditions, network, turned)


def load_metadata(folder: Path) -> tuple[ModelSettings, Vocabulary, Conditions]:
    """Loads all that a folder holds besides weights.

    Raises:
        UserError: A file is missing or damaged, or does not fit the others.
    """
    settings = _read_settings(folder)
    tokens = _read_strings(folder / "vocabulary.json", settings.network.tokens)
    labels = _read_strings(folder / "conditions.json", settings.network.conditions)
    try:
        vocabulary = Vocabulary(tokens, STYLES[settings.text].variants)
    except KeyError as error:
        raise damaged(folder / "vocabulary.json", f"token {error} is missing") from None
    return settings, vocabulary, Conditions(labels)


def get_weights(network: Network) -> Arrays:
    """Returns copies of a network's weights by name."""
    return {name: weight.numpy() for name, weight in network.named_weights().items()}


def set_weights(network: Network, arrays: Mapping[str, np.ndarray[Any, Any]], file: Path) -> None:
    """Puts weights by name into a network.

    Raises:
        UserError: One is missing or has another shape.
    """
    for name, weight in network.named_weights().items():
        if name not in arrays:
            raise damaged(file, f"{name} is missing")
        if arrays[name].shape != tuple(weight.shape):
            raise damaged(file, f"{name} is of shape {arrays[name].shape}, not {tuple(weight.shape)}")
        weight.assign(arrays[name])


def damaged(file: Path, what: str) -> UserError:
    """Returns the error for a file that cannot be used."""
    return UserError(f"{file}: {what}", "the model folder is damaged: copy it again, or train again")


def write_arrays(file: Path, arrays: Arrays, note: Mapping[str, str] | None = None) -> None:
    """Writes arrays, and a note of strings, whole or not at all.

    The format is that of safetensors; its library would hold two more copies of all arrays while it writes.
    """
    head: dict[str, Any] = {"__metadata__": dict(note)} if note else {}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        head[name] = {"dtype": _TYPES[array.dtype.name], "shape": array.shape, "data_offsets": [start, end]}
    written = json.dumps(head).encode()
    written += b" " * (-len(written) % 8)
    bodies = (np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values())
    write_whole(file, len(written).to_bytes(8, "little"), written, *bodies)


def write_json(file: Path, value: Any) -> None:
    """Writes JSON, whole or not at all."""
    write_whole(file, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_arrays(file: Path) -> tuple[Arrays, dict[str, str]]:
    """Reads arrays and the note written with them.

    Raises:
        UserError: The file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, dict(opened.metadata() or {})  # noqa: SIM118
    except FileNotFoundError:
        raise damaged(file, "no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(file, f"cannot be read: {error}") from None


def _load_network(settings: NetworkSettings, file: Path) -> Network:
    weights, _ = read_arrays(file)
    network = Network(settings, seed=None)
    set_weights(network, weights, file)
    return network


def _read_settings(folder: Path) -> ModelSettings:
    file = folder / "settings.json"
    content = _read_json(file)
    if isinstance(content, dict) and isinstance(content.get("form"), int) and content["form"] > FORM:
        raise UserError(f"{file}: made by a newer version of autocakechat", "upgrade autocakechat")
    try:
        return msgspec.convert(content, ModelSettings)
    except msgspec.ValidationError as error:
        raise damaged(file, str(error)) from None


def _read_strings(file: Path, number: int) -> list[str]:
    try:
        strings = msgspec.convert(_read_json(file), list[str])
    except msgspec.ValidationError as error:
        raise damaged(file, str(error)) from None
    if len(strings) != number:
        raise damaged(file, f"holds {len(strings)} entries, not {number}")
    return strings


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise damaged(file, "no such file") from None
    except (OSError, ValueError) as error:
        raise damaged(file, f"cannot be read: {error}") from None

"""Writes and reads model folders.

A folder contains:
    `adapter.safetensors`: the adapter, under the names of PEFT; `adapter.json`: its rank, alpha and modules.
    `adapter.gguf`: the same for llama.cpp, if the base's architecture is known there.
    `base.json`: what the base is; `base/`: its files, if they are small enough.
    `tokenizer.json`: the tokenizer, in the format of the library tokenizers.
    `settings.json`: the chat format and what else a reply needs.
    `training.json`, `training.html`: the course of the training.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from autocakechat.plugins.trainers.lora.bases.record import BaseRecord
from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat

ADAPTER, ADAPTER_SETTINGS, ADAPTER_GGUF = "adapter.safetensors", "adapter.json", "adapter.gguf"
BASE, BASE_FOLDER = "base.json", "base"
TOKENIZER, SETTINGS = "tokenizer.json", "settings.json"


@attrs.frozen
class Adapter:
    """The shape of an adapter.

    Attributes:
        rank: The rank r.
        alpha: The scaling is alpha / r.
        modules: Names of the adapted modules, such as `q_proj`.
    """

    rank: int
    alpha: float
    modules: tuple[str, ...]


@attrs.frozen
class Settings:
    """What a reply needs besides the weights.

    Attributes:
        chat_format: The chat format of the base.
        system: The system line of the training.
        labels: The labels of the corpus.
        window: The maximum number of tokens in a training window; a prompt and its reply fit into it.
    """

    chat_format: ChatFormat
    system: str
    labels: tuple[str, ...]
    window: int


@attrs.frozen
class ModelFolder:
    """A model folder that was read.

    Attributes:
        path: The folder.
        base: What its base is.
        base_folder: Where the files of the base are: in the model folder, or elsewhere on this machine.
        adapter: The shape of the adapter.
        settings: The settings.
    """

    path: Path
    base: BaseRecord
    base_folder: Path
    adapter: Adapter
    settings: Settings

    @property
    def adapter_file(self) -> Path:
        """The adapter, as safetensors."""
        return self.path / ADAPTER

    @property
    def adapter_gguf(self) -> Path:
        """The adapter, as GGUF; the file may be missing."""
        return self.path / ADAPTER_GGUF

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer, in the format of the library tokenizers."""
        return self.path / TOKENIZER


def read_model_folder(path: Path) -> ModelFolder:
    """Reads a model folder and finds its base.

    Args:
        path: A folder that the trainer wrote.

    Raises:
        UserError: A file is missing or damaged, or the base is not on this machine.
    """
    raise NotImplementedError

"""Writes and reads model folders.

A folder contains:
    `adapter.safetensors`: the adapter, under the names of PEFT; `adapter.json`: its rank and alpha.
    `merged.gguf`: a small base with the adapter, for llama.cpp; or `adapter.gguf`: the adapter for llama.cpp. Neither
        if the adapter cannot be converted.
    `base.json`: what the base is; `base/`: its files, if they are small enough.
    `tokenizer.json`: the tokenizer, in the format of the library tokenizers.
    `settings.json`: the chat format and what else a reply needs.
    `past_replies/`: the index of the person's past replies, with the weights of their ranker; not with
        `ranking = false`.
    `training.json`, `training.html`: the course of the training.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs
import msgspec
from attrs.validators import and_, ge, le

from autocakechat import RunContext, damaged_file, read_json, write_whole
from autocakechat.plugins.trainers.lora.bases.cache import remember
from autocakechat.plugins.trainers.lora.bases.find import find_again
from autocakechat.plugins.trainers.lora.bases.record import BaseRecord, FoundBase
from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine

ADAPTER, ADAPTER_SETTINGS = "adapter.safetensors", "adapter.json"
ADAPTER_GGUF, MERGED_GGUF = "adapter.gguf", "merged.gguf"
BASE, BASE_FOLDER = "base.json", "base"
TOKENIZER, SETTINGS = "tokenizer.json", "settings.json"
PAST_REPLIES, RANKER = "past_replies", "ranker.json"

_LARGEST_INCLUDED = 10**9


@attrs.frozen
class Adapter:
    """The shape of an adapter.

    Attributes:
        rank: The rank r.
        alpha: The scaling is alpha / r.
    """

    rank: int = attrs.field(validator=and_(ge(1), le(2**16)))
    alpha: float


@attrs.frozen
class Settings:
    """What a reply needs besides the weights.

    Attributes:
        chat_format: The chat format of the base.
        system: The system line of the training.
        labels: The labels of the corpus.
        window: The maximum number of tokens in a training window; a prompt and its reply fit into it.
        examples: The number of past exchanges in a prompt of the training.
        names_kind: Whether system lines say if the chat is a group.
        people: The pseudonyms of the people that system lines tell apart.
    """

    chat_format: ChatFormat
    system: str
    labels: tuple[str, ...]
    window: int = attrs.field(validator=and_(ge(1), le(2**24)))
    examples: int = attrs.field(default=0, validator=and_(ge(0), le(8)))
    names_kind: bool = False
    people: tuple[str, ...] = ()

    @property
    def system_line(self) -> SystemLine:
        """Makes system lines as in the training."""
        return SystemLine(self.system, self.names_kind, self.people)


@attrs.frozen
class ModelFolder:
    """A model folder that was read.

    Attributes:
        path: The folder.
        base: What its base is.
        base_folder: Where the files of the base are: in the model folder, or elsewhere on this machine.
        adapter: The shape of the adapter; None for a base alone.
        settings: The settings.
    """

    path: Path
    base: BaseRecord
    base_folder: Path
    adapter: Adapter | None
    settings: Settings

    @property
    def adapter_file(self) -> Path:
        """The adapter, as safetensors."""
        return self.path / ADAPTER

    @property
    def gguf_files(self) -> tuple[Path, Path | None] | None:
        """What llama.cpp loads: a model, and an adapter for it or None. None if there are no such files."""
        if not self.base.gguf:
            return None
        base, merged, adapter = self.base_folder / self.base.gguf, self.path / MERGED_GGUF, self.path / ADAPTER_GGUF
        if self.adapter is None:
            return base, None
        if merged.is_file():
            return merged, None
        return (base, adapter) if adapter.is_file() else None

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer, in the format of the library tokenizers."""
        return self.path / TOKENIZER


def write_model_folder(path: Path, found: FoundBase, adapter: Adapter | None, settings: Settings) -> None:
    """Writes everything but the adapter's weights and the tokenizer.

    A base of up to 1 GB is hard-linked or copied into the folder. For a larger one, the account's cache records where
    it is.

    Args:
        path: The model folder.
        found: The base.
        adapter: The shape of the adapter; None for a base alone.
        settings: The settings.
    """
    included = found.size <= _LARGEST_INCLUDED
    if included:
        (path / BASE_FOLDER).mkdir()
        for name in found.record.files:
            _link_or_copy(found.folder / name, path / BASE_FOLDER / name)
    else:
        remember(found.record, found.folder)
    _write_json(path / BASE, attrs.evolve(found.record, included=included))
    if adapter is not None:
        _write_json(path / ADAPTER_SETTINGS, adapter)
    _write_json(path / SETTINGS, settings)


def read_model_folder(path: Path, run: RunContext) -> ModelFolder:
    """Reads a model folder and finds its base.

    Args:
        path: A folder that the trainer wrote.
        run: Log and progress, in case that the base has to be downloaded.

    Raises:
        UserError: A file is missing or damaged, or the base is not on this machine.
    """
    base = read_json(path / BASE, BaseRecord)
    for name in base.files:
        if Path(name).name != name or "\0" in name:
            raise damaged_file(path / BASE, f"{name!r} is not the name of a file")
    return ModelFolder(
        path=path,
        base=base,
        base_folder=find_again(base, path / BASE_FOLDER, run),
        adapter=read_json(path / ADAPTER_SETTINGS, Adapter) if (path / ADAPTER_SETTINGS).is_file() else None,
        settings=read_json(path / SETTINGS, Settings),
    )


def _write_json(file: Path, value: object) -> None:
    write_whole(file, msgspec.json.format(msgspec.json.encode(value), indent=1))


def _link_or_copy(source: Path, target: Path) -> None:
    """Links a file, which takes no space, or copies it to another disk."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)

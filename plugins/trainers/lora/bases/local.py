"""A base on this machine: a GGUF file, or a folder in the format of transformers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from autocakechat import UserError, hash_file
from autocakechat.plugins.trainers.lora.bases.record import BaseRecord, FoundBase, Kind

MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
"""The files of a base in the format of transformers. Anything else is not read; pickled weights never are."""

_HINT = "set trainer.base_path to a .gguf file, or to a folder with config.json, tokenizer.json and *.safetensors"


def base_files(names: Iterable[str]) -> list[str]:
    """Returns which files belong to a base in the format of transformers.

    Repositories of Mistral have the weights a second time, in `consolidated*.safetensors`: these are left out.

    Args:
        names: The names of the files of a folder or repository.
    """
    found = sorted(
        name for name in names if "/" not in name and any(fnmatchcase(name, pattern) for pattern in MODEL_FILES)
    )
    if any(name == "model.safetensors" or fnmatchcase(name, "model-*.safetensors") for name in found):
        return [name for name in found if not fnmatchcase(name, "consolidated*.safetensors")]
    return found


def local_files(path: Path) -> list[Path]:
    """Returns the files of a base, and checks that it can be one.

    Args:
        path: A GGUF file, or a folder in the format of transformers.

    Raises:
        UserError: It is not.
    """
    if path.is_dir():
        return _folder_files(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file or folder", _HINT)
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UserError(f"{path}: not a GGUF file", _HINT)
    return [path]


def find_local(path: Path) -> FoundBase:
    """Describes a base on this machine.

    Args:
        path: A GGUF file, or a folder in the format of transformers.
    """
    if path.is_dir():
        return FoundBase(local_record(path, "folder", path.resolve().name), path)
    record = BaseRecord("gguf", path.name, "", {path.name: hash_file(path)})
    return FoundBase(record, path.parent)


def local_record(folder: Path, kind: Kind, name: str, licence: str = "") -> BaseRecord:
    """Describes the files of a folder in the format of transformers."""
    return BaseRecord(kind, name, licence, {file.name: hash_file(file) for file in _folder_files(folder)})


def _folder_files(folder: Path) -> list[Path]:
    names = base_files(file.name for file in folder.iterdir() if file.is_file())
    if "config.json" not in names:
        raise UserError(f"{folder}: contains no config.json, so it is not a language model", _HINT)
    if not any(name.endswith(".safetensors") for name in names):
        raise UserError(f"{folder}: contains no *.safetensors; pickled weights are not read", _HINT)
    _require_causal_model(folder)
    return [folder / name for name in names]


def _require_causal_model(folder: Path) -> None:
    try:
        config = json.loads((folder / "config.json").read_bytes())
        architectures: Sequence[str] = config.get("architectures") or []
    except (ValueError, AttributeError):
        raise UserError(f"{folder / 'config.json'}: damaged", "copy or download the base again") from None
    generates = ("CausalLM", "LMHeadModel", "ConditionalGeneration")
    if architectures and not any(name.endswith(generates) for name in architectures):
        raise UserError(
            f"{folder}: {architectures[0]} is not a causal language model", "choose a base that generates text"
        )

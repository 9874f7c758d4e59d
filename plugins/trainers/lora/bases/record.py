"""What is known about a base, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

Kind = Literal["package", "gguf", "folder", "hub"]


@attrs.frozen
class BaseRecord:
    """A base. Stored in a model folder as `base.json`.

    Attributes:
        kind: Where it comes from: a Python package, a GGUF file, a folder, or the hub of Hugging Face.
        name: Its name: that of the option `base`, or of the file or folder; never a path.
        licence: Its licence; empty if unknown.
        files: The SHA-256 of its files, by name.
        included: Whether the model folder contains the files.
    """

    kind: Kind
    name: str
    licence: str
    files: Mapping[str, str]
    included: bool = False

    @property
    def gguf(self) -> str | None:
        """The name of its GGUF file; None if it is a folder with safetensors."""
        return next(iter(self.files), None) if self.kind in ("package", "gguf") else None


@attrs.frozen
class FoundBase:
    """A base on this machine.

    Attributes:
        record: What is known about it.
        folder: The folder that contains its files. Other files there do not belong to it.
    """

    record: BaseRecord
    folder: Path

    @property
    def size(self) -> int:
        """The size of its files in bytes."""
        return sum((self.folder / name).stat().st_size for name in self.record.files)

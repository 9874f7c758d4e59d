"""Remembers which artifacts each pipeline.toml of a folder built or reused, because they all share one store."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from autocakechat.artifacts.store import ArtifactKind
from autocakechat.files import write_whole

_FILE = "artifacts.json"
_MAX_KEYS = 100

_Keys = dict[ArtifactKind, list[str]]


class PipelineHistory:
    """The artifacts that a pipeline used, in its private folder.

    Args:
        folder: The private folder of the pipeline; it is created when an artifact is recorded.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE

    def keys(self, kind: ArtifactKind) -> list[str]:
        """Returns the artifact keys, the one used last at the end. A missing or damaged file counts as empty."""
        return self._read().get(kind, [])

    def record(self, kind: ArtifactKind, key: str) -> None:
        """Records that the pipeline built or reused an artifact."""
        keys = self._read()
        keys[kind] = [*(old for old in keys.get(kind, []) if old != key), key][-_MAX_KEYS:]
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file, msgspec.json.encode(keys))

    def _read(self) -> _Keys:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._file.read_bytes(), type=_Keys)
        return {}

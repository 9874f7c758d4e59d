"""Hashes of files, cached on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat.artifacts.file_hashes import FileHashes
from autocakechat.errors import UserError


def test_a_hash_is_cached_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text("one")
    hashes = FileHashes(tmp_path / "hashes.json")
    first = hashes.hash(file)
    hashes.save()
    second = FileHashes(tmp_path / "hashes.json")
    assert second.hash(file) == first
    file.write_text("two!")
    assert second.hash(file) != first


@pytest.mark.parametrize("content", ["{ broken", "[1]"])
def test_a_damaged_cache_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "hashes.json").write_text(content)
    file = tmp_path / "result.json"
    file.write_text("one")
    assert len(FileHashes(tmp_path / "hashes.json").hash(file)) == 32


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing: No such file or directory; check that the file exists"):
        FileHashes(tmp_path / "hashes.json").hash(tmp_path / "nothing")

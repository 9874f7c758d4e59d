from __future__ import annotations

import os
from pathlib import Path

import pytest

from autocakechat.display.markup import write_page
from autocakechat.files import rename, write_whole, writing_whole


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files and folders that were flushed to the disk, in order."""
    paths: list[Path] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        fsync(descriptor)
        paths.append(Path(f"/proc/self/fd/{descriptor}").resolve())

    monkeypatch.setattr(os, "fsync", record)
    return paths


def test_a_written_file_and_its_name_are_on_the_disk(tmp_path: Path, synced: list[Path]) -> None:
    write_whole(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert synced[-1] == tmp_path
    assert synced[0].parent == tmp_path


def test_a_new_name_is_on_the_disk(tmp_path: Path, synced: list[Path]) -> None:
    (tmp_path / "old").write_bytes(b"content")
    (tmp_path / "folder").mkdir()
    rename(tmp_path / "old", tmp_path / "folder" / "new")
    assert synced == [tmp_path / "folder"]


def test_a_file_written_in_parts_and_its_name_are_on_the_disk(tmp_path: Path, synced: list[Path]) -> None:
    with writing_whole(tmp_path / "file") as file:
        file.write(b"con")
        file.write(b"tent")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert synced[-1] == tmp_path


def test_a_file_that_is_not_written_to_the_end_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"former")
    with pytest.raises(KeyboardInterrupt), writing_whole(tmp_path / "file") as file:
        file.write(b"con")
        raise KeyboardInterrupt
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"former")]


def test_only_the_owner_can_read_a_page_even_if_everybody_could_before(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("former")
    page.chmod(0o644)
    write_page(page, "<p>a name</p>")
    assert page.stat().st_mode & 0o777 == 0o600

"""Folders that all machines see: paths and addresses, incomplete copies, and a full disk."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autocakechat.cluster.checkpoint_upload import download, uploaded
from autocakechat.cluster.storage import copy_folder, describe_content, remove_folder, store_folder, stored_number
from autocakechat.errors import DiskFullError, StageError

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'autocakechat[ray]'")
LOG = logging.getLogger("autocakechat.test")


@pytest.fixture(params=["{}/place", "file://{}/place"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place: a path, and an address."""
    return str(request.param).format(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files."""
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "below" / "two").write_text("2")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_copied_there_and_back(folder: Path, place: str, tmp_path: Path) -> None:
    store_folder(folder, place, number=3)
    (folder / "one").unlink()
    store_folder(folder, place, number=4)  # replaces what is there
    assert stored_number(place) == 4
    copy_folder(place, tmp_path / "copy")
    assert content(tmp_path / "copy") == {"below/two": "2"}
    remove_folder(place)
    assert stored_number(place) is None
    assert not (tmp_path / "place").exists()


def test_a_place_without_a_folder_is_empty(place: str, tmp_path: Path) -> None:
    copy_folder(place, tmp_path / "copy")
    assert content(tmp_path / "copy") == {}
    assert describe_content(place) == {}
    assert stored_number(place) is None
    remove_folder(place)


def test_a_written_file_changes_the_description(folder: Path, place: str, tmp_path: Path) -> None:
    store_folder(folder, place)
    before = describe_content(place)
    assert before == describe_content(place)
    (tmp_path / "place" / "one").write_text("10")
    assert describe_content(place) != before


def test_only_the_owner_may_read_a_stored_folder(folder: Path, place: str, tmp_path: Path) -> None:
    store_folder(folder, place)
    assert (tmp_path / "place").stat().st_mode & 0o077 == 0


def test_checkpoints_are_stored_in_turn(folder: Path, tmp_path: Path) -> None:
    place = f"file://{tmp_path}/place"
    for number in range(3):
        with uploaded(folder, place, LOG):
            (folder / "one").write_text(f"checkpoint {number}")
    download(place, tmp_path / "copy")
    assert content(tmp_path / "copy") == {"one": "checkpoint 2", "below/two": "2"}
    assert sorted(path.name for path in (tmp_path / "place").iterdir()) == ["0", "0.number", "1", "1.number"]


def test_a_checkpoint_that_is_not_whole_is_not_used(folder: Path, tmp_path: Path) -> None:
    place = f"file://{tmp_path}/place"
    for number in range(2):
        with uploaded(folder, place, LOG):
            (folder / "one").write_text(f"checkpoint {number}")
    (tmp_path / "place" / "0.number").unlink()  # the machine was lost while the newest one was stored
    download(place, tmp_path / "copy")
    assert content(tmp_path / "copy")["one"] == "checkpoint 0"


def test_an_empty_number_is_that_of_a_copy_that_is_not_whole(folder: Path, place: str, tmp_path: Path) -> None:
    store_folder(folder, place, number=3)
    (tmp_path / "place.number").write_bytes(b"")  # the writer was killed
    assert stored_number(place) is None


def test_a_checkpoint_that_cannot_be_copied_is_a_warning(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with uploaded(folder, f"file://{tmp_path}/place", LOG):
        (folder / "one").write_text("10")
        (folder / "link").symlink_to("missing")
    assert f"a checkpoint cannot be stored: {folder}: cannot be copied to" in caplog.text


def test_a_full_disk_is_one_line(folder: Path, small_disk: Path) -> None:
    (folder / "large").write_bytes(bytes(100_000))
    for place in (f"{small_disk}/place", f"file://{small_disk}/place"):
        with pytest.raises(DiskFullError, match=f"^{place}: disk full: No space left on device; free some space"):
            store_folder(folder, place)


def test_a_checkpoint_that_cannot_be_stored_does_not_end_the_training(
    folder: Path, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with uploaded(folder, f"file://{small_disk}/place", LOG):
        (folder / "large").write_bytes(bytes(100_000))
    assert "a checkpoint cannot be stored" in caplog.text
    assert "disk full" in caplog.text


def test_an_unknown_kind_of_storage_is_one_line(folder: Path) -> None:
    with pytest.raises(StageError, match=r"^nothing://x: cannot be used: .*check cluster\.storage"):
        store_folder(folder, "nothing://x")

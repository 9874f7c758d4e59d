"""Only the file named `model` is extracted from an archive, and unsafe archives are rejected."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.pretrained import archive
from autocakechat.plugins.trainers.cakechat.pretrained.archive import open_weights

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"weights", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def write_archive(file: Path, members: Sequence[Member], mode: str = "w:gz") -> Path:
    with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return file


def read_weights(file: Path) -> bytes:
    with open_weights(file) as content:
        return content.read()


@pytest.mark.parametrize(("name", "mode"), [("x.tar.gz", "w:gz"), ("x.tgz", "w:gz"), ("x.tar", "w")])
def test_the_file_named_model_is_extracted(tmp_path: Path, name: str, mode: str) -> None:
    members = [member("id", kind=tarfile.DIRTYPE), member("id/notes.txt", b"notes"), member("id/model")]
    assert read_weights(write_archive(tmp_path / name, members, mode)) == b"weights"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_hdf5_files_are_read_directly(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    assert read_weights(tmp_path / "model") == b"\x89HDF\r\n\x1a\n and more"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("id/other")], "contains no file named model"),
        ([member("a/model"), member("b/model")], "two files named model"),
        ([member("/etc/model")], "the path /etc/model points outside"),
        ([member("../../model")], "points outside"),
        ([member("id/model"), member("/etc/passwd")], "the path /etc/passwd points outside"),
        ([member("id/model", kind=tarfile.SYMTYPE, link="/etc/passwd")], "id/model is neither a file nor a folder"),
        ([member("id/model", kind=tarfile.LNKTYPE, link="/etc/passwd")], "id/model is neither"),
        ([member("id/model", kind=tarfile.CHRTYPE)], "id/model is neither"),
        ([member("id/model", kind=tarfile.BLKTYPE)], "id/model is neither"),
        ([member("id/model", kind=tarfile.FIFOTYPE)], "id/model is neither"),
        ([member("id/model"), member("id/pipe", kind=tarfile.FIFOTYPE)], "id/pipe is neither"),
    ],
)
def test_unsafe_archives_are_rejected(tmp_path: Path, members: Sequence[Member], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_weights(write_archive(tmp_path / "x.tar.gz", members))
    assert [file.name for file in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize("name", ["id/model", "id/other"])
def test_decompression_bombs_are_rejected_before_extraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bomb = write_archive(tmp_path / "x.tar.gz", [member(name, bytes(10**7))])
    assert bomb.stat().st_size < 20_000
    monkeypatch.setattr(archive, "MAX_BYTES", 10**6)
    with pytest.raises(UserError, match="contains more than 1,000,000 bytes"):
        read_weights(bomb)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_archive_is_damaged(tmp_path: Path, share: float) -> None:
    file = write_archive(tmp_path / "x.tar.gz", [member("id/model", bytes(range(256)) * 4000)])
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"x\.tar\.gz: (damaged archive|contains no file)"):
        read_weights(file)


def test_a_file_that_is_no_archive_despite_its_name_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"<html>403 Forbidden</html>" * 100)
    with pytest.raises(UserError, match="damaged archive"):
        read_weights(tmp_path / "x.tar.gz")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file or directory; check that the file exists"):
        read_weights(tmp_path / "x.tar.gz")

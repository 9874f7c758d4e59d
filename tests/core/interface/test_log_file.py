"""Files of logs, on the disk and in archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from autocakechat import LogFile, LogFileOpener, UserError, is_zip


def write_archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/Log.JSON", "content " * 1000)
        archive.writestr("a.txt", "a")
        archive.mkdir("empty")
    return path


def test_files_of_an_archive_are_listed_and_read(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "log.zip")
    with LogFileOpener() as opener:
        files = opener.members(archive)
        assert files == [LogFile(archive, "a.txt"), LogFile(archive, "b/Log.JSON")]
        assert (files[1].file_name, files[1].location) == ("log.json", tmp_path / "log.zip/b/Log.JSON")
        assert opener.size(files[1]) == 8000
        with opener.open(files[1]) as first, opener.open(files[0]) as second:
            assert (first.read(8), second.read(), first.read()) == (b"content ", b"a", b"content " * 999)
    assert is_zip(archive)


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("a")
    with LogFileOpener() as opener, opener.open(LogFile(tmp_path / "log.txt")) as file:
        assert file.read() == b"a"
    assert not is_zip(tmp_path / "log.txt")


def test_an_error_of_the_reader_stays_as_it_is(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "log.zip")
    with (
        LogFileOpener() as opener,
        pytest.raises(ValueError, match="of the reader"),
        opener.open(LogFile(archive, "a.txt")),
    ):
        raise ValueError("of the reader")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "log.zip")
    with LogFileOpener() as opener:
        with (
            pytest.raises(UserError, match=r"log\.zip/no\.txt: cannot be unpacked"),
            opener.open(LogFile(archive, "no.txt")),
        ):
            pass
        with pytest.raises(UserError, match=r"no\.zip: No such file"):
            opener.members(tmp_path / "no.zip")

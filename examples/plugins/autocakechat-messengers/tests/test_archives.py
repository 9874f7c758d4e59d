"""Downloads as zip archives, which are read as they are."""

from __future__ import annotations

import json
import logging
import sys
import zipfile
from pathlib import Path

import pytest

from autocakechat import LogFileOpener, RunContext, UserError

sys.path.insert(0, str(Path(__file__).parent))
from exports import START, iso, meta_file, meta_message
from reading import SOURCES, read_chats, read_one


def write_zip(path: Path, contents: dict[str, str], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_the_parts_of_a_download_are_read_together(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [meta_message(number, "bob", str(number)) for number in range(20)]
    thread = "your_facebook_activity/messages/inbox/zoe_1/message_"
    write_zip(tmp_path / "facebook-1.zip", {f"{thread}1.json": meta_file(messages[10:])})
    write_zip(tmp_path / "facebook-2.zip", {f"{thread}2.json": meta_file(messages[:10]), "media/1.jpg": "x"})
    assert [message.text for message in read_one("messenger", tmp_path, acc_run)] == [str(n) for n in range(20)]


def test_the_data_package_of_discord_is_read(
    tmp_path: Path, acc_run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    own = [{"ID": 7, "Timestamp": iso(START), "Contents": "hi", "Attachments": ""}]
    path = write_zip(
        tmp_path / "package.zip",
        {
            "Messages/index.json": "{}",
            "Messages/c1/channel.json": json.dumps({"id": "1", "type": "DM"}),
            "Messages/c1/messages.json": json.dumps(own),
            "Account/user.json": "{}",
        },
    )
    with caplog.at_level(logging.WARNING):
        ((chat, messages),) = read_chats("discord", path, acc_run)
    assert "has only your own messages" in caplog.text
    assert (chat.id, chat.kind, [message.text for message in messages]) == ("1", "private chat", ["hi"])


@pytest.mark.parametrize("name", ["../../etc/message_1.json", "/etc/inbox/message_1.json", "a/../../b/message_1.json"])
def test_no_path_leaves_the_archive(name: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = write_zip(tmp_path / "facebook.zip", {name: meta_file([meta_message(0, "bob", "hi")])})
    before = sorted(tmp_path.rglob("*"))
    assert [message.text for message in read_one("messenger", path, acc_run)] == ["hi"]
    assert sorted(tmp_path.rglob("*")) == before


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, acc_run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = meta_file([meta_message(0, "bob", "hi")]) + " " * 5_000_000
    path = write_zip(tmp_path / "facebook.zip", {"inbox/zoe_1/message_1.json": content})
    opener = sys.modules[LogFileOpener.__module__]
    monkeypatch.setattr(opener, "_MAX_SMALL_SIZE", 1_000_000)
    with pytest.raises(UserError, match=r"message_1\.json: is compressed more than a chat can be"):
        read_chats("messenger", path, acc_run)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_limit_are_refused(compression: int, tmp_path: Path) -> None:
    content = meta_file([meta_message(0, "bob", "hi")])
    path = write_zip(tmp_path / "facebook.zip", {"inbox/zoe_1/message_1.json": content}, compression)
    with pytest.raises(UserError, match="compressed in an unusual way"):
        SOURCES["messenger"].inputs(SOURCES["messenger"].config(path=path))


def test_a_damaged_file_in_an_archive_is_named_and_the_others_are_read(
    tmp_path: Path, acc_run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    contents = {f"inbox/{name}_1/message_1.json": meta_file([meta_message(0, "bob", name)]) for name in ("ann", "zoe")}
    path = write_zip(tmp_path / "facebook.zip", contents, zipfile.ZIP_STORED)
    damaged = path.read_bytes().replace(b'"ann"', b'"eve"', 1)  # its checksum is wrong
    path.write_bytes(damaged)
    texts = [message.text for _, messages in read_chats("messenger", path, acc_run) for message in messages]
    assert texts == ["zoe"]
    assert "facebook.zip/inbox/ann_1/message_1.json: cannot be unpacked" in caplog.text

"""What all sources have in common: the contract, damaged files, and other files."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext, UserError
from autocakechat.testing import SourceContract

sys.path.insert(0, str(Path(__file__).parent))
from exports import WRITERS
from reading import SOURCES, read_chats

SAID = [("ann" if number % 2 else "bob", f"line {number} of 40") for number in range(40)]


class Contract(SourceContract):
    __test__ = False
    refused = ({"path": 5}, {"include": "Ann"})

    def write_log(self, folder: Path, said: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        return {"path": WRITERS[self.name](folder, said)}


class TestDiscord(Contract):
    __test__ = True
    name = "discord"


class TestMessenger(Contract):
    __test__ = True
    name = "messenger"


class TestInstagram(Contract):
    __test__ = True
    name = "instagram"


class TestSlack(Contract):
    __test__ = True
    name = "slack"


class TestSignal(Contract):
    __test__ = True
    name = "signal"


class TestImessage(Contract):
    __test__ = True
    name = "imessage"


@pytest.mark.parametrize("writer", WRITERS)
def test_a_source_recognises_only_its_own_exports(writer: str, tmp_path: Path) -> None:
    path = tmp_path / WRITERS[writer](tmp_path, SAID)
    recognising = [name for name, source in SOURCES.items() if source.recognises and source.recognises(path)]
    assert recognising == [writer]


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_a_truncated_file_loses_only_its_end(writer: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS[writer](tmp_path, SAID)
    (largest,) = sorted([path] if path.is_file() else path.rglob("*.json"), key=lambda file: -file.stat().st_size)[:1]
    content = largest.read_bytes()
    for share in (0.5, 0.8, 0.99):
        largest.write_bytes(content[: int(len(content) * share)])
        if writer == "imessage":  # a database is whole or damaged
            continue
        texts = [message.text for _, messages in read_chats(writer, path, acc_run) for message in messages]
        if writer in ("discord", "signal"):
            assert len(texts) >= int(40 * share) - 8
            assert texts[:5] == [text for _, text in SAID][:5]
        elif writer != "slack":  # newest first: the oldest messages are lost
            assert len(texts) >= int(40 * share) - 8
            assert texts[-5:] == [text for _, text in SAID][-5:]


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_any_damage_is_read_or_refused(writer: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS[writer](tmp_path, SAID)
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    contents = {file: file.read_bytes() for file in files}
    source = random.Random(writer)
    for _ in range(60):
        for file, content in contents.items():
            damaged = bytearray(content)
            for _ in range(source.choice((1, 3, 30))):
                at = source.randrange(len(damaged))
                damaged[at : at + source.choice((0, 1, 1, 9))] = source.choice(
                    (b"", b"\x00", b"{", b"]", b'"', b"null", b"1e999", b"-1", b'"\\ud83d"', b"[" * 5000, b"\xff\xfe")
                )
            file.write_bytes(damaged)
        with contextlib.suppress(UserError):
            for _, messages in read_chats(writer, path, acc_run):
                assert all(isinstance(message.text, str) for message in messages)
                assert [m.sent for m in messages] == sorted(m.sent for m in messages)


@pytest.mark.parametrize("writer", sorted(WRITERS))
@pytest.mark.parametrize("content", [b"", b"hello", b"{}", b'{"messages": []}', b"[[[[", b"\x89PNG\x00", b"[1, 2]"])
def test_other_files_are_refused_in_one_line(writer: str, content: bytes, tmp_path: Path) -> None:
    for name in ("chat.db", "data.json"):
        (tmp_path / name).write_bytes(content)
        for path in (tmp_path, tmp_path / name):
            with pytest.raises(UserError) as raised:
                SOURCES[writer].inputs(SOURCES[writer].config(path=path))
            assert "\n" not in str(raised.value)
            assert raised.value.hint
            assert SOURCES[writer].recognises
            assert not SOURCES[writer].recognises(path)


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_a_pipe_in_the_folder_is_ignored(writer: str, tmp_path: Path) -> None:
    for name in ("a.json", "data.json", "chat.db", "messages.json"):
        os.mkfifo(tmp_path / name)
    source = SOURCES[writer]
    assert source.recognises
    assert not source.recognises(tmp_path)


def test_chats_and_people_are_selected(tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS["discord"](tmp_path, SAID)
    ((chat, messages),) = read_chats("discord", path, acc_run, exclude=["bob"])
    assert chat.skip is None
    assert {message.sender for message in messages} == {"10ann", ""}
    with pytest.raises(UserError, match="'Carl' fits no chat or person"):
        read_chats("discord", path, acc_run, exclude=["Carl"])

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
from forms import WRITERS, source_of
from reading import SOURCES, read_chats

SAID = [("ann" if number % 2 else "bob", f"line {number} of 40") for number in range(40)]

DAMAGE = (
    b"", b"\x00", b"{", b"]", b'"', b"null", b"1e999", b"-1", b'"\\ud83d"', b"[" * 5000, b"\xff\xfe", b"<div>",
    b"</div>", b"\n\n", b"<!-- Message: _id:", b"Jan 99, 2024", b"99:99:99",
)  # fmt: skip


class Contract(SourceContract):
    __test__ = False
    refused = ({"path": 5}, {"include": "Ann"})
    form = ""

    def write_log(self, folder: Path, said: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        return {"path": WRITERS[self.form](folder, said)}


# A class for each form, which pytest collects by its name.
for form in WRITERS:
    class_name = f"Test{form.title().replace(' ', '')}"
    globals()[class_name] = type(class_name, (Contract,), {"__test__": True, "name": source_of(form), "form": form})


@pytest.mark.parametrize("form", WRITERS)
def test_a_source_recognises_only_its_own_exports(form: str, tmp_path: Path) -> None:
    path = tmp_path / WRITERS[form](tmp_path, SAID)
    recognising = [name for name, source in SOURCES.items() if source.recognises and source.recognises(path)]
    assert recognising == [source_of(form)]


def files_with_messages(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize("form", WRITERS)
def test_a_truncated_file_loses_only_its_end(form: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS[form](tmp_path, SAID)
    largest = max(files_with_messages(path), key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    for share in (0.5, 0.8, 0.99):
        largest.write_bytes(content[: int(len(content) * share)])
        if form in ("imessage", "slack") or form.endswith("zip"):  # whole or damaged
            with contextlib.suppress(UserError):
                read_chats(source_of(form), path, acc_run)
            continue
        texts = [message.text for _, messages in read_chats(source_of(form), path, acc_run) for message in messages]
        assert len(texts) >= int(40 * share) - 8
        if form in ("messenger", "instagram"):  # newest first: the oldest messages are lost
            assert texts[-5:] == [text for _, text in SAID][-5:]
        else:
            assert texts[:5] == [text for _, text in SAID][:5]


@pytest.mark.parametrize("form", WRITERS)
def test_any_damage_is_read_or_refused(form: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS[form](tmp_path, SAID)
    contents = {file: file.read_bytes() for file in files_with_messages(path)}
    chance = random.Random(form)
    for _ in range(60):
        for file, content in contents.items():
            damaged = bytearray(content)
            for _ in range(chance.choice((1, 3, 30))):
                at = chance.randrange(len(damaged))
                damaged[at : at + chance.choice((0, 1, 1, 9))] = chance.choice(DAMAGE)
            file.write_bytes(damaged)
        with contextlib.suppress(UserError):
            for _, messages in read_chats(source_of(form), path, acc_run):
                assert all(isinstance(message.text, str) for message in messages)
                assert [m.sent for m in messages] == sorted(m.sent for m in messages)


@pytest.mark.parametrize("name", sorted(SOURCES))
@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{}", b'{"messages": []}', b"[[[[", b"\x89PNG\x00", b"[1, 2]", b"PK\x03\x04"]
)
def test_other_files_are_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    for file in ("chat.db", "data.json", "chat.txt", "chat.html", "chat.zip"):
        (tmp_path / file).write_bytes(content)
        for path in (tmp_path, tmp_path / file):
            with pytest.raises(UserError) as raised:
                SOURCES[name].inputs(SOURCES[name].config(path=path))
            assert "\n" not in str(raised.value)
            assert raised.value.hint
            assert SOURCES[name].recognises
            assert not SOURCES[name].recognises(path)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_pipe_in_the_folder_is_ignored(name: str, tmp_path: Path) -> None:
    for file in ("a.json", "data.json", "chat.db", "messages.json", "a.txt", "a.html", "a.zip"):
        os.mkfifo(tmp_path / file)
    source = SOURCES[name]
    assert source.recognises
    assert not source.recognises(tmp_path)
    with pytest.raises(UserError, match="not a regular file"):
        source.inputs(source.config(path=tmp_path / "a.zip"))


def test_chats_and_people_are_selected(tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / WRITERS["discord"](tmp_path, SAID)
    ((chat, messages),) = read_chats("discord", path, acc_run, exclude=["bob"])
    assert chat.skip is None
    assert {message.sender for message in messages} == {"10ann", ""}
    with pytest.raises(UserError, match="'Carl' fits no chat or person"):
        read_chats("discord", path, acc_run, exclude=["Carl"])

"""Files that hold more than one export."""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path

import pytest

from autocakechat import RunContext
from tests.sources.exports import ME, PARTNER, export_json, make_account, make_chat, make_message, read, write_export

CHAT = make_chat([make_message(1, PARTNER, "hello"), make_message(2, ME, 'say "messages": [')])
OTHER = make_chat([make_message(1, 5, "moin"), make_message(2, ME, "tach")], id=5)
FIRST_TEXTS = [["hello", 'say "messages": [']]


def repeated_key(indent: int | None) -> str:
    both = json.dumps(OTHER["messages"], indent=indent)
    return json.dumps(CHAT, indent=indent).rstrip("}\n") + f',\n "messages": {both}\n}}'


FILES = {
    "two exports": export_json(CHAT) + "\n" + export_json(OTHER),
    "a repeated key": repeated_key(indent=1),
    "two exports on a line": json.dumps(CHAT) + json.dumps(OTHER),
    "two accounts on a line": json.dumps(make_account(CHAT)) + json.dumps(make_account(OTHER)),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("merged", [False, True])
def test_a_second_list_of_messages_is_warned_of(
    content: str, merged: bool, tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "result.json").write_text(content)
    if merged:
        write_export(tmp_path / "again.json", CHAT)
    with caplog.at_level(logging.WARNING):
        assert [list(filter(None, chat.texts)) for chat in read(tmp_path, run)] == FIRST_TEXTS
    (warning,) = caplog.messages
    place = content.rindex('"messages": [')
    assert warning.startswith(f"result.json: a second list of messages begins at byte {place:d}, and is not read")


def test_whole_exports_are_not_warned_of(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    write_export(tmp_path / "1.json", CHAT)
    (tmp_path / "2.json").write_text(json.dumps(CHAT))
    write_export(tmp_path / "3.json", make_account(OTHER))
    with caplog.at_level(logging.WARNING):
        read(tmp_path, run)
    assert not caplog.messages


def test_the_name_of_an_archive_does_not_matter(tmp_path: Path, run: RunContext) -> None:
    with zipfile.ZipFile(tmp_path / "result.json", "w") as archive:
        archive.writestr("result.json", export_json(CHAT))
    for path in (tmp_path, tmp_path / "result.json"):
        assert [chat.texts for chat in read(path, run)] == FIRST_TEXTS

"""`acc inspect --as jsonl` converts any log, and a corpus is read back as it was exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autocakechat.testing import Project
from tests.sources.exports import ME, PARTNER, make_account, make_chat, make_message, make_service


@pytest.fixture
def export(acc_project: Project) -> Path:
    """The export of an account with messages of many kinds."""
    messages = [
        make_message(1, PARTNER, "hi\nthere 👋"),
        make_message(2, ME, [{"type": "bold", "text": "hello"}, " you"], reply_to_message_id=1),
        make_message(3, ME, "spread this", forwarded_from="Eve"),
        make_message(4, PARTNER, "", photo="photo.jpg"),
        make_service(5, PARTNER, "phone_call"),
        make_message(6, PARTNER, "half a character \ud83d"),
        make_message(7, ME, "yes"),
    ]
    group = make_chat([make_message(1, 3, "all here?"), make_message(2, ME, "I am")], type="private_group", id=9)
    bot = make_chat([make_message(1, 4, "press start")], type="bot_chat", id=4, name=None)
    path = acc_project.folder / "tg_data" / "result.json"
    path.parent.mkdir()
    path.write_text(json.dumps(make_account(make_chat(messages), group, bot), indent=1))
    return path


def inspected(project: Project, *arguments: str) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(project.acc("inspect", "--json", *arguments).stdout)
    return summary


def test_a_converted_log_reads_the_same(acc_project: Project, export: Path) -> None:
    before = inspected(acc_project, "tg_data", "--as", "jsonl", "-o", "log.jsonl")
    after = inspected(acc_project, "log.jsonl")
    assert after.pop("source") == "jsonl"
    assert before.pop("source") == "telegram"
    assert after == before
    assert len(before["chats"]) == 3
    first, second, *_ = map(json.loads, (acc_project.folder / "log.jsonl").read_text().splitlines())
    assert first["title"] == "Pat"
    assert second == {
        "chat": "user2", "id": 2, "sender": "user1", "name": "Person 1", "time": 1_700_000_120,
        "text": "hello you", "reply_to": 1, "outgoing": True,
    }  # fmt: skip


def test_a_failed_conversion_leaves_no_file(acc_project: Project, export: Path) -> None:
    (acc_project.folder / "log.jsonl").write_text("old")
    export.write_text(export.read_text() + "x")
    done = acc_project.acc("inspect", "tg_data", "--as", "jsonl", "-o", "no/log.jsonl")
    assert done.returncode == 2
    assert "no/log.jsonl: No such file or directory; nothing was written" in done.stderr
    done = acc_project.acc("inspect", "tg_data", "-o", "log.jsonl")
    assert done.returncode == 2
    assert "--as and -o belong together" in done.stderr
    assert sorted(path.name for path in acc_project.folder.iterdir() if "log.j" in path.name) == ["log.jsonl"]


def test_several_logs_are_shown_together(acc_project: Project, export: Path) -> None:
    line = {"chat": "c", "sender": "zoe", "name": "Zoe", "time": "2023-11-14T22:13:20Z", "text": "hi"}
    (acc_project.folder / "more.jsonl").write_text(json.dumps(line) + "\n")
    log = inspected(acc_project, "tg_data", "more.jsonl")
    assert log["source"] == "telegram and jsonl"
    assert {"user1", "user2", "zoe"} <= {person["id"] for person in log["people"]}
    assert len(log["chats"]) == 4


def test_an_exported_corpus_is_read_back_with_its_labels(acc_project: Project) -> None:
    lines = []
    for n in range(40):
        for turn in range(4):
            speaker, label = ("ann", "fear") if turn % 2 == 0 else ("bob", "joy")
            text = f"{speaker} {n} says\n{turn} of {n * 7}"
            message = {"chat": "c", "sender": speaker, "time": 7200 * n + turn, "text": text, "label": label}
            lines.append(json.dumps(message) + "\n")
    (acc_project.folder / "log.jsonl").write_text("".join(lines))

    def exported(source: str, server: str, corpus: str) -> list[str]:
        acc_project.pipeline(source={"use": "jsonl", "path": source}, extractor={"use": "turns", "server": server})
        acc_project.outcome("corpus")
        assert acc_project.acc("corpus", "export", "-o", corpus).returncode == 0
        return (acc_project.folder / corpus).read_text().splitlines()

    first = exported("log.jsonl", "bob", "train_processed_dialogs.txt")
    again = exported("train_processed_dialogs.txt", "server", "again.txt")
    assert len(first) == 40
    assert again == first
    assert json.loads(first[0])[1] == {"text": "bob 0 says\n1 of 0", "condition": "joy"}

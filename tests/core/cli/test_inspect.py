from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import Chat, Corpus, Message, MessageBatch
from autocakechat.statistics.activity import ActivityCounter
from autocakechat.statistics.log_summary import summarize_chat
from autocakechat.statistics.participants import Participant, ParticipantCounter
from tests.core.conftest import Project


def message(number: int, sender: str, name: str | None, kind: str = "text") -> Message:
    return Message(id=number, sender=sender, sender_name=name, text="hi", sent=number, kind=kind)


def test_participants_are_counted_by_id_with_their_last_name() -> None:
    messages = [message(n, f"user{n % 3}", f"old {n}" if n < 600 else f"new {n % 3}") for n in range(1000)]
    messages += [message(1000, "user1", None), message(1001, "", None), message(1002, "user9", "X", "service: pin")]
    messages += [Message(1003, "channel5", "News", "hi", 1003, own_words=False)]
    chat = Chat("c", "title", "group", messages)
    summary = summarize_chat(chat, ActivityCounter())
    assert summary.people == [
        Participant("user0", "new 0", 334),
        Participant("user1", "new 1", 334),
        Participant("user2", "new 2", 333),
    ]
    assert summary.messages == 1004
    assert summary.kinds == {"text": 1003, "service: pin": 1}


def test_counting_does_not_change_the_batches() -> None:
    messages = [message(n, "a", None) for n in range(256)], [message(n, "b", None) for n in range(3)]
    assert list(ParticipantCounter().count_batches(map(MessageBatch.of, messages))) == list(
        map(MessageBatch.of, messages)
    )


EXPORT: dict[str, Any] = {
    "name": "Ann \u202e<b>\x1b[31m",
    "type": "personal_chat",
    "id": 77,
    "messages": [
        {
            "id": number,
            "type": "message",
            "date": "2024-01-01T00:00:00",
            "date_unixtime": str(1_704_067_200 + 60 * number),
            "from": "Ann" if number % 2 else "Bob \x1b[31m",
            "from_id": "user77" if number % 2 else "user88",
            "text": f"line {number}",
            "text_entities": [{"type": "plain", "text": f"line {number}"}],
        }
        for number in range(1, 12)
    ],
}


@pytest.fixture
def export(project: Project) -> str:
    project.write("result.json", json.dumps(EXPORT, indent=1))
    return "result.json"


def test_shows_participants_with_id_and_number_of_messages(project: Project, export: str) -> None:
    done = project.acc("inspect", export)
    assert done.returncode == 0, done.stderr
    assert "user77  6  Ann" in done.stdout
    assert "user88  5  Bob \\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_the_last_lines_can_be_copied(project: Project) -> None:
    account = {"personal_information": {"user_id": 88}, "chats": {"list": [EXPORT, {**EXPORT, "id": 78, "name": "Cy"}]}}
    project.write("result.json", json.dumps(account, indent=1))
    lines = project.acc("inspect", "result.json").stdout.splitlines()
    assert "The owner of the log is user88 (Bob \\x1b[31m)." in lines
    assert lines[-2].endswith(': server = "user77"')
    assert lines[-1].endswith(': exclude = ["user77"]')
    assert json.loads(project.acc("inspect", "--json", "result.json").stdout)["owner"] == "user88"


def test_page_loads_nothing_and_escapes_text_from_chats(project: Project, export: str) -> None:
    done = project.acc("inspect", export, "--html", "page.html")
    assert done.returncode == 0, done.stderr
    text = (project.folder / "page.html").read_text()
    assert "Content-Security-Policy" in text
    assert "&lt;b&gt;" in text
    for raw in ("<b>", "\x1b", "\u202e", "<script", "http:", "https:", "src=", "url("):
        assert raw not in text
    root = ElementTree.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", text))
    rows = [["".join(cell.itertext()) for cell in row.iter("td")][:3] for row in root.iter("tr")]
    assert rows[1:3] == [["user77", "Ann", "6"], ["user88", "Bob \\x1b[31m", "5"]]
    style = root.find("head/style")
    assert style is not None
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    assert f"sha256-{digest}" in text


def test_page_that_cannot_be_written_is_an_error(project: Project, export: str) -> None:
    done = project.acc("inspect", export, "--html", "no/folder/page.html")
    assert done.returncode == 2
    assert "no/folder/page.html: No such file or directory; nothing was written" in done.stderr


def test_a_file_that_no_source_knows_is_one_line(project: Project) -> None:
    project.write("notes.bin", "hello")
    done = project.acc("--disable", "telegram-source", "inspect", "notes.bin")
    assert done.returncode == 2
    expected = (
        "acc: notes.bin: no source recognises it, of csv and jsonl; "
        "give the path of a chat log; --source NAME says what one of them expects"
    )
    assert done.stderr.splitlines() == [expected]
    done = project.acc("inspect", "notes.bin", "--source", "jsonl")
    assert "notes.bin: not JSON Lines" in done.stderr


def test_a_damaged_archive_is_one_line(project: Project) -> None:
    (project.folder / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    done = project.acc("inspect", "cut.zip")
    assert done.returncode == 2
    expected = "acc: cut.zip: cannot be unpacked (File is not a zip file); unpack the archive, or export again"
    assert done.stderr.splitlines() == [expected]


def test_a_pipe_is_one_line(project: Project) -> None:
    os.mkfifo(project.folder / "log.json")
    done = project.acc("inspect", "log.json")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["acc: log.json: not a regular file; give the path of a file or folder"]


def test_gaps_response_times_and_unusable_messages_are_counted() -> None:
    start = 1_704_067_200
    times = [0, 5, 65, 665, 100_000]
    senders = ["a", "a", "b", "a", "b"]
    activity = ActivityCounter()
    messages = [Message(n, senders[n], None, "x" if n else "", start + times[n], own_words=n != 1) for n in range(5)]
    batch = MessageBatch.of(messages)
    assert list(activity.count_batches(iter([batch]))) == [batch]
    report = activity.report()
    assert {gap.label: gap.count for gap in report.silences if gap.count} == {
        "under 10 seconds": 1,
        "1 to 5 minutes": 1,
        "5 to 30 minutes": 1,
        "1 to 7 days": 1,
    }
    response_times = {
        times.id: {span.label: span.count for span in times.spans if span.count} for times in report.answering
    }
    assert response_times == {"b": {"1 to 5 minutes": 1, "1 to 7 days": 1}, "a": {"5 to 30 minutes": 1}}
    assert sum(report.hours) == sum(report.months.values()) == 5
    assert report.unlearnable == {"no text: text": 1, "not the sender's own words": 1}


@given(st.lists(st.integers(-(2**40), 2**40), max_size=600))
def test_counts_do_not_depend_on_the_batches(times: list[int]) -> None:
    messages = [Message(n, f"user{n % 3}", None, "x", sent) for n, sent in enumerate(times)]
    activity, participants = ActivityCounter(), ParticipantCounter()
    batches = [MessageBatch.of(part) for part in (messages[:1], messages[1:]) if part]
    assert list(activity.count_batches(participants.count_batches(iter(batches)))) == batches
    gaps = [after - before for before, after in pairwise(times)]
    assert [gap.count for gap in participants.gaps()] == [
        sum(low <= max(gap, 0) < high for gap in gaps)
        for low, high in pairwise([0, 10, 60, 300, 1800, 7200, 86_400, 604_800, math.inf])
    ]
    report = activity.report()
    assert report.silences == participants.gaps()
    assert sum(times.answers for times in report.answering) == len(gaps)


def test_months_without_messages_are_included() -> None:
    activity = ActivityCounter()
    messages = [Message(0, "a", None, "x", 1_700_000_000), Message(1, "a", None, "x", 1_710_000_000)]
    list(activity.count_batches(iter([MessageBatch.of(messages)])))
    assert list(activity.report().months.values()) == [1, 0, 0, 0, 1]


def test_json_output_is_one_object(project: Project, export: str) -> None:
    done = project.acc("inspect", "--json", export)
    log = json.loads(done.stdout)
    assert log["source"] == "telegram"
    assert log["messages"] == 11
    assert log["people"] == [
        {"id": "user77", "name": "Ann", "messages": 6},
        {"id": "user88", "name": "Bob \x1b[31m", "messages": 5},
    ]
    assert [chat["messages"] for chat in log["chats"]] == [11]


def test_option_source_chooses_the_source(project: Project) -> None:
    done = project.acc("inspect", "log.txt", "--source", "toy", "--json")
    messages = {participant["id"]: participant["messages"] for participant in json.loads(done.stdout)["people"]}
    assert messages == {"ann": 50, "bob": 50}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.json",), "nothing.json: no such file or folder"),
        (("log.txt",), "log.txt: not JSON"),
        (("log.txt", "--source", "tyo"), "no source 'tyo'; did you mean 'toy'?"),
    ],
)
def test_unreadable_input_is_an_error(project: Project, arguments: tuple[str, ...], message: str) -> None:
    done = project.acc("inspect", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("start", ["", "# a comment\n"])
def test_a_pipeline_file_is_not_a_chat_log(project: Project, start: str) -> None:
    project.write("robin.toml", f'{start}[[source]]\nuse = "telegram"\n')
    done = project.acc("inspect", "robin.toml")
    assert done.returncode == 2
    assert "no source recognises it, of csv, jsonl and telegram; give the path of a chat log" in done.stderr


def test_a_table_with_other_columns_is_explained_by_its_source_alone(project: Project) -> None:
    project.write("log.csv", "Author,Date,Content\nAnn,2024-05-01T18:00:00Z,hi\n")
    done = project.acc("inspect", "log.csv")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "log.csv: the table has no column 'sender'" in line


def test_exception_in_a_source_names_its_plugin(project: Project) -> None:
    project.write("log.txt", "ann: hi\nbob: boom\n")
    done = project.acc("inspect", "log.txt", "--source", "toy")
    assert done.returncode == 1
    assert "plugin toys" in done.stderr
    assert "Traceback" not in done.stderr


def test_corpus_is_exported_in_the_format_of_cakechat(project: Project) -> None:
    assert project.acc("run", "--until", "corpus").returncode == 0
    assert project.acc("corpus", "export", "--format", "cakechat", "-o", "all.txt").returncode == 0
    assert project.acc("corpus", "export", "--part", "train", "-o", "train.txt").returncode == 0
    corpus = Corpus(next((project.folder / ".acc" / "corpus").iterdir()))
    written = [json.loads(line) for line in (project.folder / "all.txt").read_text().splitlines()]
    dialogs = [*corpus.dialogs("train"), *corpus.dialogs("validation")]
    assert written == [[{"text": turn.text, "condition": turn.emotion} for turn in dialog] for dialog in dialogs]
    train = [json.loads(line) for line in (project.folder / "train.txt").read_text().splitlines()]
    assert train == written[: len(train)]
    assert len(train) == sum(1 for _ in corpus.dialogs("train"))
    assert not list(project.folder.glob(".all.txt*"))


def test_shows_the_report_of_the_newest_corpus(project: Project) -> None:
    project.acc("run", "--until", "corpus")
    shown = project.acc("corpus", "report", "--samples", "1").stdout
    assert "read 100 messages in 1 chat" in shown
    assert "  < answer " in shown
    report = json.loads(project.acc("corpus", "report", "--json").stdout)
    assert report["messages"]["read"] == 100


@pytest.mark.parametrize("arguments", [("corpus", "export", "-o", "x.txt"), ("corpus", "report")])
def test_error_without_a_corpus_says_how_to_build_one(project: Project, arguments: tuple[str, ...]) -> None:
    done = project.acc(*arguments)
    assert done.returncode == 2
    assert "acc run pipeline.toml --until corpus" in done.stderr


def test_export_that_cannot_be_written_is_an_error(project: Project) -> None:
    project.acc("run", "--until", "corpus")
    done = project.acc("corpus", "export", "-o", "no/such/folder/x.txt")
    assert done.returncode == 2
    assert done.stderr == "acc: no/such/folder/x.txt: No such file or directory; nothing was written\n"


def test_the_report_of_one_pair_is_in_the_singular(project: Project) -> None:
    project.write("log.txt", "ann: hello\nbob: hi\n")
    log = project.acc("run", "--until", "corpus").stderr
    assert "1 pair; 1 word from clients, 1 word in replies" in log


def test_sample_export_can_be_inspected(project: Project) -> None:
    date = {"date": "2025-03-29T15:10:56", "date_unixtime": "1743257456"}
    created = {
        "id": 1,
        "type": "service",
        **date,
        "actor": "Ann",
        "actor_id": "user1",
        "action": "create_group",
        "text": "",
    }
    texts = [(1, "Hello!"), (1, "Is the train late again?"), (2, "Да, на час."), (1, "Then I walk.")]
    messages = [
        {"id": number, "type": "message", **date, "from": f"Person {sender}", "from_id": f"user{sender}", "text": text}
        for number, (sender, text) in enumerate(texts, 2)
    ]
    group = {"name": "Group", "type": "private_group", "id": 4696915167, "messages": [created, *messages]}
    project.write("group.json", json.dumps(group, indent=1, ensure_ascii=False))
    done = project.acc("inspect", "--json", "group.json")
    log = json.loads(done.stdout)
    assert log["messages"] == sum(chat["messages"] for chat in log["chats"]) > 0
    assert log["people"][0]["messages"] >= log["people"][-1]["messages"]

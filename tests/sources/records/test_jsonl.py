"""The source `jsonl`: one message a line."""

from __future__ import annotations

import gzip
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autocakechat import Chat, Message, RunContext, UserError
from autocakechat.plugins.sources.records import files
from autocakechat.plugins.sources.records.jsonl import acc_sources
from autocakechat.plugins.sources.records.options import JsonlOptions

(SOURCE,) = acc_sources()
Read = Callable[..., dict[str, list[Message]]]


def line(chat: str, time: Any, text: str = "hi", sender: Any = "ann", **more: Any) -> str:
    return json.dumps({"chat": chat, "sender": sender, "time": time, "text": text, **more}) + "\n"


def read_all(run: RunContext, path: Path, **options: Any) -> Iterable[tuple[Chat, list[Message]]]:
    config = JsonlOptions(path=path, **options)
    for entry in SOURCE.inputs(config):
        for chat in SOURCE.read(config, entry, run):
            yield chat, list(chat.messages)


@pytest.fixture
def read(tmp_path: Path, acc_run: RunContext) -> Read:
    def read(*content: str | bytes, name: str = "log.jsonl", **options: Any) -> dict[str, list[Message]]:
        data = b"".join(part if isinstance(part, bytes) else part.encode() for part in content)
        (tmp_path / name).write_bytes(data)
        return {chat.id: messages for chat, messages in read_all(acc_run, tmp_path / name, **options)}

    return read


def test_every_field_is_read(read: Read) -> None:
    more = {"own_words": False, "kind": "forward", "outgoing": True, "label": "joy", "topic": "cats"}
    full = line("c", 60, id=7, name="Ann", reply_to=6, **more)
    bare = line("c", 61, sender=5)
    assert read(full, bare) == {
        "c": [
            Message(7, "ann", "Ann", "hi", 60, 6, "forward", False, True, position=0, topic="cats", label="joy"),
            Message(-2, "5", None, "hi", 61, position=1),
        ]
    }


def test_a_chat_can_have_a_title_a_kind_and_a_reason_to_skip_it(tmp_path: Path, acc_run: RunContext) -> None:
    lines = line("c", 1), line("c", 2, title="Old friends", chat_kind="group", skip="channel"), line("d", 1)
    (tmp_path / "log.jsonl").write_text("".join(lines))
    chats = [(chat.id, chat.title, chat.kind, chat.skip) for chat, _ in read_all(acc_run, tmp_path)]
    assert chats == [("c", "Old friends", "group", "channel"), ("d", None, "chat", None)]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (1_700_000_000, 1_700_000_000),
        (1_700_000_000.9, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14 23:13:20", 1_700_000_000),
        ("20231114T231320", 1_700_000_000),
    ],
)
def test_times_are_iso_8601_or_seconds(time: Any, seconds: int, read: Read) -> None:
    (message,) = read(line("c", time), timezone="Europe/Berlin")["c"]
    assert message.sent == seconds


def test_chats_may_alternate_and_lines_may_be_in_any_order(read: Read) -> None:
    lines = [line(f"c{n % 3}", n, f"text {n}") for n in range(60)]
    expected = {f"c{c}": [f"text {n}" for n in range(60) if n % 3 == c] for c in range(3)}
    for order in (lines, lines[::-1], lines[30:] + lines[:30], lines[::2] + lines[1::2]):
        texts = {chat: [message.text for message in messages] for chat, messages in read(*order).items()}
        assert texts == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 5), st.text(min_size=1, max_size=9)), max_size=30)
)
def test_any_messages_are_read_sorted_by_time(rows: list[tuple[str, int, str]], read: Read) -> None:
    first = ("a", -9, "first")
    lines = [line(chat, time, text, id=n) for n, (chat, time, text) in enumerate([first, *rows])]
    result = {chat: [(m.sent, m.text) for m in messages] for chat, messages in read(*lines).items()}
    expected = {
        chat: sorted([(time, text) for of, time, text in [first, *rows] if of == chat], key=lambda pair: pair[0])
        for chat in result
    }
    assert sum(map(len, result.values())) == len(rows) + 1
    assert result == expected


def test_ids_may_be_words_and_replies_find_them(read: Read) -> None:
    first, second, huge = read(
        line("c", 1, id="m-1"), line("c", 2, id="17", reply_to="m-1"), line("c", 3, id=2**80, reply_to=17)
    )["c"]
    assert second.reply_to == first.id
    assert second.id == huge.reply_to == 17
    assert huge.id < 2**63


def test_a_message_in_two_files_counts_once(tmp_path: Path, acc_run: RunContext) -> None:
    (tmp_path / "a.jsonl").write_text("".join(line("c", n, id=n) for n in range(3)))
    (tmp_path / "b.jsonl").write_text("".join(line("c", n, id=n) for n in range(1, 5)))
    ((_, messages),) = read_all(acc_run, tmp_path)
    assert [(m.id, m.kind) for m in messages if m.kind == "text"] == [(n, "text") for n in range(5)]
    assert [m.kind for m in messages if m.kind != "text"] == ["duplicate message"] * 2


def compress(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content)
    packed: bytes = pytest.importorskip("zstandard").compress(content)
    return packed


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_are_read_as_they_are(suffix: str, read: Read, caplog: pytest.LogCaptureFixture) -> None:
    content = "".join(line("c", n, f"text {n} {n**9 % 99991}") for n in range(5000)).encode()
    packed = compress(content, suffix)
    assert len(read(packed, name=f"log.jsonl{suffix}")["c"]) == 5000
    with caplog.at_level(logging.WARNING):
        cut = read(packed[: len(packed) * 3 // 4], name=f"log.jsonl{suffix}")["c"]
    assert 1000 < len(cut) < 5000
    assert caplog.records


def test_everything_before_the_damage_is_used(read: Read) -> None:
    packed = gzip.compress("".join(line("c", n) for n in range(100)).encode())
    without_checksum = packed[:-8]  # which is all that is missing
    assert len(read(without_checksum, name="log.jsonl.gz")["c"]) == 100


def test_a_damaged_file_without_content_is_named(read: Read) -> None:
    with pytest.raises(UserError, match="the file is damaged"):
        read(line("c", 1), name="log.jsonl.gz")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_unpacks_to_more_than_a_log_is_refused(
    suffix: str, tmp_path: Path, acc_run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MAX_SMALL_SIZE", 1_000_000)
    packed = compress(line("c", 1).encode() + b" " * (1 << 20), suffix)
    (tmp_path / f"log.jsonl{suffix}").write_bytes(packed * 3)
    with pytest.raises(UserError, match="is compressed more than a log can be"):
        list(read_all(acc_run, tmp_path))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{oops\n", "not JSON"),
        (b'"text"\n', "Expected `object`"),
        (b'{"chat": "c", "time": 2, "text": "hi"}\n', "missing required field `sender`"),
        (line("c", 1_700_000_000_000).encode(), "not milliseconds"),
        (line("c", -62_135_596_801).encode(), "expected seconds since 1970"),
        (line("c", "yesterday").encode(), "time is 'yesterday', expected ISO 8601 or seconds"),
        (line("c", True).encode(), "time"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"chat": "c", "sender": "a"', "not JSON"),
        (b"\xff\x00\x1b\n", "not JSON"),
    ],
)
def test_a_line_that_is_no_message_is_counted_and_named(
    bad: bytes, reason: str, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        messages = read(line("c", 1), "\n", bad, line("c", 3) if bad.endswith(b"\n") else "")["c"]
    assert [m.kind for m in messages][:2] == ["text", "damaged message"]
    (record,) = caplog.records
    assert "log.jsonl:3: not a message: " in record.getMessage()
    assert reason in record.getMessage()
    assert "\x1b" not in record.getMessage()


def test_the_lines_of_a_file_without_messages_are_counted(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        messages = read("\n", line("c", "yesterday"), "oops\n")["damaged"]
    assert [m.kind for m in messages] == ["damaged message"] * 2
    (record,) = caplog.records
    assert "log.jsonl:2: not a message: time is 'yesterday'" in record.getMessage()
    assert "1 more line is not a message" in record.getMessage()


def test_lone_surrogates_and_invalid_bytes_are_replaced(read: Read) -> None:
    first, second = read(
        b'{"chat": "c", "sender": "a", "time": 1, "text": "a\\ud83db \\ud83d\\ude00"}\n',
        b'{"chat": "c", "sender": "a", "time": 2, "text": "a\xffb"}\n',
    )["c"]
    assert (first.text, second.text) == ("a\ufffdb 😀", "a\ufffdb")


def test_a_byte_order_mark_is_ignored(read: Read) -> None:
    assert len(read(b"\xef\xbb\xbf", line("c", 1), line("c", 2))["c"]) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"{}\n", "the first line is not a message: Object missing required field `chat`"),
        (b"hello\n", "not JSON Lines"),
        (b'{\n  "name": "Ann"\n}\n', "the first line is not a message: not JSON"),
    ],
)
def test_other_files_are_refused_in_one_line(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(content)
    for path in (tmp_path, tmp_path / "log.jsonl"):
        with pytest.raises(UserError) as raised:
            SOURCE.inputs(JsonlOptions(path=path))
        assert f"log.jsonl: {problem}" in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
        assert SOURCE.recognises
        assert not SOURCE.recognises(path)


def test_a_pipe_in_the_folder_is_ignored(tmp_path: Path, acc_run: RunContext) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text(line("c", 1))
    assert len(list(read_all(acc_run, tmp_path))) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_not_blamed_on_the_log(
    tmp_path: Path, acc_run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(line("c", 1).encode()))
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: full)
        with pytest.raises(OSError, match="No space"):
            list(read_all(acc_run, tmp_path))


def corpus(*dialogs: list[tuple[str, str]]) -> str:
    return "".join(json.dumps([{"text": t, "condition": c} for t, c in dialog]) + "\n" for dialog in dialogs)


def test_a_corpus_is_a_chat_whose_last_speaker_is_the_server(read: Read) -> None:
    content = corpus([("hi", "neutral"), ("hello", "joy")], [("a", "fear"), ("b", "joy"), ("c", "anger")])
    (messages,) = read(content, name="train_processed_dialogs.txt").values()
    assert [(m.sender, m.text, m.label) for m in messages] == [
        ("client", "hi", "neutral"),
        ("server", "hello", "joy"),
        ("server", "a", "fear"),
        ("client", "b", "joy"),
        ("server", "c", "anger"),
    ]
    assert messages[2].sent - messages[1].sent == 7200

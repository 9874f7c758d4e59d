"""Properties of every export, intact or damaged."""

from __future__ import annotations

import io
import json
import logging
import os
import random
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocakechat import Message, RunContext, UserError
from autocakechat.plugins.sources.telegram.parsing.json_repair import repair
from tests.conftest import silent_progress
from tests.sources.exports import (
    ME,
    PARTNER,
    Json,
    ReadChat,
    export_json,
    make_account,
    make_chat,
    make_message,
    make_service,
    read,
)

quiet = logging.getLogger("autocakechat.test.quiet")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False


@contextmanager
def temporary_export() -> Iterator[tuple[Path, RunContext]]:
    """A path for an export, and a run context."""
    with TemporaryDirectory() as folder:
        yield Path(folder) / "result.json", RunContext(quiet, silent_progress, 1, Path(folder))


def read_bytes(content: bytes) -> list[ReadChat]:
    with temporary_export() as (path, run):
        path.write_bytes(content)
        return read(path, run)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        '"messages": [',
        "\n  },\n  {",
        "\\x41",
        '\\"',
        "\\\\",
        "\u2028",
        "\x00\x1f\x7f",
        '"document_id": a',
        "]}",
        "\ufeff",
    ]
)
PARTS = st.lists(
    TEXTS
    | st.fixed_dictionaries({"type": st.sampled_from(["bold", "link", "odd"]), "text": TEXTS})
    | st.fixed_dictionaries({"type": st.just("custom_emoji"), "text": TEXTS, "document_id": TEXTS}),
    max_size=4,
)
EXTRAS = st.dictionaries(
    st.sampled_from(["photo", "forwarded_from", "via_bot", "edited", "reactions", "poll", "strange", "media_type"]),
    TEXTS,
    max_size=2,
)
SERVICES = st.sampled_from(["phone_call", "odd", "topic_created", "topic_created"])
REPLIES = st.just({}) | st.fixed_dictionaries({"reply_to_message_id": st.integers(-2, 6)})


@st.composite
def chats(draw: st.DrawFn, max_messages: int = 6) -> Json:
    """A chat with messages of all kinds."""
    messages = []
    for number in range(1, draw(st.integers(0, max_messages)) + 1):
        if draw(st.integers(0, 9)) == 0:
            messages.append(make_service(number, draw(st.integers(1, 3)), draw(SERVICES), title=draw(TEXTS)))
        else:
            extras = {**draw(EXTRAS), **draw(REPLIES)}
            messages.append(make_message(number, draw(st.integers(1, 3)), draw(TEXTS | PARTS), **extras))
    kind = draw(st.sampled_from(["personal_chat", "private_group", "public_supergroup", "saved_messages"]))
    return make_chat(messages, type=kind, id=draw(st.integers(1, 1 << 40)), name=draw(st.none() | TEXTS))


def as_tuple(message: Message) -> tuple[Any, ...]:
    m = message
    return m.id, m.sender, m.text, m.sent, m.kind, m.own_words, m.reply_to, m.topic


def as_tuples(read_chats: list[ReadChat]) -> list[Any]:
    return [(chat.id, chat.title, chat.kind, list(map(as_tuple, chat.messages))) for chat in read_chats]


def texts_of(document: Json) -> list[str]:
    return [
        "".join(part if isinstance(part, str) else part["text"] for part in message["text"])
        if isinstance(message["text"], list)
        else message["text"]
        for message in document["messages"]
    ]


@given(chats())
def test_texts_are_read_unchanged(document: Json) -> None:
    (only,) = read_bytes(export_json(document).encode())
    assert only.texts == texts_of(document)
    assert only.title == document["name"]


@given(st.lists(chats(3), min_size=1, max_size=3), st.booleans())
def test_the_result_does_not_depend_on_the_layout(documents: list[Json], sort_keys: bool) -> None:
    for number, chat in enumerate(documents):
        chat["id"] = number + 1
    document = make_account(*documents)
    expected = as_tuples(read_bytes(export_json(document).encode()))
    assert as_tuples(read_bytes(json.dumps(document, sort_keys=sort_keys).encode())) == expected
    assert as_tuples(read_bytes(json.dumps(document, indent=3, ensure_ascii=False).encode())) == expected
    assert as_tuples(read_bytes(export_json(document).replace("\n", "\r\n").encode())) == expected


@given(chats(), st.data())
def test_a_truncated_export_yields_a_prefix_of_the_messages(document: Json, data: st.DataObject) -> None:
    content = export_json(document if data.draw(st.booleans()) else make_account(document)).encode()
    if data.draw(st.booleans()):
        content = json.dumps(json.loads(content)).encode()
    complete = as_tuples(read_bytes(content))
    cut = data.draw(st.integers(0, len(content)))
    try:
        part = as_tuples(read_bytes(content[:cut]))
    except UserError:
        assert b'"messages"' not in content[:cut]
        return
    assert len(part) <= len(complete)
    for got, expected in zip(part, complete, strict=False):
        assert got[3] == expected[3][: len(got[3])]


@given(st.recursive(TEXTS | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner) | PARTS))
def test_repair_keeps_the_value_of_valid_json(value: Any) -> None:
    for options in ({}, {"indent": 1}, {"ensure_ascii": False}, {"indent": 1, "ensure_ascii": False}):
        valid = json.dumps({"text": value, "document_id": value}, **options).encode()
        assert json.loads(repair(valid)) == json.loads(valid)


RICH = {
    "blocks": [
        {"type": "paragraph", "text": {"type": "concat", "text": ["a ", {"type": "bold", "text": "b"}]}},
        {"type": "table", "rows": [{"cells": [{"text": "c"}, {"text": "d"}]}]},
    ]
}
FORUM = make_chat(
    [
        make_service(1, 5, "topic_created", title="Cats"),
        make_service(2, 5, "topic_created", title="Taxes"),
        make_message(3, ME, "a", reply_to_message_id=1),
        {"id": 4, "type": "message", "from_id": "user5", "reply_to_message_id": 3, "rich_message": RICH},
        {"id": 5, "type": "unsupported"},
        make_message(6, 5, "", hologram={}),
    ],
    type="private_supergroup",
)
SEEDS = [
    export_json(FORUM).encode(),
    json.dumps(FORUM).encode(),
    export_json(
        make_chat(
            [
                make_message(1, ME, "a"),
                make_message(2, PARTNER, ["b ", {"type": "custom_emoji", "text": "c", "document_id": "x"}, ""]),
                make_service(3, ME, "phone_call"),
                make_message(4, ME, "\u2028 d", photo="x.jpg", reply_to_message_id=1),
            ]
        )
    ).encode(),
    export_json(
        make_account(make_chat([make_message(1, ME, "a"), make_message(2, PARTNER, "b")]), make_chat([], id=5))
    ).encode(),
    json.dumps(
        make_account(make_chat([make_message(1, ME, "a"), make_message(2, PARTNER, "b")]), make_chat([], id=5))
    ).encode(),
]
FRAGMENTS = [
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b" ", b"\\x01", b"\\u2028\x80\xa8", b"\xff", b"null",
    b"1e999",
    b'"messages": [', b"\n  },\n  {", b"\n ]\n}", b'"from_id": 5', b'"document_id": a (b).webm', b"\\ud83d", b"\x00",
    b"[" * 3000, b'{"a":' * 2000, b"9" * 400, b"\xef\xbb\xbf",
]  # fmt: skip


def damaged(rng: random.Random) -> bytes:
    """An export with bytes deleted, repeated, overwritten or inserted."""
    content = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(5):
            case 0:
                del content[at : at + rng.choice([1, 2, 10, 200, 5000])]
            case 1:
                content[at:at] = rng.choice(FRAGMENTS)
            case 2:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                start = rng.randrange(len(content) + 1)
                content[at:at] = content[start : start + rng.choice([5, 50, 500])]
            case _:
                fragment = rng.choice(FRAGMENTS)
                content[at : at + len(fragment)] = fragment
    return bytes(content)


def in_another_form(content: bytes, rng: random.Random) -> bytes:
    """The same content in a zip archive, perhaps a damaged one, or in UTF-16; usually as it is."""
    form = rng.randrange(20)
    if form == 0:
        return content.decode("utf-8", "replace").encode("utf-16")
    if form > 2:
        return content
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("a/result.json", content)
    zipped = bytearray(archive.getvalue())
    for _ in range(rng.randrange(3)):
        zipped[rng.randrange(4, len(zipped))] = rng.randrange(256)
    return bytes(zipped)


def check_types(messages: Iterable[Message]) -> None:
    for message in messages:
        assert isinstance(message.text, str)
        assert isinstance(message.sender, str)
        assert message.sender_name is None or isinstance(message.sender_name, str)
        assert 0 <= message.sent < 1 << 40
        message.text.encode()
        assert isinstance(message.topic, str)


def read_damaged_exports(count: int, seed: int) -> None:
    rng = random.Random(seed)
    errors: list[str] = []
    with temporary_export() as (path, run):
        for number in range(count):
            content = in_another_form(damaged(rng), rng)
            path.write_bytes(content)
            try:
                messages = [message for chat in read(path, run, sticker_emoji=True) for message in chat.messages]
                check_types(messages)
            except UserError as error:
                errors.append(str(error))
            except Exception as error:
                error.add_note(f"input {number} of seed {seed}: {content!r}")
                raise
    assert not any("\n" in line for line in errors)


def test_damage_raises_nothing_but_user_errors() -> None:
    read_damaged_exports(1000, seed=1)


@pytest.mark.soak
@pytest.mark.skipif("ACC_SOAK" not in os.environ, reason="a soak test: make soak")
@pytest.mark.parametrize("seed", range(2, 12))
def test_more_damage(seed: int) -> None:
    read_damaged_exports(20_000, seed)


@settings(max_examples=20)
@given(chats(20))
def test_reading_is_deterministic(document: Json) -> None:
    content = export_json(document).encode()
    assert as_tuples(read_bytes(content)) == as_tuples(read_bytes(content))

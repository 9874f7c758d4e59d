"""What holds for every export, and for what is left of one after damage."""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocakechat import RunContext, UserError
from autocakechat.plugins.sources.telegram.json_repair import mend
from tests.conftest import silent_progress
from tests.sources.exports import ME, PARTNER, Json, ReadChat, account, chat, layout, message, read, service

quiet = logging.getLogger("autocakechat.test.quiet")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False


@contextmanager
def room() -> Iterator[tuple[Path, RunContext]]:
    """A place for a file, and what a source is handed."""
    with TemporaryDirectory() as folder:
        yield Path(folder) / "result.json", RunContext(quiet, silent_progress, 1, Path(folder))


def read_bytes(content: bytes) -> list[ReadChat]:
    with room() as (path, run):
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


@st.composite
def chats(draw: st.DrawFn, most: int = 6) -> Json:
    """A chat of messages of all sorts."""
    messages = []
    for number in range(1, draw(st.integers(0, most)) + 1):
        if draw(st.integers(0, 9)) == 0:
            messages.append(service(number, draw(st.integers(1, 3)), draw(st.sampled_from(["phone_call", "odd"]))))
        else:
            extras = draw(EXTRAS)
            messages.append(message(number, draw(st.integers(1, 3)), draw(TEXTS | PARTS), **extras))
    kind = draw(st.sampled_from(["personal_chat", "private_group", "public_supergroup", "saved_messages"]))
    return chat(messages, type=kind, id=draw(st.integers(1, 1 << 40)), name=draw(st.none() | TEXTS))


def plain(read_chats: list[ReadChat]) -> list[Any]:
    return [
        (each.id, each.title, each.kind, [(m.id, m.sender, m.text, m.sent, m.kind, m.own_words) for m in each.messages])
        for each in read_chats
    ]


def texts_of(document: Json) -> list[str]:
    return [
        "".join(part if isinstance(part, str) else part["text"] for part in each["text"])
        if isinstance(each["text"], list)
        else each["text"]
        for each in document["messages"]
    ]


@given(chats())
def test_every_text_comes_out_as_it_went_in(document: Json) -> None:
    (only,) = read_bytes(layout(document).encode())
    assert only.texts == texts_of(document)
    assert only.title == document["name"]


@given(st.lists(chats(3), max_size=3), st.booleans())
def test_the_layout_makes_no_difference(documents: list[Json], sort_keys: bool) -> None:
    for number, document in enumerate(documents):
        document["id"] = number + 1
    whole = account(*documents)
    usual = plain(read_bytes(layout(whole).encode()))
    assert plain(read_bytes(json.dumps(whole, sort_keys=sort_keys).encode())) == usual
    assert plain(read_bytes(json.dumps(whole, indent=3, ensure_ascii=False).encode())) == usual
    assert plain(read_bytes(layout(whole).replace("\n", "\r\n").encode())) == usual


@given(chats(), st.data())
def test_any_truncation_yields_a_prefix_of_the_messages(document: Json, data: st.DataObject) -> None:
    content = layout(document if data.draw(st.booleans()) else account(document)).encode()
    if data.draw(st.booleans()):
        content = json.dumps(json.loads(content)).encode()
    whole = plain(read_bytes(content))
    cut = data.draw(st.integers(0, len(content)))
    try:
        part = plain(read_bytes(content[:cut]))
    except UserError:
        assert b'"messages"' not in content[:cut]
        return
    assert len(part) <= len(whole)
    for got, expected in zip(part, whole, strict=False):
        assert got[3] == expected[3][: len(got[3])]


@given(st.recursive(TEXTS | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner) | PARTS))
def test_mending_keeps_the_value_of_whatever_is_valid(value: Any) -> None:
    for options in ({}, {"indent": 1}, {"ensure_ascii": False}, {"indent": 1, "ensure_ascii": False}):
        valid = json.dumps({"text": value, "document_id": value}, **options).encode()
        assert json.loads(mend(valid)) == json.loads(valid)


SEEDS = [
    layout(
        chat(
            [
                message(1, ME, "a"),
                message(2, PARTNER, ["b ", {"type": "custom_emoji", "text": "c", "document_id": "x"}, ""]),
                service(3, ME, "phone_call"),
                message(4, ME, "\u2028 d", photo="x.jpg", reply_to_message_id=1),
            ]
        )
    ).encode(),
    layout(account(chat([message(1, ME, "a"), message(2, PARTNER, "b")]), chat([], id=5))).encode(),
    json.dumps(account(chat([message(1, ME, "a"), message(2, PARTNER, "b")]), chat([], id=5))).encode(),
]
SHREDS = [
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b" ", b"\\x01", b"\\u2028\x80\xa8", b"\xff", b"null",
    b"1e999",
    b'"messages": [', b"\n  },\n  {", b"\n ]\n}", b'"from_id": 5', b'"document_id": a (b).webm', b"\\ud83d", b"\x00",
    b"[" * 3000, b'{"a":' * 2000, b"9" * 400, b"\xef\xbb\xbf",
]  # fmt: skip


def damaged(chance: random.Random) -> bytes:
    """An export with some bytes cut out, repeated, overwritten or put in."""
    content = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(5):
            case 0:
                del content[at : at + chance.choice([1, 2, 10, 200, 5000])]
            case 1:
                content[at:at] = chance.choice(SHREDS)
            case 2:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                start = chance.randrange(len(content) + 1)
                content[at:at] = content[start : start + chance.choice([5, 50, 500])]
            case _:
                shred = chance.choice(SHREDS)
                content[at : at + len(shred)] = shred
    return bytes(content)


def survive(count: int, seed: int) -> None:
    chance = random.Random(seed)
    advice: list[str] = []
    with room() as (path, run):
        for number in range(count):
            content = damaged(chance)
            path.write_bytes(content)
            try:
                for each in read(path, run, sticker_emoji=True):
                    for told in each.messages:
                        assert isinstance(told.text, str)
                        assert isinstance(told.sender, str)
                        assert told.sender_name is None or isinstance(told.sender_name, str)
                        assert 0 <= told.sent < 1 << 40
                        told.text.encode()
            except UserError as error:
                advice.append(str(error))
            except Exception as error:
                error.add_note(f"input {number} of seed {seed}: {content!r}")
                raise
    assert not any("\n" in line for line in advice)


def test_damage_never_raises_anything_but_advice() -> None:
    survive(1000, seed=1)


@pytest.mark.soak
@pytest.mark.skipif("ACC_SOAK" not in os.environ, reason="a soak test: make soak")
@pytest.mark.parametrize("seed", range(2, 12))
def test_damage_in_bulk(seed: int) -> None:
    survive(20_000, seed)


@settings(max_examples=20)
@given(chats(20))
def test_reading_twice_gives_the_same(document: Json) -> None:
    content = layout(document).encode()
    assert plain(read_bytes(content)) == plain(read_bytes(content))

"""Rich messages, fields that no version knew so far, and forwards that are an imported history."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext
from autocakechat.plugins.sources.telegram.parsing.raw_messages import decode
from tests.sources.exports import (
    ME,
    PARTNER,
    Json,
    export_json,
    make_chat,
    make_message,
    make_service,
    read,
    write_export,
)


def plain(text: Any) -> Json:
    return {"type": "plain", "text": text}


def rich(id: int, *blocks: Any, sender: int = ME, **more: Any) -> Json:
    """A rich message: it has blocks instead of a text."""
    message = make_message(id, sender, **more)
    del message["text"], message["text_entities"]
    return {**message, "rich_message": {"rtl": False, "part": False, "blocks": list(blocks)}}


CONCAT = {"type": "concat", "text": [plain("two "), {"type": "bold", "text": plain("big")}, plain(" cheeses")]}


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([{"type": "paragraph", "text": plain("one line")}], "one line"),
        ([{"type": "paragraph", "text": "a"}, {"type": "heading", "level": 1, "text": plain("b")}], "a\nb"),
        ([{"type": "list", "items": [{"text": plain("bread")}, {"content": "text", "text": CONCAT}]}], None),
        (
            [{"type": "list", "items": [{"blocks": [{"text": "deep"}, {"text": "er"}]}]}],
            "deep\ner",
        ),
        ([{"type": "table", "title": plain("T"), "rows": [{"cells": [{"text": "a"}, {"text": "b"}]}]}], "T\na b"),
        ([{"type": "table", "cells": [[{"text": "a"}, {"text": "b"}], [{"text": "c"}, {}]]}], "a b\nc"),
        ([{"type": "photo", "photo": "photos/a.jpg", "caption": {"text": plain("see"), "credit": "me"}}], "see"),
        ([{"type": "details", "title": plain("more"), "blocks": [{"text": "inside"}], "open": True}], "more\ninside"),
        ([{"type": "quote", "text": {"blocks": [{"text": "q1"}, {"text": "q2"}]}}], "q1\nq2"),
        ([{"type": "divider"}, {"type": "paragraph", "text": plain("a\nb")}, {"text": " "}], "a\nb"),
    ],
)
def test_the_text_of_a_rich_message(tmp_path: Path, run: RunContext, blocks: list[Any], text: str | None) -> None:
    document = make_chat([make_message(1, PARTNER, "q"), rich(2, *blocks), make_message(3, PARTNER, "ok")])
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert only.texts == ["q", text or "bread\ntwo big cheeses", "ok"]
    assert only.kinds == ["text", "text", "text"]


def test_a_rich_message_in_other_forms(tmp_path: Path, run: RunContext) -> None:
    paragraph = {"type": "paragraph", "text": plain("words")}
    nested: Any = "x"
    for _ in range(400):
        nested = {"blocks": [nested]}
    messages = [
        rich(1, {"type": "photo", "photo": "photos/a.jpg"}),
        {**rich(2, paragraph), "forwarded_from": "Bob"},
        {**make_message(3, ME, "both"), "rich_message": {"blocks": [paragraph]}},
        rich(4, {"type": "odd", "text": 5, "blocks": None, "cells": {"a": [1]}}),
        rich(5, nested, paragraph),
        {**make_message(6, ME), "rich_message": "not a tree"},
    ]
    (only,) = read(write_export(tmp_path / "result.json", make_chat(messages)), run)
    assert only.texts == ["", "words", "both", "", "words", "not a tree"]
    assert only.kinds == ["rich message", "forward", "text", "rich message", "text", "text"]


def test_rich_messages_do_not_leave_the_fast_path() -> None:
    messages = [make_message(1, ME, "plain"), rich(2, {"text": "rich"}), {"id": 3, "type": "unsupported"}]
    decoded = decode(json.dumps(messages).encode()[1:-1])
    assert decoded
    assert [message.text for message in decoded] == ["plain", None, None]


def unknown(id: int, **fields: Any) -> Json:
    return {**make_message(id, ME), **fields}


def test_messages_with_unknown_fields_are_counted_and_named(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [
        make_message(1, PARTNER, "text", new_detail=True),
        unknown(2, hologram={"text": "hi"}),
        unknown(3, hologram={}, scent="rose\x1b[31m"),
        unknown(4),
        unknown(5, photo="photos/a.jpg", more=1),
        unknown(6, poll={}, scent="x"),
    ]
    document = make_chat(messages)
    with caplog.at_level(logging.WARNING):
        (only,) = read(write_export(tmp_path / "result.json", document), run)
    kinds = ["text", "unknown message", "unknown message", "empty message", "photo", "poll"]
    assert only.kinds == kinds
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "unknown to this version: 2 (fields: hologram, scent)" in warning
    (tmp_path / "result.json").write_text(json.dumps(document))
    (minified,) = read(tmp_path / "result.json", run)
    assert minified.kinds == kinds


def test_content_in_an_unknown_form_is_counted_and_named(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [
        rich(1, {"type": "card", "faces": [{"text": plain("hi")}]}),
        rich(2, {"type": "photo", "photo": {"file": "a.jpg", "sizes": [1, 2]}}),
        {**make_message(3, ME), "text": {"type": "plain", "text": "hi"}},
        {**make_message(4, ME), "text": [{"type": "bold", "text": ""}]},
    ]
    with caplog.at_level(logging.WARNING):
        (only,) = read(write_export(tmp_path / "result.json", make_chat(messages)), run)
    assert only.kinds == ["unknown message", "rich message", "unknown message", "empty message"]
    assert "unknown to this version: 2 (fields: " in caplog.text
    assert "rich_message: faces" in caplog.text


def test_many_unknown_fields_are_listed_briefly(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [unknown(number, **{f"field{number}": 1}) for number in range(1, 300)]
    with caplog.at_level(logging.WARNING):
        read(write_export(tmp_path / "result.json", make_chat(messages)), run)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert ": 299 (fields: " in warning
    assert len(warning) < 300


def test_an_imported_history_is_told(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    authors = ["Pat", "Person 1", "Pat", "Person"]
    imported = [make_message(number, ME, f"t{number}", forwarded_from=a) for number, a in enumerate(authors, 1)]
    with caplog.at_level(logging.WARNING):
        (only,) = read(write_export(tmp_path / "result.json", make_chat([*imported, make_message(9, ME, "new")])), run)
    assert only.kinds == ["forward"] * 4 + ["text"]
    assert "4 forwards look like a history imported from another application" in caplog.text


@pytest.mark.parametrize(
    "forwards",
    [
        [{"forwarded_from": "News"}, {"forwarded_from": "Pat"}] * 3,
        [{"forwarded_from": "Person 1", "forwarded_from_id": "user1"}, {"forwarded_from": "Pat"}] * 3,
        [{"forwarded_from": None}, {"forwarded_from": 5}] * 3,
    ],
)
def test_usual_forwards_are_no_imported_history(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, forwards: list[Json]
) -> None:
    messages = [make_message(number, ME, "t", **fields) for number, fields in enumerate(forwards, 1)]
    (tmp_path / "result.json").write_text(export_json(make_chat(messages)))
    with caplog.at_level(logging.WARNING):
        (only,) = read(tmp_path / "result.json", run)
    assert set(only.kinds) == {"forward"}
    assert not caplog.records


@pytest.mark.parametrize("title", [{"title": None}, {}, {"title": " "}, {"title": ["x"]}])
def test_a_topic_without_a_title_is_a_topic(tmp_path: Path, run: RunContext, title: dict[str, Any]) -> None:
    messages = [make_service(1, ME, "topic_created", **title), make_message(2, PARTNER, "a", reply_to_message_id=1)]
    (only,) = read(write_export(tmp_path / "result.json", make_chat(messages, type="private_supergroup")), run)
    assert [message.topic for message in only.messages] == ["topic without a title"] * 2


def test_a_private_chat_may_have_topics(tmp_path: Path, run: RunContext) -> None:
    messages = [
        make_service(1, ME, "topic_created", title="Cats"),
        make_message(2, PARTNER, "a", reply_to_message_id=1),
        make_message(3, ME, "b"),
    ]
    (only,) = read(write_export(tmp_path / "result.json", make_chat(messages)), run)
    assert [message.topic for message in only.messages] == ["Cats", "Cats", "General"]

"""The chats of an export, their ids and their owner."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from autocakechat import RunContext
from tests.sources.exports import (
    ME,
    PARTNER,
    make_account,
    make_chat,
    make_message,
    read,
    write_export,
)


@pytest.mark.parametrize(
    ("first", "second", "chat_id"),
    [
        ("user111", "user222", 222),
        (111, 222, (1 << 32) + 222),
        ((1 << 32) + 111, (1 << 32) + 222, (1 << 32) + 222),
    ],
)
def test_ids_of_all_versions_are_normalised(
    tmp_path: Path, run: RunContext, first: str | int, second: str | int, chat_id: int
) -> None:
    document = make_chat(
        [make_message(1, 0, "hi", from_id=first), make_message(2, 0, "yo", from_id=second)], id=chat_id
    )
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert only.id == "user222"
    assert [(message.sender, message.outgoing) for message in only.messages] == [("user111", True), ("user222", False)]


def test_large_prefixed_ids_are_not_shifted(tmp_path: Path, run: RunContext) -> None:
    document = make_chat([make_message(1, 5_000_000_000, "hi")], id=9_000_000_000, type="private_supergroup")
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert (only.id, only.messages[0].sender) == ("channel9000000000", "user5000000000")


def test_groups_with_integer_ids(tmp_path: Path, run: RunContext) -> None:
    document = make_chat(
        [make_message(1, 0, "hi", from_id=(1 << 32) + 7), make_message(2, 0, "admin", from_id=(1 << 33) + 9)],
        id=(1 << 33) + 9,
        type="private_supergroup",
    )
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert only.id == "channel9"
    assert [(message.sender, message.own_words) for message in only.messages] == [("user7", True), ("channel9", False)]


def test_the_chats_of_an_account(tmp_path: Path, run: RunContext) -> None:
    document = make_account(
        make_chat([make_message(1, ME, "a"), make_message(2, PARTNER, "b")]),
        make_chat([make_message(3, 5, "c"), make_message(4, ME, "d")], type="private_group", id=9, name=None),
        left=[make_chat([make_message(5, ME, "e")], type="public_supergroup", id=9)],
    )
    first, second, third = read(write_export(tmp_path / "result.json", document), run)
    assert [chat.id for chat in (first, second, third)] == ["user2", "chat9", "channel9"]
    assert [chat.texts for chat in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert [message.outgoing for message in second.messages] == [False, True]


def test_the_owner_of_a_single_group_is_unknown(tmp_path: Path, run: RunContext) -> None:
    document = make_chat([make_message(1, 5, "c"), make_message(2, ME, "d")], type="private_group", id=9)
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [message.outgoing for message in only.messages] == [None, None]


def test_the_owner_is_unknown_if_the_chat_id_is_not_the_partners(tmp_path: Path, run: RunContext) -> None:
    document = make_chat([make_message(1, ME, "a"), make_message(2, 5, "b")], id=99)
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [message.outgoing for message in only.messages] == [None, None]


@pytest.mark.parametrize(
    ("type", "reason"),
    [
        ("bot_chat", "bot chat"),
        ("saved_messages", "saved messages"),
        ("replies", "replies"),
        ("verification_codes", "verification codes"),
        ("private_channel", "channel"),
        ("public_channel", "channel"),
        ("personal_chat", None),
        ("private_group", None),
        ("public_supergroup", None),
        (None, None),
    ],
)
def test_chats_without_conversations_are_skipped_unless_included(
    tmp_path: Path, run: RunContext, type: str | None, reason: str | None
) -> None:
    path = write_export(tmp_path / "result.json", make_chat([make_message(1, ME, "a")], type=type))  # type: ignore[arg-type]
    assert [chat.skip for chat in read(path, run)] == [reason]
    everything = ["bot_chat", "channel", "saved_messages", "replies", "verification_codes"]
    assert [chat.skip for chat in read(path, run, include_kinds=everything)] == [None]


def test_a_group_with_one_participant_causes_a_warning(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    alone = make_chat(
        [make_message(1, ME, "a"), make_message(2, ME, "b")], type="private_group", id=9, name="Lonely\x1b[31m"
    )
    both = make_chat([make_message(3, ME, "a"), make_message(4, 5, "b")], type="private_group", id=8, name="Lively")
    with caplog.at_level(logging.WARNING):
        read(write_export(tmp_path / "result.json", make_account(alone, both)), run)
    assert "only one participant writes in 1 of the groups" in caplog.text
    assert "Lonely\\x1b[31m" in caplog.text
    assert "Lively" not in caplog.text

"""Real and synthetic exports of all Telegram Desktop versions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from autocakechat import RunContext, UserError
from tests.conftest import SHARED
from tests.sources.exports import ReadChat, read

if not SHARED.is_dir():  # exports of other projects, which are not copied into this one
    pytest.skip("the sample exports beside the project are missing", allow_module_level=True)

# Per file, its chats: id, kind, skip reason, number of messages by kind, number of messages by sender.
Golden = list[tuple[str, str, str | None, dict[str, int], dict[str, int]]]

SAMPLES: dict[str, Golden] = {
    "Berektassuly__chatpack-cli__telegram_export": [
        ("user123456789", "personal chat", None, {"text": 7}, {"user123": 4, "user456": 3})
    ],
    "broken/synthetic__truncated_between_messages": [
        ("user222", "personal chat", None, {"text": 3}, {"user111": 2, "user222": 1})
    ],
    "broken/synthetic__unquoted_document_id": [("user222", "personal chat", None, {"text": 2}, {"user111": 2})],
    "broken/synthetic__x_escape": [("user222", "personal chat", None, {"text": 2}, {"user111": 1, "user222": 1})],
    "innerdvations__telegram-chat-parser__bot": [
        ("user5705032703", "bot chat", "bot chat", {"text": 2}, {"user4593921592": 1, "user5705032703": 1})
    ],
    "innerdvations__telegram-chat-parser__error-unexpected": [
        (
            "user5705032703",
            "saved messages",
            "saved messages",
            {
                "unsupported message": 1,
                "channel post": 1,
                "unknown message": 2,
                "forward": 3,
                "message without sender": 1,
                "ERROR:media type": 1,
                "text": 3,
                "service: other": 1,
                "animation": 1,
                "sticker": 1,
                "video": 1,
            },
            {"user5705032703": 14, "ERROR:from is string": 1, "": 1},
        )
    ],
    "innerdvations__telegram-chat-parser__personal": [("user5555555555", "personal chat", None, {}, {})],
    "innerdvations__telegram-chat-parser__private_channel": [
        (
            "channel1447061072",
            "private channel",
            "channel",
            {"service: create_channel": 1, "channel post": 3, "service: pin_message": 1, "poll": 2},
            {"channel1447061072": 7},
        )
    ],
    "innerdvations__telegram-chat-parser__private_group": [
        (
            "chat1410065407",
            "private group",
            None,
            {"service: create_group": 1, "channel post": 1},
            {"channel1410065407": 2},
        )
    ],
    "innerdvations__telegram-chat-parser__public_channel": [
        (
            "channel35854509852",
            "public channel",
            "channel",
            {"service: create_channel": 1, "channel post": 3, "service: pin_message": 1, "poll": 2},
            {"channel35854509852": 7},
        )
    ],
    "innerdvations__telegram-chat-parser__public_supergroup": [
        (
            "channel1298954296",
            "public supergroup",
            None,
            {
                "service: create_group": 1,
                "channel post": 1,
                "service: migrate_to_supergroup": 1,
                "service: migrate_from_group": 1,
            },
            {"channel1410065407": 4},
        )
    ],
    "innerdvations__telegram-chat-parser__saved": [
        (
            "user5705032703",
            "saved messages",
            "saved messages",
            {
                "photo": 1,
                "text": 8,
                "forward": 4,
                "animation": 2,
                "voice message": 1,
                "sticker": 1,
                "video": 1,
                "service: pin_message": 1,
                "poll": 2,
            },
            {"user5705032703": 16, "user5742028368": 5},
        )
    ],
    "innerdvations__telegram-chat-parser__simple-group": [
        ("chat565277308", "private group", None, {"service: create_group": 1, "text": 1}, {"user774438806": 2})
    ],
    "innerdvations__telegram-chat-parser__users_test": [
        (
            "user1",
            "saved messages",
            "saved messages",
            {"text": 4, "via bot": 1, "video": 1, "forward": 2, "service: pin_message": 1},
            {"user1": 3, "user2": 3, "user3": 1, "user4": 2},
        )
    ],
    "joweich__chat-miner__test_batch_export": [
        ("joweich__chat-miner__test_batch_export.json#1", "chat", None, {"message without sender": 2}, {"": 2})
    ],
    "joweich__chat-miner__test_single_export": [
        ("joweich__chat-miner__test_single_export.json#1", "chat", None, {"message without sender": 2}, {"": 2})
    ],
    "korjavin__ragtgbot__result": [
        ("chat4696915167", "private group", None, {"service: create_group": 1, "text": 4}, {"user12345678": 5})
    ],
    "korjavin__ragtgbot__test_case1": [
        (
            "chat4696915168",
            "private group",
            None,
            {"service: create_group": 1, "text": 6, "photo": 1},
            {"user87654321": 3, "user23456789": 2, "user34567890": 3},
        )
    ],
    "korjavin__ragtgbot__test_case2": [
        (
            "chat4696915169",
            "private group",
            None,
            {"service: create_group": 1, "text": 3, "photo": 2, "file": 1, "unknown message": 2},
            {"user98765432": 7, "user12345678": 2},
        )
    ],
    "korjavin__ragtgbot__test_case3": [
        (
            "chat4696915170",
            "private group",
            None,
            {"service: create_group": 1, "text": 8, "photo": 1, "poll": 1},
            {"user55443322": 5, "user11223344": 2, "user22334455": 2, "user33445566": 2},
        )
    ],
    "la-ninpre__tg2md__result": [
        (
            "channel1292077344",
            "private channel",
            "channel",
            {"service: create_channel": 1, "channel post": 9, "photo": 5, "voice message": 1, "audio": 1, "file": 2},
            {"channel1292077344": 19},
        )
    ],
    "mdemyanov__tg-parser__personal_chat": [
        ("user123456789", "personal chat", None, {"text": 4, "service: phone_call": 1}, {"user111": 3, "user222": 2})
    ],
    "mdemyanov__tg-parser__supergroup_with_topics": [
        (
            "channel987654321",
            "private supergroup",
            None,
            {"service: create_group": 1, "service: topic_created": 2, "text": 4},
            {"user100": 3, "user200": 2, "user300": 1, "user400": 1},
        )
    ],
    "synthetic/synthetic__double_encoded_invoice": [
        ("user222", "personal chat", None, {"invoice": 1, "service: requested_peer": 1}, {"user222": 1, "user111": 1})
    ],
    "synthetic/synthetic__duplicate_text_key": [
        ("user222", "personal chat", None, {"service: send_webview_data": 1, "text": 1}, {"": 1, "user222": 1})
    ],
    "synthetic/synthetic__era_2018_1.3.8_noids": [
        ("synthetic__era_2018_1.3.8_noids.json#1", "personal chat", None, {"message without sender": 2}, {"": 2}),
        ("synthetic__era_2018_1.3.8_noids.json#2", "public channel", "channel", {"message without sender": 1}, {"": 1}),
    ],
    "synthetic/synthetic__era_2019_1.4.8_rawint": [
        ("user222", "personal chat", None, {"text": 2}, {"user111": 1, "user222": 1})
    ],
    "synthetic/synthetic__era_2020_2.4.1_shifted": [
        ("user222", "personal chat", None, {"text": 2}, {"user111": 1, "user222": 1})
    ],
    "synthetic/synthetic__era_2021_2.7.2_prefixed_nounix": [
        ("user222", "personal chat", None, {"text": 2}, {"user111": 1, "user222": 1})
    ],
    "synthetic/synthetic__saved_messages_noname": [
        ("user111", "saved messages", "saved messages", {"text": 1}, {"user111": 1})
    ],
    "synthetic/synthetic__unsupported_empty_and_service": [
        (
            "channel333",
            "private supergroup",
            None,
            {
                "unsupported message": 1,
                "empty message": 1,
                "service: invite_members": 1,
                "service: other": 1,
                "text": 2,
                "channel post": 1,
            },
            {"": 1, "user111": 3, "user999": 2, "channel333": 1},
        )
    ],
}


def summary(chat: ReadChat) -> tuple[str, str, str | None, dict[str, int], dict[str, int]]:
    return (
        chat.id,
        chat.kind,
        chat.skip,
        dict(Counter(chat.kinds)),
        dict(Counter(message.sender for message in chat.messages)),
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_sample(shared: Path, run: RunContext, name: str) -> None:
    chats = read(shared / "telegram-samples" / f"{name}.json", run)
    assert [summary(chat) for chat in chats] == SAMPLES[name]


def test_all_samples_are_tested(shared: Path) -> None:
    folder = shared / "telegram-samples"
    names = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")}
    refused = {"broken/innerdvations__telegram-chat-parser__error", "broken/synthetic__zero_bytes"}
    assert names == set(SAMPLES) | refused


def test_a_missing_comma_is_refused_with_its_offset(shared: Path, run: RunContext) -> None:
    path = shared / "telegram-samples" / "broken" / "innerdvations__telegram-chat-parser__error.json"
    with pytest.raises(UserError, match="invalid JSON at byte 67"):
        read(path, run)


def test_an_empty_file_is_refused(shared: Path, run: RunContext) -> None:
    with pytest.raises(UserError, match="the file is empty"):
        read(shared / "telegram-samples" / "broken" / "synthetic__zero_bytes.json", run)


def test_repaired_texts_have_the_original_value(shared: Path, run: RunContext) -> None:
    folder = shared / "telegram-samples" / "broken"
    (escapes,) = read(folder / "synthetic__x_escape.json", run)
    assert escapes.texts == ["a\x01b\x1fc", "ok literal \\x41 stays"]
    (emoji,) = read(folder / "synthetic__unquoted_document_id.json", run)
    assert emoji.texts == ["hi \N{FACE WITH OPEN MOUTH}", "\N{FACE WITH OPEN MOUTH}"]


def test_the_owner_is_known_if_the_file_contains_it(shared: Path, run: RunContext) -> None:
    folder = shared / "telegram-samples" / "synthetic"
    for era in ("era_2019_1.4.8_rawint", "era_2020_2.4.1_shifted", "era_2021_2.7.2_prefixed_nounix"):
        (chat,) = read(folder / f"synthetic__{era}.json", run)
        assert [(message.sender, message.outgoing) for message in chat.messages] == [
            ("user111", True),
            ("user222", False),
        ]
    (group,) = read(folder / "synthetic__unsupported_empty_and_service.json", run)
    assert {message.outgoing for message in group.messages} == {None}
    assert [message.text for message in group.messages if not message.own_words and message.text] == ["anonymous admin"]

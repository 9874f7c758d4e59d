"""Fourteen exports that other extractors for Telegram crash on or get wrong: read by the source, paired by `turns`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autocakechat import RunContext
from tests.extractors.talks import extract_export
from tests.sources.exports import ME, PARTNER, Json, account, chat, message, service, write

HOUR = 3600
YEAR = 365 * 24 * HOUR
OTHER = 3


def question_and_answer(first: int = 1, at: int = 0) -> list[Json]:
    return [message(first, PARTNER, "how are you?", at=at), message(first + 1, ME, "fine", at=at + 60)]


PAIR = ["how are you?", "fine"]

BEHAVIOURS: dict[str, tuple[Json, list[list[str]]]] = {
    "F1 a chat with one exchange yields one pair": (chat(question_and_answer()), [PAIR]),
    "F2 an answer with a link or bold is kept": (
        chat(
            [
                message(1, PARTNER, ["look ", {"type": "bold", "text": "here"}]),
                message(2, ME, [{"type": "link", "text": "http://a.b"}, " is ", {"type": "bold", "text": "it"}]),
            ]
        ),
        [["look here", "http://a.b is it"]],
    ),
    "F3 a chat with a round video still parses": (
        chat([*question_and_answer(), message(3, ME, "", file="v.mp4", media_type="video_message")]),
        [PAIR],
    ),
    "F4 forwarded text is not learnt as own words": (
        chat([message(1, PARTNER, "news?"), message(2, ME, "stolen words", forwarded_from="Paper")]),
        [],
    ),
    "F5 an answer one year later is not paired": (
        chat([message(1, PARTNER, "hi", at=0), message(2, ME, "sorry, I was busy", at=YEAR)]),
        [],
    ),
    "F6 an answer 24 hours and 5 minutes later is not paired": (
        chat([message(1, PARTNER, "hi", at=0), message(2, ME, "morning", at=24 * HOUR + 300)]),
        [],
    ),
    "F7 in a group nobody else becomes the clone": (
        chat(
            [
                message(1, PARTNER, "who comes?"),
                message(2, OTHER, "I do"),
                message(3, ME, "me too"),
                message(4, OTHER, "great"),
                message(5, PARTNER, "good"),
            ],
            type="private_group",
        ),
        [["who comes?\nI do", "me too"]],
    ),
    "F8 in a group both askers are in the context": (
        chat(
            [message(1, PARTNER, "where?"), message(2, OTHER, "and when?"), message(3, ME, "here and now")],
            type="private_supergroup",
        ),
        [["where?\nand when?", "here and now"]],
    ),
    "F9 a reply links the answer to its question": (
        chat(
            [
                message(1, PARTNER, "tea?"),
                message(2, PARTNER, "by the way, it rains"),
                message(3, ME, "yes, black", reply_to_message_id=1),
            ]
        ),
        [["tea?", "yes, black"]],
    ),
    "F10 an explicit reply after 2 hours is kept": (
        chat(
            [
                message(1, PARTNER, "what is it called?", at=0),
                message(2, ME, "a quince", at=2 * HOUR, reply_to_message_id=1),
            ]
        ),
        [["what is it called?", "a quince"]],
    ),
    "F11 empty and one-sided chats do not crash": (
        account(chat([]), chat([message(1, PARTNER, "hello?")], id=5), chat([message(2, ME, "hello?")], id=6)),
        [],
    ),
    "F12 a burst keeps the message boundary": (
        chat([message(1, PARTNER, "q"), message(2, ME, "a1."), message(3, ME, "a2")]),
        [["q", "a1.\na2"]],
    ),
    "F13 the export of a whole account is accepted": (
        account(chat(question_and_answer()), chat([message(5, 7, "you?"), message(6, ME, "me")], id=7)),
        [PAIR, ["you?", "me"]],
    ),
    "F14 bot chats are skipped and the rest is kept": (
        account(
            chat([message(1, 9, "I am a bot"), message(2, ME, "/start")], type="bot_chat", id=9),
            chat([*question_and_answer(5), service(7, ME, "phone_call")]),
        ),
        [PAIR],
    ),
}  # fmt: skip


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_behaviour(tmp_path: Path, run: RunContext, behaviour: str) -> None:
    document, expected = BEHAVIOURS[behaviour]
    assert extract_export(write(tmp_path / "result.json", document), run).texts == expected


@pytest.mark.parametrize("server", ["user1", "1", 1, ["user1"], ["nobody", 1], "me"])
def test_the_server_can_be_named_in_every_way(tmp_path: Path, run: RunContext, server: Sequence[str] | int) -> None:
    path = write(tmp_path / "result.json", chat(question_and_answer()))
    assert extract_export(path, run, server=server).texts == [PAIR]

"""Messages that are more than a text, or of a kind that the Bot API library does not know yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autocakechat.plugins.deployers.telegram.receiving.text_handler import TEXT_ONLY_NOTICE
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import NAME, BotApi
from tests.deployers.telegram.support.bot_thread import BotThread

MakeBot = Callable[..., BotThread]

STICKER = {"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1, "is_animated": False, "is_video": False}
GIFT = {"id": "1", "sticker": STICKER | {"type": "regular"}, "star_count": 15}

EMOJI = {"type": "custom_emoji", "custom_emoji_id": "5", "alternative_text": "😀"}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain", "text": text}


TEXTS = {
    "rich message": (
        {
            "rich_message": {
                "blocks": [
                    {"type": "heading", "level": 2, "text": plain("Shopping")},
                    {"type": "paragraph", "text": {"type": "concat", "text": [plain("two "), {"text": plain("big")}]}},
                    {"type": "list", "items": [{"text": plain("bread")}, {"blocks": [{"text": plain("milk")}]}]},
                    {"type": "table", "rows": [{"cells": [{"text": plain("a")}, {"text": plain("b")}]}]},
                    {"type": "photo", "caption": {"text": plain("a picture")}},
                ]
            }
        },
        "Shopping\ntwo big\nbread\nmilk\na b\na picture",
    ),
    "rich message of the Bot API": (
        {
            "rich_message": {
                "blocks": [
                    {"type": "paragraph", "text": ["so ", {"type": "bold", "text": "big"}, " ", EMOJI]},
                    {"type": "details", "summary": "more", "blocks": [{"type": "paragraph", "text": "inside"}]},
                    {"type": "table", "cells": [[{"text": "a"}, {"text": "b"}], [{"text": "c"}, {}]]},
                    {"type": "mathematical_expression", "expression": "x^2"},
                ]
            }
        },
        "so big 😀\nmore\ninside\na b\nc\nx^2",
    ),
    "checklist": (
        {"checklist": {"title": "Weekend", "tasks": [{"id": 1, "text": "bread"}, {"id": 2, "text": "milk"}]}},
        "Weekend\nbread\nmilk",
    ),
    "gift with a text": ({"gift": {"gift": GIFT, "text": "for you"}}, "for you"),
}
WITHOUT_TEXT = {
    "gift": {"gift": {"gift": GIFT}},
    "sticker": {"sticker": STICKER | {"type": "regular"}},
    "empty rich message": {"rich_message": {"blocks": [{"type": "divider"}]}},
    "odd rich message": {"rich_message": {"blocks": {"rows": [None, 5, {"cells": "x"}]}}},
    "unknown kind": {"hologram": {"file_id": "a", "depth": 3}},
    "nothing": {},
}
SERVICE = {
    "pinned message": {"pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}},
    "timer": {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    "topic": {"forum_topic_created": {"name": "Cats", "icon_color": 7322096}},
}


@pytest.mark.parametrize(("fields", "text"), TEXTS.values(), ids=TEXTS)
def test_the_text_of_any_kind_of_message_is_answered(
    fields: dict[str, Any], text: str, api: BotApi, bot: MakeBot, echo: Echo
) -> None:
    with bot(separate_lines=False):
        api.post(api.message(**fields))
        api.wait(api.texts)
    assert echo.contexts == [(text,)]


@pytest.mark.parametrize("fields", WITHOUT_TEXT.values(), ids=WITHOUT_TEXT)
def test_a_message_without_text_gets_one_polite_line(fields: dict[str, Any], api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.post(api.message(**fields))
        api.wait(api.texts)
    assert api.texts() == [TEXT_ONLY_NOTICE]


@pytest.mark.parametrize("fields", SERVICE.values(), ids=SERVICE)
def test_a_service_message_gets_no_answer(fields: dict[str, Any], api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.post(api.message(**fields))
        api.write("hi")
        api.wait(api.texts)
    assert api.texts() == ["neutral: hi"]


@pytest.mark.parametrize(
    "fields",
    [
        {"rich_message": {"blocks": [{"type": "paragraph", "text": [f"@{NAME} ", {"type": "bold", "text": "hi"}]}]}},
        {"checklist": {"title": f"@{NAME} hi", "tasks": []}},
    ],
    ids=["rich message", "checklist"],
)
def test_a_group_mentions_the_bot_in_any_kind_of_text(fields: dict[str, Any], api: BotApi, bot: MakeBot) -> None:
    with bot():
        api.post(api.message(-1001, 2, **fields))
        api.wait(lambda: api.texts(-1001))
    assert api.texts(-1001) == ["neutral: hi"]

"""The text of rich messages of any shape."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Update

from autocakechat.plugins.deployers.telegram.bot_api.parsing import parse_update
from autocakechat.plugins.deployers.telegram.receiving.message_text import is_content, parse_text

NAMES = st.sampled_from(["blocks", "items", "rows", "cells", "text", "title", "caption", "type", "new"])
PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def update(**fields: Any) -> Update:
    chat = {"id": 1, "type": "private", "first_name": "a"}
    sender = {"id": 1, "is_bot": False, "first_name": "a"}
    return parse_update(
        {"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": chat, "from": sender} | fields}
    )


@settings(max_examples=100_000 if "ACC_SOAK" in os.environ else 300, deadline=None)
@given(PARTS)
def test_any_rich_message_has_a_text_or_none(part: Any) -> None:
    message = update(rich_message=part).message
    assert message
    assert is_content(message)
    text = parse_text(message)
    assert text == text.strip()


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_deep_rich_message_ends_in_an_error_that_is_logged(depth: int) -> None:
    part: Any = {"text": "deep"}
    for _ in range(depth):
        part = {"blocks": [part]}
    message = update(rich_message=part).message
    if message is None:
        return
    try:
        assert parse_text(message) == "deep"
    except RecursionError:
        assert depth > 100

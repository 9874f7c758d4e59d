"""Reads an export that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autocakechat_whatsapp import Options, inputs, read

from autocakechat import Chat, Message, RunContext

Read = Callable[..., list[Message]]


@pytest.fixture
def chat(tmp_path: Path, acc_run: RunContext) -> Callable[..., Chat]:
    def chat(text: str | bytes, name: str = "chat.txt", **options: Any) -> Chat:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        whatsapp_options = Options(path=path, **options)
        (log_input,) = inputs(whatsapp_options)
        (chat,) = read(whatsapp_options, log_input, acc_run)
        return chat

    return chat


@pytest.fixture
def messages(chat: Callable[..., Chat]) -> Read:
    return lambda text, **options: list(chat(text, **options).messages)

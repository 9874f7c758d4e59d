"""Measures the memory of a bot's process, for `replies.py`: `acc deploy` with the tests' server of the Bot API."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from machine import resident_bytes

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the tests are no part of the installed package

from tests.deployers.telegram.support.bot_api import TOKEN, BotApi

CHATS = 20
PIPELINE = """\
[[source]]
use = "telegram"
path = "tg_data"

[extractor]
use = "turns"
server = "user1"

[trainer]
use = "cakechat"

[reply]
seed = 1
max_tokens = 16

[deployer]
use = "telegram"
token = {{ env = "TELEGRAM_BOT_TOKEN" }}
allow = "everyone"
base_url = "{url}"
settle = 0.0
separate_lines = false
sends_per_second = 1000.0
messages_per_minute = 100000
"""


class Memory(NamedTuple):
    """The resident memory of a process in bytes, memory shared with other processes included."""

    at_rest: int
    at_end: int


def bot_memory(python: Path, model: Path, texts: list[str], folder: Path) -> Memory:
    """Starts a bot and sends it messages, the next one after the reply to the one before.

    Args:
        python: The interpreter of the environment with the version to measure.
        model: The model folder.
        texts: The messages, which several chats send in turn.
        folder: A folder for the bot's files.

    Returns:
        Its memory when it waits for the first message, and after the last reply.
    """
    folder.mkdir()
    with closing(BotApi()) as api:
        (folder / "pipeline.toml").write_text(PIPELINE.format(url=api.url))
        command: list[Any] = [python, "-m", "autocakechat", "deploy", "--model", model, "--state", "state"]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(
                command, cwd=folder, env=os.environ | {"TELEGRAM_BOT_TOKEN": TOKEN}, stderr=log
            ) as process,
        ):
            try:
                api.wait(lambda: "getUpdates" in api.methods() or process.poll() is not None, seconds=120)
                assert process.poll() is None, (folder / "log").read_text()
                at_rest = resident_bytes(process.pid)
                for number, text in enumerate(texts):
                    api.write(text, chat=1 + number % CHATS)
                    api.wait(lambda expected=number: len(api.sent) > expected, seconds=60)
                return Memory(at_rest, resident_bytes(process.pid))
            finally:
                process.terminate()

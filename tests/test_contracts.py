"""The bundled stages pass the contract tests of `autocakechat.testing`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autocakechat.testing import (
    AccProcess,
    AnnotatorContract,
    DeployerContract,
    ExtractorContract,
    Project,
    SourceContract,
    TrainerContract,
)
from tests.deployers.telegram.support.bot_api import BotApi
from tests.sources.exports import make_chat, make_message


class TestTelegramSource(SourceContract):
    name = "telegram"
    refused = ({"include_kinds": ["everything"]}, {"include": ["channel"]}, {"sticker_emoji": 1})

    def write_log(self, folder: Path, messages: Any) -> Mapping[str, Any]:
        ids = {"ann": 1, "bob": 2}
        exported = [make_message(number, ids[sender], text) for number, (sender, text) in enumerate(messages, 1)]
        (folder / "export").mkdir()
        (folder / "export" / "result.json").write_text(json.dumps(make_chat(exported)))
        return {"path": "export"}


class TestJsonlSource(SourceContract):
    name = "jsonl"
    refused = ({"timezone": "Mars/Olympus"}, {"path": 5})

    def write_log(self, folder: Path, messages: Any) -> Mapping[str, Any]:
        with (folder / "log.jsonl").open("w") as file:
            for number, (sender, text) in enumerate(messages):
                file.write(json.dumps({"chat": "c", "sender": sender, "time": 60 * number, "text": text}) + "\n")
        return {"path": "log.jsonl"}


class TestCsvSource(SourceContract):
    name = "csv"
    refused = ({"columns": {"author": "x"}}, {"delimiter": "::"}, {"timezone": "Mars/Olympus"})

    def write_log(self, folder: Path, messages: Any) -> Mapping[str, Any]:
        with (folder / "log.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["chat", "sender", "time", "text"])
            rows.writerows(["c", sender, 60 * number, text] for number, (sender, text) in enumerate(messages))
        return {"path": "log.csv"}


class TestTurns(ExtractorContract):
    name = "turns"
    refused = ({"server": ""}, {"gap_minutes": -1, "context": 0}, {"since": "yesterday"})


class TestNeutral(AnnotatorContract):
    name = "neutral"


class TestCakechat(TrainerContract):
    name = "cakechat"
    options = {"hidden": 16, "embedding": 8, "vocabulary": 100, "epochs": 1}  # noqa: RUF012
    reply = {"seed": 1}  # noqa: RUF012
    diaries = ("training.json", "training.html")
    refused = ({"size": "huge"}, {"epochs": 0}, {"dropout": 1.0})


class TestConsole(DeployerContract):
    name = "console"

    def talk(self, running: AccProcess, text: str) -> str:
        before = running.stdout
        running.write(f"{text}\n")
        running.wait_for(lambda: running.stdout != before)
        return running.stdout.removeprefix(before).strip()


class TestTelegramDeployer(DeployerContract):
    name = "telegram"
    refused = ({"token": "12:ab"}, {"allow": []}, {"webhook_port": 0})

    @pytest.fixture
    def api(self) -> Any:
        self.server = BotApi()
        yield self.server
        self.server.close()

    @pytest.fixture
    def table(self, acc_project: Project, api: BotApi) -> dict[str, Any]:
        acc_project.environment["BOT_TOKEN"] = api.token
        no_delays = {"settle": 0.05, "pause": 0.0}
        return {"token": {"env": "BOT_TOKEN"}, "allow": "everyone", "base_url": api.url, **no_delays}

    def talk(self, running: AccProcess, text: str) -> str:
        before = len(self.server.texts())
        self.server.write(text)
        self.server.wait(lambda: len(self.server.texts()) > before)
        return str(self.server.texts()[before])

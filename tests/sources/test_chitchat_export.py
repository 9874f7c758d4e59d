"""The export of the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from autocakechat import RunContext
from autocakechat.plugins.trainers.cakechat.pretrained.conversations import dataset_file, write_corpus
from tests.sources.conftest import SCRIPT
from tests.sources.exports import export_json, read


def test_conversations_become_an_account_export(tmp_path: Path, run: RunContext, chitchat_export: ModuleType) -> None:
    (path,) = chitchat_export.export(tmp_path / "tg_data", 30)
    document = json.loads(path.read_text("utf-8"))
    assert path.read_text("utf-8") == export_json(document)
    chats = read(path, run)
    assert len(chats) == 30
    assert len({chat.id for chat in chats}) == 30
    for chat in chats:
        senders = list(dict.fromkeys(message.sender for message in chat.messages))
        assert senders == [chat.id, "user1000001"]
        assert {message.outgoing for message in chat.messages if message.sender == "user1000001"} == {True}
        assert all(message.kind == "text" for message in chat.messages if message.text)


def test_single_chats_contain_the_same_messages(tmp_path: Path, run: RunContext, chitchat_export: ModuleType) -> None:
    chitchat_export.export(tmp_path / "account", 5)
    files = chitchat_export.export(tmp_path / "single", 5, single_chats=True)
    assert len(files) == 5
    assert read(tmp_path / "single", run) == read(tmp_path / "account", run)


def test_the_conversations_that_a_start_model_learns_from_can_be_left_out(tmp_path: Path) -> None:
    corpus = write_corpus(dataset_file(), tmp_path / "corpus")
    learnt = {
        tuple(message for turn in dialog for message in turn.text.split("\n"))
        for part in ("train", "validation")
        for dialog in corpus.dialogs(part)
    }

    def exported(*options: str) -> list[tuple[str, ...]]:
        command = [sys.executable, SCRIPT, tmp_path / "tg_data", "--conversations", "1000", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        chats = json.loads((tmp_path / "tg_data" / "result.json").read_text("utf-8"))["chats"]["list"]
        return [tuple(line for message in chat["messages"] for line in message["text"].split("\n")) for chat in chats]

    unseen = exported("--unseen")
    assert len(unseen) == 408
    assert not learnt & set(unseen)
    assert len(learnt & set(exported())) > 800


def test_only_its_own_exports_are_overwritten(tmp_path: Path) -> None:
    def script(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)

    folder = tmp_path / "tg_data"
    assert script(str(folder), "--conversations", "2").returncode == 0
    first = (folder / "result.json").read_bytes()
    assert script(str(folder), "--conversations", "3").returncode == 0
    assert script(str(folder), "--conversations", "2").returncode == 0
    assert (folder / "result.json").read_bytes() == first
    (folder / "result.json").write_text('{\n "name": "mine"\n}')
    refused = script(str(folder))
    assert refused.returncode == 1
    assert refused.stderr.endswith("result.json exists and is not a demo export; choose another folder\n")
    assert (folder / "result.json").read_text() == '{\n "name": "mine"\n}'


@pytest.mark.parametrize("arguments", [[], ["a", "--conversations", "many"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    assert subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True).returncode == 2

"""Reading in several processes: the same dialogs, the same account, in the same order."""

from __future__ import annotations

import importlib.util
import logging
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Dialog, Input, RunContext, UserError
from autocakechat.config.option_values import OptionParser
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.pipeline.extraction import BoundStage, Extraction
from autocakechat.pipeline.parallel_extraction import extract_in_processes, is_worthwhile
from autocakechat.registry.manager import PluginManager
from tests.conftest import ROOT


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Eight exports of one chat each."""
    spec = importlib.util.spec_from_file_location("chitchat_export", ROOT / "examples/demo/chitchat_export.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.export(tmp_path / "exports", 8, single_chats=True)
    return tmp_path / "exports"


def extraction(run: RunContext, folder: Path) -> tuple[Extraction, list[Input]]:
    manager = PluginManager.load()
    structurer = OptionParser(lambda _: folder)
    stages: list[BoundStage] = []
    for kind, name, table in (("source", "telegram", {"path": "."}), ("extractor", "turns", {"server": "user1000001"})):
        stage = manager.find(kind, name)
        options = structurer.structure(table, stage.config, (kind,))
        stages.append(BoundStage(stage, options, run, name))
    return Extraction(*stages), list(stages[0].stage.inputs(stages[0].options))


def one_by_one(extraction: Extraction, entries: list[Input], report: ReportBuilder) -> list[Dialog]:
    dialogs: list[Dialog] = []
    for entry in entries:
        for chat in extraction.chats(entry):
            report.add_chat(chat)
            dialogs += extraction.dialogs(chat)
    return dialogs


def account(report: ReportBuilder) -> list[Any]:
    return [(chat.id, chat.title, chat.ledger.tally()) for chat in report._chats] + report.participants.ranking()


def test_processes_find_what_reading_one_by_one_finds(run: RunContext, export: Path) -> None:
    extract, entries = extraction(run, export)
    alone, together = ReportBuilder("turns"), ReportBuilder("turns")
    expected = one_by_one(extract, entries, alone)
    assert list(extract_in_processes(extract, entries, together)) == expected
    assert len(expected) > 8
    assert account(together) == account(alone)


def test_what_goes_wrong_in_a_process_is_told_as_what_it_is(
    run: RunContext, export: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = sorted(export.rglob("result.json"))
    files[1].write_bytes(files[1].read_bytes()[:5000])
    extract, entries = extraction(run, export)
    with caplog.at_level(logging.WARNING):
        assert list(extract_in_processes(extract, entries, ReportBuilder("turns")))
    assert "the export is truncated" in caplog.text
    files[2].unlink()
    with pytest.raises((UserError, OSError, Exception), match=files[2].parent.name):
        list(extract_in_processes(extract, entries, ReportBuilder("turns")))


def test_little_is_read_in_one_process(run: RunContext, export: Path) -> None:
    extract, entries = extraction(run, export)
    assert not is_worthwhile(extract, entries)
    assert not is_worthwhile(extract, entries[:1])


def test_a_stage_that_cannot_travel_stays_here(run: RunContext, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocakechat.pipeline.parallel_extraction._LEAST_BYTES", 1)
    monkeypatch.setattr("autocakechat.pipeline.parallel_extraction.processors", lambda: 2)
    extract, entries = extraction(run, export)
    assert is_worthwhile(extract, entries)
    stage = attrs.evolve(extract.source.stage, read=lambda *_: iter(()))
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(stage)
    homebound = attrs.evolve(extract, source=attrs.evolve(extract.source, stage=stage))
    assert not is_worthwhile(homebound, entries)

"""Reading in parallel: the same dialogs, the same report and the same errors, in the same order."""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Chat, Dialog, Input, Message, RunContext, UserError
from autocakechat.config.option_values import OptionParser
from autocakechat.corpus.masking.dialog_masker import MaskedTexts
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import Report
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.corpus.writer import CorpusWriter
from autocakechat.errors import PluginError, StageError
from autocakechat.pipeline.reading.extraction import BoundStage, Extraction
from autocakechat.pipeline.reading.parallel_extraction import extract_in_parallel, is_worthwhile
from autocakechat.pipeline.reading.process_executor import ProcessExecutor
from autocakechat.registry.manager import PluginManager
from tests.conftest import ROOT


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """A folder with eight exports of one chat each."""
    spec = importlib.util.spec_from_file_location("chitchat_export", ROOT / "examples/demo/chitchat_export.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.export(tmp_path / "exports", 8, single_chats=True)
    return tmp_path / "exports"


@pytest.fixture
def extraction(run: RunContext, exports: Path) -> Extraction:
    """The Telegram source and the turns extractor."""
    manager = PluginManager.load()
    parser = OptionParser(lambda _: exports)

    def bind(kind: str, name: str, **table: str) -> BoundStage:
        stage = manager.find(kind, name)
        return BoundStage(stage, parser.parse(table, stage.config, (kind,)), run, name)

    source = bind("source", "telegram", path=".")
    return Extraction(source, bind("extractor", "turns", server="user1000001"))


@pytest.fixture
def entries(extraction: Extraction) -> list[Input]:
    """The inputs of the source."""
    return list(extraction.source.stage.inputs(extraction.source.options))


def read_with_a_bug(options: Any, entry: Input, run: RunContext) -> Iterator[Chat]:
    raise ZeroDivisionError("a bug")
    yield


def read_until_exit(options: Any, entry: Input, run: RunContext) -> Iterator[Chat]:
    sys.exit(0)
    yield


def read_until_killed(options: Any, entry: Input, run: RunContext) -> Iterator[Chat]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield


def read_lone_surrogates(options: Any, entry: Input, run: RunContext) -> Iterator[Chat]:
    messages = (
        Message(number, f"user100000{number % 2}", None, f"half \ud83d, call +49 171 1234{number:03}", 60 * number)
        for number in range(40)
    )
    yield Chat(entry.name, None, "personal_chat", messages)


def extract_sequentially(extraction: Extraction, entries: list[Input], report: ReportBuilder) -> list[Dialog]:
    dialogs: list[Dialog] = []
    for entry in entries:
        for chat in extraction.chats(entry):
            report.add_chat(chat)
            dialogs += extraction.dialogs(chat)
    return dialogs


def extract_in_processes(
    extraction: Extraction, entries: list[Input], report: ReportBuilder
) -> list[tuple[Dialog, MaskedTexts]]:
    return list(extract_in_parallel(extraction, CorpusOptions(), entries, report, ProcessExecutor()))


def corpus_report(folder: Path, dialogs: Iterable[tuple[Dialog, MaskedTexts | None]], report: ReportBuilder) -> Report:
    """Writes a corpus and returns its report: participants, and for each chat what was kept and dropped."""
    folder.mkdir()
    with CorpusWriter(folder, CorpusOptions(), seed=1) as writer:
        for dialog, masked in dialogs:
            writer.write(dialog, report.ledger(dialog.chat), masked)
        return writer.finish(report)


def test_parallel_and_sequential_reading_give_the_same_corpus(
    extraction: Extraction, entries: list[Input], tmp_path: Path
) -> None:
    sequential, parallel = ReportBuilder("turns"), ReportBuilder("turns")
    expected = extract_sequentially(extraction, entries, sequential)
    dialogs = extract_in_processes(extraction, entries, parallel)
    assert [dialog for dialog, _ in dialogs] == expected
    assert len(expected) > 8
    expected_report = corpus_report(tmp_path / "sequential", [(dialog, None) for dialog in expected], sequential)
    assert len(expected_report.chats) == 8
    assert corpus_report(tmp_path / "parallel", dialogs, parallel) == expected_report


def test_lone_surrogates_are_replaced_as_in_sequential_reading(
    extraction: Extraction, entries: list[Input], tmp_path: Path
) -> None:
    stage = attrs.evolve(extraction.source.stage, read=read_lone_surrogates)
    extraction = attrs.evolve(extraction, source=attrs.evolve(extraction.source, stage=stage))
    sequential, parallel = ReportBuilder("turns"), ReportBuilder("turns")
    expected = [(dialog, None) for dialog in extract_sequentially(extraction, entries, sequential)]
    report = corpus_report(tmp_path / "sequential", expected, sequential)
    assert corpus_report(tmp_path / "parallel", extract_in_processes(extraction, entries, parallel), parallel) == report
    written = [(tmp_path / folder / "train.jsonl").read_bytes() for folder in ("sequential", "parallel")]
    assert written[0] == written[1]
    assert "half \ufffd, call [phone]".encode() in written[0]


def test_a_warning_of_a_worker_is_logged_here(
    extraction: Extraction, entries: list[Input], caplog: pytest.LogCaptureFixture
) -> None:
    (damaged,) = entries[1].paths
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with caplog.at_level(logging.WARNING):
        assert extract_in_processes(extraction, entries, ReportBuilder("turns"))
    assert "the export is truncated" in caplog.text


def test_an_error_of_a_worker_is_raised_here(extraction: Extraction, entries: list[Input]) -> None:
    (missing,) = entries[2].paths
    missing.unlink()
    with pytest.raises(UserError, match=f"{missing.parent.name}/result.json: No such file or directory"):
        extract_in_processes(extraction, entries, ReportBuilder("turns"))


def test_a_bug_in_a_worker_is_attributed_to_its_plugin(extraction: Extraction, entries: list[Input]) -> None:
    stage = attrs.evolve(extraction.source.stage, read=read_with_a_bug)
    broken = attrs.evolve(extraction, source=attrs.evolve(extraction.source, stage=stage))
    with pytest.raises(PluginError, match="plugin telegram: failed with ZeroDivisionError: a bug"):
        extract_in_processes(broken, entries, ReportBuilder("turns"))


def test_sys_exit_in_a_worker_is_attributed_to_its_plugin(extraction: Extraction, entries: list[Input]) -> None:
    stage = attrs.evolve(extraction.source.stage, read=read_until_exit)
    broken = attrs.evolve(extraction, source=attrs.evolve(extraction.source, stage=stage))
    with pytest.raises(PluginError, match="plugin telegram: failed with SystemExit: 0"):
        extract_in_processes(broken, entries, ReportBuilder("turns"))


def test_a_killed_worker_is_an_error(extraction: Extraction, entries: list[Input]) -> None:
    stage = attrs.evolve(extraction.source.stage, read=read_until_killed)
    killed = attrs.evolve(extraction, source=attrs.evolve(extraction.source, stage=stage))
    with pytest.raises(StageError, match="a worker process was killed while reading; the machine may be out of memory"):
        extract_in_processes(killed, entries, ReportBuilder("turns"))


def test_small_inputs_are_read_sequentially(extraction: Extraction, entries: list[Input]) -> None:
    assert not is_worthwhile(extraction, entries, cpus=2)
    assert is_worthwhile(extraction, entries, cpus=2, min_bytes=1)
    assert not is_worthwhile(extraction, entries, cpus=1, min_bytes=1)
    assert not is_worthwhile(extraction, entries[:1], cpus=2, min_bytes=1)


def test_a_stage_that_cannot_be_pickled_is_read_sequentially(extraction: Extraction, entries: list[Input]) -> None:
    stage = attrs.evolve(extraction.source.stage, read=lambda *_: iter(()))
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(stage)
    unpicklable = attrs.evolve(extraction, source=attrs.evolve(extraction.source, stage=stage))
    assert not is_worthwhile(unpicklable, entries, cpus=2, min_bytes=1)

"""Builds the corpus: source, extractor and annotator as generators over each other, into the corpus writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs

from autocakechat.config.pipeline_file import Pipeline, StageConfig
from autocakechat.corpus.report import Report
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.corpus.writer import CorpusWriter
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import Input
from autocakechat.pipeline import prefetch
from autocakechat.pipeline.extraction import BoundStage, Extraction
from autocakechat.pipeline.parallel_extraction import extract_in_processes, is_worthwhile
from autocakechat.pipeline.preflight import SourceInputs
from autocakechat.registry.manager import PluginManager


@attrs.frozen
class CorpusStage:
    """Everything that building a corpus needs.

    Attributes:
        pipeline: What to build.
        inputs: For each source, what there is to read.
        manager: Knows whom a stage belongs to.
        context: Makes the run context of a stage.
    """

    pipeline: Pipeline
    inputs: Sequence[SourceInputs]
    manager: PluginManager
    context: Callable[[StageConfig], RunContext]

    def build(self, folder: Path) -> Report:
        """Writes the corpus into an empty folder.

        Raises:
            UserError: Nothing can be learnt from what was read.
            PluginError: A stage failed, or left messages unaccounted for.
        """
        extractor = self._running(self.pipeline.require("extractor"))
        annotator = self._running(self.pipeline.annotator)
        report = ReportBuilder(extractor.owner)
        dialogs = self._dialogs(extractor, report)
        annotate = partial(annotator.stage.annotate, annotator.options, dialogs, annotator.run)
        with CorpusWriter(folder, self.pipeline.corpus, self.pipeline.seed) as writer:
            for dialog in annotator.attribute_errors(annotate):
                writer.write(dialog, report.ledger(dialog.chat))
            return writer.finish(report)

    def _dialogs(self, extractor: BoundStage, report: ReportBuilder) -> Iterator[Dialog]:
        for source, entries in self.inputs:
            extraction = Extraction(self._running(source), extractor)
            if is_worthwhile(extraction, entries):
                yield from extract_in_processes(extraction, entries, report)
                continue
            for entry in entries:
                for chat in self._chats(extraction, entry, report):
                    yield from extraction.dialogs(chat)

    def _chats(self, extraction: Extraction, entry: Input, report: ReportBuilder) -> Iterator[Chat]:
        if prefetch.is_worthwhile(extraction.source, entry):
            for chat in prefetch.read_ahead(extraction.source, entry, report.participants):
                report.add_counted_chat(chat)
                yield chat
            return
        for chat in extraction.chats(entry):
            report.add_chat(chat)
            yield chat

    def _running(self, choice: StageConfig) -> BoundStage:
        return BoundStage(choice.stage, choice.options, self.context(choice), self.manager.owner(choice.stage))

"""Reads the dialogs of all sources: in this process, prefetched by a worker process, or in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.stage_types import ExtractorType, Input
from autocakechat.pipeline import parallel_extraction, prefetch
from autocakechat.pipeline.environment import Environment
from autocakechat.pipeline.extraction import BoundStage, Extraction
from autocakechat.pipeline.preflight import SourceInputs


@attrs.frozen
class CorpusReader:
    """Reads dialogs, and adds the chats to a report.

    Attributes:
        environment: What the run shares.
        extractor: The extractor.
        report: Receives each chat before its first dialog is yielded.
    """

    environment: Environment
    extractor: BoundStage[ExtractorType]
    report: ReportBuilder

    def dialogs(self, inputs: Sequence[SourceInputs]) -> Iterator[Dialog]:
        """Yields the dialogs of all sources, in the order of the inputs."""
        for source_inputs in inputs:
            yield from self._source_dialogs(source_inputs)

    def _source_dialogs(self, inputs: SourceInputs) -> Iterator[Dialog]:
        extraction = Extraction(self.environment.bind(inputs.source), self.extractor)
        if parallel_extraction.is_worthwhile(extraction, inputs.entries):
            yield from parallel_extraction.extract_in_parallel(extraction, inputs.entries, self.report)
            return
        for entry in inputs.entries:
            for chat in self._chats(extraction, entry):
                yield from extraction.dialogs(chat)

    def _chats(self, extraction: Extraction, entry: Input) -> Iterator[Chat]:
        if prefetch.is_worthwhile(extraction.source, entry):
            for chat in prefetch.prefetch_chats(extraction.source, entry, self.report.participants):
                self.report.add_counted_chat(chat)  # the worker process counts the messages
                yield chat
        else:
            for chat in extraction.chats(entry):
                self.report.add_chat(chat)
                yield chat

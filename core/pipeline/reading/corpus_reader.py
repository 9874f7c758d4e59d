"""Reads the dialogs of all sources: in this process, prefetched by a worker process, or in parallel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import attrs

from autocakechat.cluster.executor import RayExecutor
from autocakechat.corpus.masking.dialog_masker import MaskedTexts
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.stage_types import ExtractorType, Input
from autocakechat.pipeline.preflight import SourceInputs
from autocakechat.pipeline.reading import prefetch
from autocakechat.pipeline.reading.executor import Executor
from autocakechat.pipeline.reading.extraction import BoundStage, Extraction
from autocakechat.pipeline.reading.parallel_extraction import extract_in_parallel, is_possible, is_worthwhile
from autocakechat.pipeline.reading.process_executor import ProcessExecutor
from autocakechat.pipeline.run_services import RunServices


@attrs.frozen
class CorpusReader:
    """Reads dialogs, and adds the chats to a report.

    Attributes:
        services: The services of the run.
        extractor: The extractor.
        report_builder: Receives each chat before its first dialog is yielded.
        masked: For each dialog that was yielded, its masked texts if another process has masked it; None if not.
    """

    services: RunServices
    extractor: BoundStage[ExtractorType]
    report_builder: ReportBuilder
    masked: deque[MaskedTexts | None] = attrs.field(factory=deque, init=False)

    def dialogs(self, inputs: Sequence[SourceInputs]) -> Iterator[Dialog]:
        """Yields the dialogs of all sources, in the order of the inputs."""
        for source_inputs in inputs:
            yield from self._source_dialogs(source_inputs)

    def _source_dialogs(self, source_inputs: SourceInputs) -> Iterator[Dialog]:
        extraction = Extraction(self.services.bind(source_inputs.source), self.extractor)
        inputs = source_inputs.inputs
        executor = self._executor(extraction, inputs)
        if executor:
            options, report = self.services.pipeline.corpus, self.report_builder
            for dialog, masked in extract_in_parallel(extraction, options, inputs, report, executor):
                self.masked.append(masked)
                yield dialog
            return
        for entry in inputs:
            for chat in self._chats(extraction, entry):
                for dialog in extraction.dialogs(chat):
                    self.masked.append(None)
                    yield dialog

    def _executor(self, extraction: Extraction, inputs: Sequence[Input]) -> Executor | None:
        """Chooses what reads inputs in parallel; None if they are read one after the other."""
        cluster = self.services.pipeline.cluster
        if cluster and is_possible(extraction, inputs):
            return RayExecutor(cluster)
        return ProcessExecutor() if is_worthwhile(extraction, inputs) else None

    def _chats(self, extraction: Extraction, entry: Input) -> Iterator[Chat]:
        if prefetch.is_worthwhile(extraction.source, entry):
            for chat in prefetch.prefetch_chats(extraction.source, entry, self.report_builder.participants):
                self.report_builder.add_counted_chat(chat)  # the worker process counts the messages
                yield chat
        else:
            for chat in extraction.chats(entry):
                self.report_builder.add_chat(chat)
                yield chat

"""Builds the corpus: source, extractor and annotator as generators over each other, into the corpus writer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs

from autocakechat.chatlog import Chat
from autocakechat.checks import SourceInputs
from autocakechat.config import Choice, Pipeline
from autocakechat.corpus import Dialog
from autocakechat.corpus_writer import CorpusWriter
from autocakechat.errors import AccError, PluginError
from autocakechat.manager import PluginManager, plugin_error
from autocakechat.report import Report, ReportBuilder
from autocakechat.run_context import RunContext
from autocakechat.stages import Input

T = TypeVar("T")


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
    context: Callable[[Choice], RunContext]

    def build(self, folder: Path) -> Report:
        """Writes the corpus into an empty folder.

        Raises:
            UserError: Nothing can be learnt from what was read.
            PluginError: A stage failed, or left messages unaccounted for.
        """
        report = ReportBuilder(self.manager.owner(self.pipeline.require("extractor").stage))
        annotator = self.pipeline.annotator
        annotating = self.context(annotator)
        dialogs = self._guard(
            annotator, lambda: annotator.stage.annotate(annotator.options, self._dialogs(report), annotating)
        )
        with CorpusWriter(folder, self.pipeline.corpus, self.pipeline.seed) as writer:
            for dialog in dialogs:
                writer.write(dialog, report.ledger(dialog.chat))
            return writer.finish(report)

    def chats(self) -> Iterator[Chat]:
        """Reads all chats, without extracting anything: to tell who is there."""
        for source, inputs in self.inputs:
            for entry in inputs:
                yield from self._read(source, entry)

    def _dialogs(self, report: ReportBuilder) -> Iterator[Dialog]:
        extractor = self.pipeline.require("extractor")
        extracting = self.context(extractor)
        for chat in self.chats():
            report.chat(chat)
            if chat.skip is None:
                extract = partial(extractor.stage.extract, extractor.options, chat, extracting)
                yield from self._guard(extractor, extract)
            _drain(chat, chat.skip or "not used")

    def _read(self, source: Choice, entry: Input) -> Iterator[Chat]:
        context = self.context(source)
        for chat in self._guard(source, lambda: source.stage.read(source.options, entry, context)):
            if not isinstance(chat, Chat):
                raise PluginError(self.manager.owner(source.stage), f"yields {type(chat).__name__} where chats belong")
            chat.through(lambda messages: self._guard(source, lambda: messages))
            yield chat

    def _guard(self, choice: Choice, make: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Hands on what a stage yields; whatever it raises unforeseen gets its plugin's name."""
        try:
            yield from make()
        except (AccError, MemoryError):
            raise
        except Exception as error:
            logging.getLogger("autocakechat").debug("in stage %s", choice.where, exc_info=True)
            raise plugin_error(self.manager.owner(choice.stage), error) from error


def _drain(chat: Chat, reason: str) -> None:
    """Reads what an extractor left, so that every message is accounted for, and closes the chat."""
    for message in chat.rest():
        chat.drop(message, reason)

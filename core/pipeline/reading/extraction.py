"""Calls sources, extractors and annotators, and checks what they yield; in any process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from autocakechat.config.pipeline import StageT
from autocakechat.errors import PluginError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.run_context import OpenProgress, RunContext
from autocakechat.interface.stage_types import AnnotatorType, ExtractorType, Input, SourceType
from autocakechat.interface.type_checks import describe_value
from autocakechat.pipeline.stage_checks import no_problem, problem_of_annotation, problem_of_batch, problem_of_dialog
from autocakechat.registry.plugin_errors import contract_violation, errors_of_plugin
from autocakechat.registry.source_location import is_part_of, package_of

T = TypeVar("T")


@attrs.frozen
class BoundStage(Generic[StageT]):
    """A stage with everything its functions are called with.

    Attributes:
        stage: The stage.
        options: Its options.
        run: Its run context.
        owner: The plugin that provides it, as error messages name it.
    """

    stage: StageT
    options: Any
    run: RunContext
    owner: str

    @property
    def is_bundled(self) -> bool:
        """Whether the stage is part of autocakechat. Its tests check what it yields, which would take time in a run."""
        return is_part_of(package_of(self.stage), "autocakechat.plugins")

    def with_progress(self, progress: OpenProgress) -> BoundStage[StageT]:
        """Returns the same stage with another progress display."""
        return attrs.evolve(self, run=attrs.evolve(self.run, progress=progress))

    def errors(self, iterator: object = None) -> AbstractContextManager[None]:
        """Attributes the unexpected errors of a block to the plugin; see `errors_of_plugin`."""
        return errors_of_plugin(self.owner, self.stage, iterator)

    def violation(self, problem: str, iterator: object = None) -> PluginError:
        """Makes the error for something wrong that the stage yields.

        Args:
            problem: What the stage does, and what is expected.
            iterator: The iterator that yielded it.
        """
        return contract_violation(self.owner, self.stage, f"the {self.stage.kind} {problem}", iterator=iterator)

    def check_items(self, items: Iterable[T], expected: type[T]) -> Iterator[T]:
        """Yields what the stage yields.

        Raises:
            PluginError: It is not iterable, or an item has another type than `expected`.
        """
        if not isinstance(items, Iterable):
            problem = f"returns {describe_value(items)}, expected an iterable of {expected.__name__}: use `yield`"
            raise self.violation(problem)
        for item in items:
            if not isinstance(item, expected):
                raise self.violation(f"yields {type(item).__name__}, expected {expected.__name__}", items)
            yield item


BoundExtractor = BoundStage[ExtractorType]


def read_chats(source: BoundStage[SourceType], entry: Input) -> Iterator[Chat]:
    """Reads the chats of an input, one after the other.

    Raises:
        PluginError: The source fails, or yields objects that are not chats. A chat with wrong messages raises it when
            its messages are read.
    """
    with source.errors():
        for chat in source.check_items(source.stage.read(source.options, entry, source.run), Chat):
            chat.tap(partial(_check_batches, source, chat))
            yield chat


def _check_batches(
    source: BoundStage[SourceType], chat: Chat, batches: Iterator[MessageBatch]
) -> Iterator[MessageBatch]:
    messages_read = 0
    check = no_problem if source.is_bundled else problem_of_batch
    with source.errors(chat.origin):
        for batch in source.check_items(batches, MessageBatch):
            if problem := check(batch):
                place = f"chat {chat.id!r}, message {messages_read + problem.number}"
                raise source.violation(f"yields {problem.text} ({place})", chat.origin)
            messages_read += len(batch)
            yield batch


def extract_dialogs(extractor: BoundExtractor, chat: Chat) -> Iterator[Dialog]:
    """Extracts the dialogs of a chat, and drops every message that the extractor does not read.

    Raises:
        PluginError: The extractor fails, or yields a wrong dialog.
    """
    if chat.skip is None:
        check = no_problem if extractor.is_bundled else problem_of_dialog
        with extractor.errors():
            dialogs = extractor.stage.extract(extractor.options, chat, extractor.run)
            for dialog in extractor.check_items(dialogs, Dialog):
                if problem := check(dialog, chat):
                    raise extractor.violation(f"yields {problem} (chat {chat.id!r})", dialogs)
                yield dialog
    chat.drop_rest(chat.skip or "not used")


def annotate_dialogs(annotator: BoundStage[AnnotatorType], dialogs: Iterator[Dialog]) -> Iterator[Dialog]:
    """Annotates dialogs.

    Raises:
        PluginError: The annotator fails, or does not yield every dialog in order with only its labels changed.
    """
    expected: deque[Dialog] = deque()

    def remember() -> Iterator[Dialog]:
        for dialog in dialogs:
            expected.append(dialog)
            yield dialog

    with annotator.errors():
        annotated = annotator.stage.annotate(annotator.options, remember(), annotator.run)
        for dialog in annotator.check_items(annotated, Dialog):
            original = expected.popleft() if expected else None
            if dialog is not original and (problem := problem_of_annotation(dialog, original)):
                raise annotator.violation(f"yields {problem}", annotated)
            yield dialog
        unread = next(dialogs, None)
        if expected or unread:
            raise annotator.violation("does not yield the last dialogs, expected every dialog in order", annotated)


@attrs.frozen
class Extraction:
    """A source and an extractor: from an input to dialogs. It can be sent to another process.

    Attributes:
        source: The source.
        extractor: The extractor.
    """

    source: BoundStage[SourceType]
    extractor: BoundStage[ExtractorType]

    def with_progress(self, progress: OpenProgress) -> Extraction:
        """Returns the same stages with another progress display."""
        return Extraction(self.source.with_progress(progress), self.extractor.with_progress(progress))

    def chats(self, entry: Input) -> Iterator[Chat]:
        """Reads the chats of an input, one after the other."""
        return read_chats(self.source, entry)

    def dialogs(self, chat: Chat) -> Iterator[Dialog]:
        """Extracts the dialogs of a chat."""
        return extract_dialogs(self.extractor, chat)

"""Reads an input and extracts the dialogs of its chats: a source and an extractor, in any process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from autocakechat.config.pipeline import StageT
from autocakechat.errors import AccError, PluginError
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.run_context import OpenProgress, RunContext
from autocakechat.interface.stage_types import ExtractorType, Input, SourceType
from autocakechat.registry.manager import plugin_error

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

    def with_progress(self, progress: OpenProgress) -> BoundStage[StageT]:
        """Returns the same stage with another progress display."""
        return attrs.evolve(self, run=attrs.evolve(self.run, progress=progress))

    def name_plugin_in_errors(self, start: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Yields what a function of the stage yields. An unexpected exception becomes an error that names the plugin.

        Args:
            start: Calls the function.

        Raises:
            AccError: The stage raised it.
            PluginError: The stage raised another exception.
        """
        try:
            yield from start()
        except (AccError, MemoryError):
            raise
        except Exception as error:
            logging.getLogger("autocakechat").debug("in stage %s", self.stage.name, exc_info=True)
            raise plugin_error(self.owner, error) from error


BoundExtractor = BoundStage[ExtractorType]


def read_chats(source: BoundStage[SourceType], entry: Input) -> Iterator[Chat]:
    """Reads the chats of an input, one after the other.

    Raises:
        PluginError: The source fails, or yields objects that are not chats.
    """
    for chat in source.name_plugin_in_errors(partial(source.stage.read, source.options, entry, source.run)):
        if not isinstance(chat, Chat):
            raise PluginError(source.owner, f"the source yields {type(chat).__name__}, expected Chat")
        # The messages are read later, outside of this loop; errors while reading them name the plugin, too.
        chat.tap(lambda batches: source.name_plugin_in_errors(lambda: batches))
        yield chat


def extract_dialogs(extractor: BoundStage[ExtractorType], chat: Chat) -> Iterator[Dialog]:
    """Extracts the dialogs of a chat, and drops every message that the extractor does not read.

    Raises:
        PluginError: The extractor fails, or yields a dialog that does not consist of pairs of turns.
    """
    if chat.skip is None:
        extract = partial(extractor.stage.extract, extractor.options, chat, extractor.run)
        for dialog in extractor.name_plugin_in_errors(extract):
            turns = len(dialog.utterances)
            if turns == 0 or turns % 2:
                message = f"the extractor yields a dialog of {turns} turns, expected pairs of turns"
                raise PluginError(extractor.owner, message)
            yield dialog
    chat.drop_rest(chat.skip or "not used")


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

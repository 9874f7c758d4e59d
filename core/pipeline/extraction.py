"""Reads an input and makes dialogs of its chats: a source and an extractor, here or in another process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import attrs

from autocakechat.errors import AccError, PluginError
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.run_context import OpenProgress, RunContext
from autocakechat.interface.stage_types import ExtractorType, Input, SourceType
from autocakechat.registry.manager import plugin_error

T = TypeVar("T")


@attrs.frozen
class BoundStage:
    """A stage ready to run.

    Attributes:
        stage: The stage.
        options: Its options.
        run: Its run context.
        owner: Who provides it, as errors name them.
    """

    stage: Any
    options: Any
    run: RunContext
    owner: str

    def with_progress(self, progress: OpenProgress) -> BoundStage:
        """Returns the same stage with another display of progress."""
        return attrs.evolve(self, run=attrs.evolve(self.run, progress=progress))

    def attribute_errors(self, make: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Hands on what the stage yields; whatever it raises unforeseen gets its plugin's name.

        Args:
            make: Starts the stage.
        """
        try:
            yield from make()
        except (AccError, MemoryError):
            raise
        except Exception as error:
            logging.getLogger("autocakechat").debug("in stage %s", self.stage.name, exc_info=True)
            raise plugin_error(self.owner, error) from error


def read_chats(source: BoundStage, entry: Input) -> Iterator[Chat]:
    """Reads the chats of an input, one after the other."""
    stage: SourceType = source.stage
    for chat in source.attribute_errors(partial(stage.read, source.options, entry, source.run)):
        if not isinstance(chat, Chat):
            raise PluginError(source.owner, f"yields {type(chat).__name__} where chats belong")
        chat.tap(lambda batches: source.attribute_errors(lambda: batches))
        yield chat


@attrs.frozen
class Extraction:
    """A source and an extractor, ready to run.

    Attributes:
        source: What reads.
        extractor: What makes dialogs.
    """

    source: BoundStage
    extractor: BoundStage

    def chats(self, entry: Input) -> Iterator[Chat]:
        """Reads the chats of an input, one after the other."""
        return read_chats(self.source, entry)

    def dialogs(self, chat: Chat) -> Iterator[Dialog]:
        """Makes the dialogs of a chat, and accounts for every message that the extractor does not even read."""
        if chat.skip is None:
            stage: ExtractorType = self.extractor.stage
            extract = partial(stage.extract, self.extractor.options, chat, self.extractor.run)
            for dialog in self.extractor.attribute_errors(extract):
                if not dialog.utterances or len(dialog.utterances) % 2:
                    turns = len(dialog.utterances)
                    raise PluginError(self.extractor.owner, f"yields a dialog of {turns} turns: no pairs of turns")
                yield dialog
        chat.drop_rest(chat.skip or "not used")

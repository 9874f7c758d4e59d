"""Bundled plugin: labels every utterance `neutral`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from autocakechat import AnnotatorType, hookimpl

if TYPE_CHECKING:
    from autocakechat import Dialog, RunContext

LABEL = "neutral"


@attrs.frozen(kw_only=True)
class NeutralOptions:
    """Options of `[annotator]` with `use = "neutral"`. There are none."""


def annotate(options: NeutralOptions, dialogs: Iterable[Dialog], run: RunContext) -> Iterator[Dialog]:
    """Labels every utterance `neutral`."""
    import msgspec

    for dialog in dialogs:
        if all(utterance.emotion == LABEL for utterance in dialog.utterances):
            yield dialog
        else:
            neutral = tuple(msgspec.structs.replace(utterance, emotion=LABEL) for utterance in dialog.utterances)
            yield msgspec.structs.replace(dialog, utterances=neutral)


@hookimpl
def acc_annotators() -> Iterator[AnnotatorType]:
    """Yields the annotator `neutral`."""
    yield AnnotatorType(
        name="neutral", summary="labels every utterance neutral", config=NeutralOptions, annotate=annotate
    )

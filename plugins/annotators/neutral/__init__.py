"""Bundled plugin: keeps the labels of the chat log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from autocakechat import AnnotatorType, hookimpl

if TYPE_CHECKING:
    from autocakechat import Dialog, RunContext


@attrs.frozen(kw_only=True)
class NeutralOptions:
    """Options of `[annotator]` with `use = "neutral"`. There are none."""


def annotate(options: NeutralOptions, dialogs: Iterable[Dialog], run: RunContext) -> Iterable[Dialog]:
    """Returns the dialogs as they are: utterances have the labels of the chat log, or else `neutral`."""
    return dialogs


@hookimpl
def acc_annotators() -> Iterator[AnnotatorType]:
    """Yields the annotator `neutral`."""
    yield AnnotatorType(
        name="neutral",
        summary="keeps the labels of the chat log; all other utterances are neutral",
        config=NeutralOptions,
        annotate=annotate,
        version=2,
    )

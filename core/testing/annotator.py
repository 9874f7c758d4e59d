"""The contract tests for annotators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import AnnotatorType
from autocakechat.testing.contract import StageContract, parse_options
from autocakechat.testing.project import Project

_MANY_DIALOGS = 10_000
_TEXTS = (
    "Hello!",
    "I am so happy 😀",
    "this is awful\nand sad",
    "ok",
    "WHAT?!",
    "Всё хорошо",
    "...",
    "\ud83d half a surrogate pair",
)


@attrs.frozen
class BoundAnnotator:
    """An annotator with its options and run context."""

    stage: AnnotatorType
    options: Any
    run: RunContext

    def __call__(self, dialogs: Iterator[Dialog]) -> Iterator[Dialog]:
        """Annotates dialogs."""
        return iter(self.stage.annotate(self.options, dialogs, self.run))


class AnnotatorContract(StageContract):
    """The tests that every annotator has to pass.

    Example:
        ```python
        class TestSmileys(AnnotatorContract):
            name = "smileys"
        ```
    """

    kind: ClassVar[str] = "annotator"

    @pytest.fixture
    def annotate(
        self, stage: AnnotatorType, table: dict[str, Any], acc_run: RunContext, tmp_path: Path
    ) -> BoundAnnotator:
        """The annotator with its options and run context."""
        return BoundAnnotator(stage, parse_options(stage.config, table, tmp_path), acc_run)

    def test_every_dialog_comes_back_in_order(self, annotate: BoundAnnotator) -> None:
        """Only labels change: chats, times, texts and message positions stay the same."""
        dialogs = list(_dialogs(50))
        annotated = list(annotate(iter(dialogs)))
        for dialog in annotated:
            assert isinstance(dialog, Dialog), f"annotate yields {type(dialog).__name__}, expected Dialog"
        assert list(map(_without_labels, annotated)) == list(map(_without_labels, dialogs)), (
            "a dialog was lost, added or changed"
        )

    def test_labels_are_words(self, annotate: BoundAnnotator) -> None:
        """Each label is a non-empty string without surrounding whitespace."""
        for dialog in annotate(_dialogs(50)):
            for utterance in dialog.utterances:
                label = utterance.emotion
                assert isinstance(label, str), f"{utterance.text!r} has the label {label!r}, expected a string"
                assert label, f"{utterance.text!r} has an empty label, expected a word"
                assert label.strip() == label, (
                    f"{utterance.text!r} has the label {label!r}, expected a word without surrounding whitespace"
                )

    def test_annotating_twice_gives_the_same_labels(self, annotate: BoundAnnotator) -> None:
        """Labels depend only on the dialogs and the options."""
        first, second = (list(annotate(_dialogs(50))) for _ in range(2))
        assert first == second, "the same dialogs got different labels the second time"

    def test_dialogs_are_annotated_lazily(self, annotate: BoundAnnotator) -> None:
        """The first dialog is yielded before half of the input is consumed. Batches are allowed."""
        consumed = 0

        def count_dialogs() -> Iterator[Dialog]:
            nonlocal consumed
            for dialog in _dialogs(_MANY_DIALOGS):
                consumed += 1
                yield dialog

        assert next(annotate(count_dialogs()), None) is not None, "no dialog was yielded"
        assert consumed < _MANY_DIALOGS / 2, (
            f"{consumed} of {_MANY_DIALOGS} dialogs were consumed before the first was yielded; yield dialogs lazily"
        )

    def test_no_dialogs_give_no_dialogs(self, annotate: BoundAnnotator) -> None:
        """Empty input is not an error and gives empty output."""
        assert not list(annotate(iter(()))), "dialogs were yielded for empty input"

    def test_it_runs_in_a_pipeline(self, table: dict[str, Any], acc_project: Project, annotate: BoundAnnotator) -> None:
        """`acc run` makes a corpus with the annotator, and the corpus contains its labels."""
        acc_project.pipeline(annotator={"use": self.name, **table})
        corpus = acc_project.dialogs()
        assert corpus, "the corpus has no dialogs"
        # A corpus file does not record chats and times: labels must not depend on them.
        unlabelled = [Dialog("chat", 0, tuple(Utterance(turn.text) for turn in dialog)) for dialog in corpus]
        expected = [_texts_and_labels(dialog.utterances) for dialog in annotate(iter(unlabelled))]
        assert [_texts_and_labels(dialog) for dialog in corpus] == expected, "the corpus has different labels"


def _dialogs(count: int) -> Iterator[Dialog]:
    for index in range(count):
        message = _TEXTS[index % len(_TEXTS)]
        reply = f"{_TEXTS[(index + 3) % len(_TEXTS)]} {index}"
        yield Dialog(
            chat=f"chat{index % 3}",
            started=1_700_000_000 + index,
            utterances=(Utterance(message, messages=(2 * index,)), Utterance(reply, messages=(2 * index + 1,))),
        )


def _without_labels(dialog: Dialog) -> tuple[Any, ...]:
    return dialog.chat, dialog.started, [(turn.text, turn.messages) for turn in dialog.utterances]


def _texts_and_labels(utterances: tuple[Utterance, ...]) -> list[tuple[str, str]]:
    return [(turn.text, turn.emotion) for turn in utterances]

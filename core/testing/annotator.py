"""What an annotator has to keep."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import AnnotatorType
from autocakechat.testing.contract import StageContract, structured
from autocakechat.testing.project import Project

_LONG = 10_000
_TEXTS = (
    "Hello!",
    "I am so happy 😀",
    "this is awful\nand sad",
    "ok",
    "WHAT?!",
    "Всё хорошо",
    "...",
    "\ud83d half a sign",
)


@attrs.frozen
class Annotating:
    """An annotator, ready to run."""

    stage: AnnotatorType
    options: Any
    run: RunContext

    def __call__(self, dialogs: Iterator[Dialog]) -> Iterator[Dialog]:
        """Annotates dialogs."""
        return iter(self.stage.annotate(self.options, dialogs, self.run))


class AnnotatorContract(StageContract):
    """What an annotator has to keep.

    Example:
        ```python
        class TestSmileys(AnnotatorContract):
            name = "smileys"
        ```
    """

    kind: ClassVar[str] = "annotator"

    @pytest.fixture
    def annotate(self, stage: AnnotatorType, table: dict[str, Any], acc_run: RunContext, tmp_path: Path) -> Annotating:
        """The annotator, ready to run."""
        return Annotating(stage, structured(stage.config, table, tmp_path), acc_run)

    def test_every_dialog_comes_back_in_order(self, annotate: Annotating) -> None:
        """Nothing but labels differs: chats, times, texts and the messages they were made of stay."""
        given = list(_dialogs(50))
        back = list(annotate(iter(given)))
        assert all(isinstance(dialog, Dialog) for dialog in back), "yields what is no Dialog"
        assert list(map(_unlabelled, back)) == list(map(_unlabelled, given)), "a dialog was lost, added or changed"

    def test_labels_are_words(self, annotate: Annotating) -> None:
        """A label is a string that says something."""
        for dialog in annotate(_dialogs(50)):
            for utterance in dialog.utterances:
                label = utterance.emotion
                assert isinstance(label, str), f"{utterance.text!r} is labelled {label!r}, which is no string"
                assert label.strip() == label != "", f"{utterance.text!r} is labelled {label!r}, which is no word"

    def test_annotating_twice_gives_the_same(self, annotate: Annotating) -> None:
        """Labels depend on the dialogs and the options alone."""
        first, second = (list(annotate(_dialogs(50))) for _ in range(2))
        assert first == second, "the same dialogs got other labels the second time"

    def test_dialogs_come_back_while_others_are_still_to_come(self, annotate: Annotating) -> None:
        """The first is back before half of a long row was taken; batches are fine."""
        taken = 0

        def count_batches() -> Iterator[Dialog]:
            nonlocal taken
            for dialog in _dialogs(_LONG):
                taken += 1
                yield dialog

        assert next(annotate(count_batches()), None) is not None, "no dialog came back"
        assert taken < _LONG / 2, f"{taken} of {_LONG} dialogs were taken before the first came back; yield as you go"

    def test_no_dialogs_give_none(self, annotate: Annotating) -> None:
        """Nothing to label is nothing to complain about."""
        assert not list(annotate(iter(()))), "dialogs came of nothing"

    def test_it_runs_in_a_pipeline(self, table: dict[str, Any], acc_project: Project, annotate: Annotating) -> None:
        """`acc run` makes a corpus with it, and the labels stand there."""
        acc_project.pipeline(annotator={"use": self.name, **table})
        written = acc_project.dialogs()
        assert written, "no dialogs"
        pairs = partial(map, lambda each: (each.text, each.emotion))
        plain = [Dialog("chat", 0, tuple(Utterance(each.text) for each in dialog)) for dialog in written]
        labelled = [list(pairs(dialog.utterances)) for dialog in annotate(iter(plain))]
        assert [list(pairs(dialog)) for dialog in written] == labelled, "the corpus holds other labels"


def _dialogs(number: int) -> Iterator[Dialog]:
    for place in range(number):
        question, answer = _TEXTS[place % len(_TEXTS)], f"{_TEXTS[(place + 3) % len(_TEXTS)]} {place}"
        yield Dialog(
            chat=f"chat{place % 3}",
            started=1_700_000_000 + place,
            utterances=(Utterance(question, messages=(2 * place,)), Utterance(answer, messages=(2 * place + 1,))),
        )


def _unlabelled(dialog: Dialog) -> tuple[Any, ...]:
    return dialog.chat, dialog.started, [(each.text, each.messages) for each in dialog.utterances]

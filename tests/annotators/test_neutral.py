"""The annotator that labels everything `neutral`."""

from __future__ import annotations

from autocakechat import Dialog, RunContext, Utterance
from autocakechat.plugins.annotators.neutral import NeutralOptions, acc_annotators

NEUTRAL = next(iter(acc_annotators()))


def test_all_labels_become_neutral_and_nothing_else_changes(run: RunContext) -> None:
    angry = Dialog("a", 1, (Utterance("hi", messages=(1,)), Utterance("go", emotion="anger", messages=(2,))))
    plain = Dialog("b", 2, (Utterance("hi"), Utterance("yo")))
    first, second = NEUTRAL.annotate(NeutralOptions(), iter([angry, plain]), run)
    assert first == Dialog("a", 1, (Utterance("hi", messages=(1,)), Utterance("go", messages=(2,))))
    assert second is plain


def test_dialogs_are_labelled_lazily(run: RunContext) -> None:
    def endless():
        while True:
            yield Dialog("a", 1, (Utterance("hi"), Utterance("yo")))

    assert next(iter(NEUTRAL.annotate(NeutralOptions(), endless(), run))).chat == "a"

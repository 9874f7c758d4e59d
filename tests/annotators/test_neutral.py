"""The annotator that keeps the labels of the chat log."""

from __future__ import annotations

from autocakechat import Dialog, RunContext, Utterance
from autocakechat.plugins.annotators.neutral import NeutralOptions, acc_annotators

NEUTRAL = next(iter(acc_annotators()))


def test_labels_are_kept(run: RunContext) -> None:
    angry = Dialog("a", 1, (Utterance("hi", messages=(1,)), Utterance("go", emotion="anger", messages=(2,))))
    plain = Dialog("b", 2, (Utterance("hi"), Utterance("yo")))
    assert list(NEUTRAL.annotate(NeutralOptions(), iter([angry, plain]), run)) == [angry, plain]
    assert [turn.emotion for turn in plain.utterances] == ["neutral", "neutral"]


def test_dialogs_are_labelled_lazily(run: RunContext) -> None:
    def endless():
        while True:
            yield Dialog("a", 1, (Utterance("hi"), Utterance("yo")))

    assert next(iter(NEUTRAL.annotate(NeutralOptions(), endless(), run))).chat == "a"

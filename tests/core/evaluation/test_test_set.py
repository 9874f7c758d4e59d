"""Moments to measure with, and the baselines."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from autocakechat import Corpus, UserError
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.metrics import words
from autocakechat.evaluation.test_set import TrainingReplies, held_out_moments


def write(folder: Path, train: list[list[str]], validation: list[list[str]]) -> Corpus:
    for part, dialogs in (("train", train), ("validation", validation)):
        lines = [json.dumps([{"text": text, "condition": "joy"} for text in dialog]) for dialog in dialogs]
        (folder / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return Corpus(folder)


def test_moments_are_the_answers_of_what_is_kept_apart(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["no", "no"]], [["a", "b", "c", "d", "e", "f"], ["g", "h"]])
    moments, available = held_out_moments(corpus, 10, 2, context_lines=3, chance=random.Random(1))
    assert available == 4
    assert [(moment.context, moment.answer) for moment in moments] == [
        (("a",), "b"),
        (("a", "b", "c"), "d"),
        (("c", "d", "e"), "f"),
        (("g",), "h"),
    ]
    assert {moment.emotion for moment in moments} == {"joy"}
    assert all(len(set(moment.others) - {moment.answer}) == 2 for moment in moments)
    without, _ = held_out_moments(corpus, 10, 2, context_lines=0, chance=random.Random(1))
    assert {moment.context for moment in without} == {()}


def test_other_answers_are_drawn_as_often_as_they_are_given(tmp_path: Path) -> None:
    answers = ["yes"] * 30 + ["YES "] * 10 + ["maybe not"] * 20 + [f"rare {number}" for number in range(40)]
    corpus = write(tmp_path, [["q", "a"]], [["q", answer] for answer in answers])
    moments, _ = held_out_moments(corpus, 100, 3, context_lines=3, chance=random.Random(1))
    for moment in moments:
        meant = {tuple(words(text)) for text in (moment.answer, *moment.others)}
        assert len(meant) == 4
    seen = Counter(tuple(words(text)) for moment in moments for text in moment.others)
    assert seen["yes",] > 40  # of 60 moments that have another answer; a single rare one is seen 5 times
    assert max(number for text, number in seen.items() if text[0] == "rare") < 20


def test_there_are_no_more_others_than_the_person_has_said(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [["q", "yes"], ["q", "yes"], ["q", "no"]])
    moments, _ = held_out_moments(corpus, 10, 9, context_lines=3, chance=random.Random(1))
    assert [moment.others for moment in moments] == [("no",), ("no",), ("yes",)]
    lonely = write(tmp_path, [["q", "a"]], [["q", "yes"], ["q", "Yes"]])
    moments, _ = held_out_moments(lonely, 10, 9, context_lines=3, chance=random.Random(1))
    assert [moment.others for moment in moments] == [(), ()]


def test_chance_alone_decides_and_can_be_repeated(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [["q", f"answer {number}"] for number in range(200)])
    first, again, other = (held_out_moments(corpus, 20, 4, 3, random.Random(seed))[0] for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 20


def test_a_person_says_what_was_learnt(tmp_path: Path) -> None:
    train = [["q", "ok", "q", "ok"], ["q", "sure"], ["q", "ok"]] + [["q", "never mind"]] * 6
    person = TrainingReplies(write(tmp_path, train, []), silent_progress)
    assert person.most_frequent == "never mind"
    assert person.counts == {"ok": 3, "sure": 1, "never mind": 6}
    drawn = Counter(person.random_answers(2000, random.Random(1)))
    assert drawn["ok"] / 2000 == pytest.approx(0.3, abs=0.05)
    assert person.lexicon.similarity([["never", "mind"]]) > person.lexicon.similarity([["sure"]]) > 0


def test_without_a_part_kept_apart_there_is_nothing_to_measure_with(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [])
    with pytest.raises(UserError, match="every dialog was there to train on"):
        held_out_moments(corpus, 10, 9, 3, random.Random(1))
    with pytest.raises(UserError, match=r"train\.jsonl holds no answers"):
        TrainingReplies(write(tmp_path, [], [["q", "a"]]), silent_progress)

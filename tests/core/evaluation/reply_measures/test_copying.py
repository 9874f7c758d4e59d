"""Copying from the training part, and generic replies."""

from __future__ import annotations

import random
from pathlib import Path

from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.held_out_examples import TrainingReplies
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.copying import Copying, copied_runs
from tests.core.evaluation.test_held_out_examples import write

TRAIN = [
    ["My secret street is Elm Street 12, near the station", "ok"],
    ["hello", "ok", "what now", "I do not know"],
]


def test_runs_are_the_longest_ones_that_messages_of_others_contain(tmp_path: Path) -> None:
    corpus = write(tmp_path, TRAIN, [])
    replies = ["so my SECRET street is elm street, right", "hello what now", "I do not know", "", "what now"]
    assert copied_runs(corpus, replies, silent_progress) == {
        "so my SECRET street is elm street, right": 6,
        "hello what now": 0,
        "I do not know": 0,  # the person's own
        "": 0,
        "what now": 0,  # too short
    }


def test_a_run_may_begin_and_end_anywhere(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["a b c d a b c d e", "ok"]], [])
    assert copied_runs(corpus, ["b c d e", "x a b c d a y", "a b c x b c d e"], silent_progress) == {
        "b c d e": 4,
        "x a b c d a y": 5,
        "a b c x b c d e": 4,
    }


def test_copies_placeholders_and_generic_replies_are_counted(tmp_path: Path) -> None:
    rare = [["q", f"rare {number}"] for number in range(30)]
    frequent = [["q", text] for number in range(20) for text in (f"common {number}",) * 2]
    corpus = write(tmp_path, rare + frequent, [])
    training = TrainingReplies(corpus, random.Random(1), silent_progress)
    replies = ["COMMON  1", "rare 7", "call [ phone ]", "new", "new [phone]x"]
    runs = dict(zip(replies, (0, 0, 3, 0, 7), strict=True))
    found = Copying(training, runs, ["[phone]", "[email]"]).measure(replies, Intervals(range(5), seed=1))
    assert found["copying.verbatim"].value == 2 / 5
    assert found["generic.share"].value == 1 / 5
    assert found["copying.placeholders"].value == 2 / 5
    assert found["copying.mean_run"].value == 2
    assert found["copying.longest_run"] == Interval(7)

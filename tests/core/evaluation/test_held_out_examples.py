"""The held-out examples and the training replies."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from autocakechat import Corpus, UserError
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation import held_out_examples
from autocakechat.evaluation.held_out_examples import TrainingReplies, draw_held_out_examples
from autocakechat.evaluation.metrics import split_words


def write(folder: Path, train: list[list[str]], validation: list[list[str]]) -> Corpus:
    folder.mkdir(exist_ok=True)
    for part, dialogs in (("train", train), ("validation", validation)):
        lines = [json.dumps([{"text": text, "condition": "joy"} for text in dialog]) for dialog in dialogs]
        (folder / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return Corpus(folder)


def test_examples_are_the_held_out_replies(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["no", "no"]], [["a", "b", "c", "d", "e", "f"], ["g", "h"]])
    examples, available = draw_held_out_examples(corpus, 10, 2, rng=random.Random(1))
    assert available == 4
    assert [(example.dialog, example.context, example.reply) for example in examples] == [
        (0, ("a",), "b"),
        (0, ("a", "b", "c"), "d"),
        (0, ("a", "b", "c", "d", "e"), "f"),
        (1, ("g",), "h"),
    ]
    assert all(example.candidates == (example.reply, *example.distractors) for example in examples)
    assert {example.emotion for example in examples} == {"joy"}
    assert all(len(set(example.distractors) - {example.reply}) == 2 for example in examples)


def test_wrong_candidates_are_drawn_by_frequency(tmp_path: Path) -> None:
    answers = ["yes"] * 30 + ["YES "] * 10 + ["maybe not"] * 20 + [f"rare {number}" for number in range(40)]
    corpus = write(tmp_path, [["q", "a"]], [["q", answer] for answer in answers])
    examples, _ = draw_held_out_examples(corpus, 100, 3, rng=random.Random(1))
    for example in examples:
        candidates = {tuple(split_words(text)) for text in (example.reply, *example.distractors)}
        assert len(candidates) == 4
    drawn = Counter(tuple(split_words(text)) for example in examples for text in example.distractors)
    assert drawn["yes",] > 40  # of 60 examples with another reply; a single rare one is drawn 5 times
    assert max(number for text, number in drawn.items() if text[0] == "rare") < 20


def test_the_number_of_candidates_is_limited_by_distinct_replies(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [["q", "yes"], ["q", "yes"], ["q", "no"]])
    examples, _ = draw_held_out_examples(corpus, 10, 9, rng=random.Random(1))
    assert [example.distractors for example in examples] == [("no",), ("no",), ("yes",)]
    single = write(tmp_path, [["q", "a"]], [["q", "yes"], ["q", "Yes"]])
    examples, _ = draw_held_out_examples(single, 10, 9, rng=random.Random(1))
    assert [example.distractors for example in examples] == [(), ()]


def test_the_seed_decides(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [["q", f"answer {number}"] for number in range(200)])
    first, again, other = (draw_held_out_examples(corpus, 20, 4, random.Random(seed))[0] for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 20


def test_training_replies_are_counted_and_drawn(tmp_path: Path) -> None:
    train = [["q", "ok", "q", "ok"], ["q", "sure"], ["q", "ok"]] + [["q", "never mind"]] * 6
    training = TrainingReplies(write(tmp_path, train, []), random.Random(1), silent_progress)
    assert training.most_frequent == "never mind"
    assert training.counts == {"ok": 3, "sure": 1, "never mind": 6}
    drawn = Counter(training.draw(2000, random.Random(1)))
    assert drawn["ok"] / 2000 == pytest.approx(0.3, abs=0.05)
    assert training.lexicon.similarity([["never", "mind"]]) > training.lexicon.similarity([["sure"]]) > 0


def test_every_exchange_of_a_large_corpus_is_kept_with_the_same_probability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out_examples, "_EXCHANGES", 50)
    corpus = write(tmp_path, [[f"q{number}", f"a{number}"] for number in range(200)], [])
    small = write(tmp_path / "small", [["q", "a", "p", "b"], ["r", "c"]], [])
    assert TrainingReplies(small, random.Random(1), silent_progress).exchanges == [("q", "a"), ("p", "b"), ("r", "c")]
    kept: Counter[str] = Counter()
    for seed in range(100):
        exchanges = TrainingReplies(corpus, random.Random(seed), silent_progress).exchanges
        assert len(exchanges) == 50
        assert all(message[1:] == reply[1:] for message, reply in exchanges)
        kept.update(message for message, _ in exchanges)
    first, last = (sum(kept[f"q{number}"] for number in numbers) for numbers in (range(50), range(150, 200)))
    assert first / 5000 == pytest.approx(0.25, abs=0.03)
    assert last / 5000 == pytest.approx(0.25, abs=0.03)


def test_an_empty_held_out_part_is_an_error(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["q", "a"]], [])
    with pytest.raises(UserError, match="the held-out part is empty"):
        draw_held_out_examples(corpus, 10, 9, random.Random(1))
    with pytest.raises(UserError, match=r"train\.jsonl contains no replies"):
        TrainingReplies(write(tmp_path, [], [["q", "a"]]), random.Random(1), silent_progress)

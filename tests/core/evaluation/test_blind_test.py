"""Making a blind test: which moments it has, and how their replies are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

from autocakechat import Corpus, Reply, Request, UserError
from autocakechat.corpus.masking.masker import Masker
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.blind_test import BlindTest, make_blind_test, presented
from tests.core.evaluation.test_held_out_examples import write

KEYS = ("model1", "corpus1")


@attrs.frozen
class Bot:
    """A bot that makes its reply from the last turn."""

    reply: Callable[[str], str]
    labels: Sequence[str] = ("neutral",)
    context_lines: int = 3

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        assert {request.emotion for request in requests} == {"neutral"}
        return [Reply(self.reply(request.context[-1])) for request in requests]


def make(
    corpus: Corpus,
    reply: Callable[[str], str],
    size: int = 20,
    seed: int = 1,
    keys: Sequence[str] = KEYS,
    mask: Callable[[str], str] = str,
) -> BlindTest:
    return make_blind_test(BatchedResponder(Bot(reply), silent_progress), corpus, size, seed, keys, mask)


def dialogs(number: int) -> list[list[str]]:
    return [[f"question {index}", f"answer {index}"] for index in range(number)]


def test_each_moment_has_the_reply_of_the_person_and_of_the_bot_in_random_order(tmp_path: Path) -> None:
    test = make(write(tmp_path, [], dialogs(300)), lambda turn: f"{turn}?", size=100)
    assert len(test.moments) == 100
    assert test.equal == 0
    for moment in test.moments:
        (question,) = moment.context
        assert moment.replies[moment.person] == question.replace("question", "answer")
        assert moment.replies[1 - moment.person] == f"{question}?"
    assert 30 < sum(moment.person for moment in test.moments) < 70
    assert [moment.context for moment in test.moments] != sorted(moment.context for moment in test.moments)


def test_the_seed_decides(tmp_path: Path) -> None:
    corpus = write(tmp_path, [], dialogs(100))
    first, again, other = (make(corpus, str.upper, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert {first.moments, other.moments} == {again.moments, other.moments}
    assert first.moments != other.moments


def test_the_id_differs_for_other_models_corpora_seeds_and_replies(tmp_path: Path) -> None:
    corpus = write(tmp_path, [], dialogs(10))
    tests = [
        make(corpus, str.upper),
        make(corpus, str.upper, seed=2),
        make(corpus, str.upper, size=5),
        make(corpus, str.upper, keys=("model2", "corpus1")),
        make(corpus, str.upper, keys=("model1", "corpus2")),
        make(corpus, str.title),
    ]
    assert len({test.id for test in tests}) == len(tests)
    assert all(len(test.id) == 8 for test in tests)


def test_moments_in_which_both_replies_look_the_same_are_left_out_and_replaced(tmp_path: Path) -> None:
    def half_right(turn: str) -> str:
        number = int(turn.split()[-1])
        return f" answer   {number}\n" if number % 2 else "no"

    corpus = write(tmp_path, [], dialogs(40))
    test = make(corpus, half_right)
    assert len(test.moments) == 20
    assert all("no" in moment.replies for moment in test.moments)
    assert 10 < test.equal <= 20
    with pytest.raises(UserError, match="the bot gives the person's reply in each of 40 held-out contexts"):
        make(corpus, lambda turn: turn.replace("question", "answer"))


def test_no_context_contains_the_reply_that_another_moment_asks_for(tmp_path: Path) -> None:
    turns = [f"{'answer' if index % 2 else 'question'} {index // 2}" for index in range(60)]
    overlapping = [turns[start : start + 6] for start in range(0, 54, 2)]
    test = make(write(tmp_path, [], overlapping), lambda turn: f"{turn}?")
    asked = [(moment.context[-1], moment.replies[moment.person]) for moment in test.moments]
    shown = {exchange for moment in test.moments for exchange in pairwise(moment.context)}
    assert len(set(asked)) == len(asked) > 9
    assert not set(asked) & shown


def test_all_texts_are_masked(tmp_path: Path) -> None:
    def mask(text: str) -> str:
        return Masker().mask(text, Counter())

    corpus = write(tmp_path, [], [["write to ann@example.com", "to bob@example.com"]])
    (moment,) = make(corpus, lambda turn: "call +49 151 23456789", mask=mask).moments
    assert moment.context == ("write to [email]",)
    assert set(moment.replies) == {"to [email]", "call [phone]"}


def test_a_bot_without_context_and_an_empty_reply(tmp_path: Path) -> None:
    corpus = write(tmp_path, [], [["hello", "hi"]])
    bot = Bot(lambda turn: "", context_lines=1)
    (moment,) = make_blind_test(BatchedResponder(bot, silent_progress), corpus, 20, 1, KEYS, str).moments
    assert set(moment.replies) == {"hi", ""}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\t words \u00a0 ", "two words"),
        ("one\r\n\r\n two\u2028three\n", "one\ntwo\nthree"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ud83d\ude00 \ud83d", "\U0001f600 \ufffd"),
        ("", ""),
    ],
)
def test_white_space_line_breaks_and_characters_are_shown_alike(text: str, shown: str) -> None:
    assert presented(text) == shown


def test_long_texts_are_cut_at_the_same_length() -> None:
    assert presented("x" * 600) == "x" * 600
    assert presented("x" * 601) == "x" * 599 + "…"
    assert presented("word " * 1000).endswith("word…")

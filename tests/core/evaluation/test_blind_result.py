"""The text that a friend sends back, and the scores of one friend and of several."""

from __future__ import annotations

import base64
import random
import zlib

import pytest

from autocakechat import UserError
from autocakechat.evaluation.blind_result import BlindResult, fooled_friends, read_results, score
from autocakechat.evaluation.intervals import wilson_interval

TEST = "k3j2m4qz"


def result(answers: str, test: str = TEST) -> BlindResult:
    """Returns a result; `+` is a right answer, `-` a wrong one."""
    return BlindResult(test, tuple(answer == "+" for answer in answers))


def test_the_text_has_the_documented_bytes() -> None:
    text = BlindResult(TEST, (True, False, False, True, False, False, False, False, True), b"abc").text
    content = base64.b32decode(TEST.upper()) + b"abc" + bytes([9, 0b00001001, 0b1])
    encoded = base64.b32encode(content + zlib.crc32(content).to_bytes(4, "big")).decode()
    assert text == f"acc1:{encoded.lower().rstrip('=')}"
    assert text.startswith(f"acc1:{TEST}")


@pytest.mark.parametrize("number", [1, 7, 8, 9, 20, 200])
def test_results_are_read_back(number: int) -> None:
    rng = random.Random(number)
    original = BlindResult(TEST, tuple(rng.random() < 0.5 for _ in range(number)))
    assert read_results([original.text]) == [original]
    assert read_results([f"here: *{original.text.upper()}*.\n"]) == [original]


def test_several_results_in_one_text_and_the_same_one_twice() -> None:
    first, second = result("+-+"), result("+-+")
    assert first != second  # the friends differ
    assert read_results([f"{first.text} and {second.text}", first.text]) == [first, second]


def test_every_change_of_a_character_is_noticed() -> None:
    text = result("+-" * 10).text
    for index in range(len("acc1:"), len(text)):
        for other in {*"ab7", "", "1"} - {text[index]}:
            with pytest.raises(UserError, match="damaged result of a blind test"):
                read_results([text[:index] + other + text[index + 1 :]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "not a result of a blind test: 'hello'"),
        ("", "not a result of a blind test: ''"),
        ("acc1:", "damaged"),
        ("acc1:aaaaaaaaaaaaaaaaaaaaaa", "damaged"),
        ("acc2:abc", "acc2:abc: made by a newer version"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_results([text])


def test_wilson_intervals() -> None:
    # By hand: z² = 3.8415; (0.5 + z²/20 ± √(z²/10 · 0.25 + z⁴/400)) / (1 + z²/10).
    assert wilson_interval(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_the_score_of_one_friend_has_the_plain_interval() -> None:
    total = score([result("+" * 14 + "-" * 6)])
    assert (total.correct, total.answers, total.share) == (14, 20, 0.7)
    assert (total.low, total.high) == pytest.approx(wilson_interval(0.7, 20))
    perfect = score([result("+" * 20)])
    assert (perfect.low, perfect.high) == pytest.approx(wilson_interval(1.0, 20))


def test_answers_of_friends_who_agree_do_not_count_twice() -> None:
    agreeing = score([result("++++--"), result("++++--"), result("++++--")])
    assert (agreeing.correct, agreeing.answers) == (12, 18)
    assert (agreeing.low, agreeing.high) == pytest.approx(wilson_interval(2 / 3, 6))
    unanimous = score([result("++++++"), result("++++++")])
    assert (unanimous.low, unanimous.high) == pytest.approx(wilson_interval(1.0, 6))
    independent = score([result("++--"), result("+-+-")])  # both right, one of them, one of them, none
    assert (independent.low, independent.high) == pytest.approx(wilson_interval(0.5, 8))


def test_friends_who_stopped_earlier_count_with_their_answers() -> None:
    total = score([result("+-"), result("++++")])
    assert (total.correct, total.answers) == (5, 6)


def test_the_moments_that_fooled_most_friends_come_first() -> None:
    assert fooled_friends([result("+--+"), result("+-+"), result("+-")]) == {2: (3, 3), 3: (1, 2)}
    assert fooled_friends([result("++")]) == {}

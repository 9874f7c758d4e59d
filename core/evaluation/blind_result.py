"""Results of blind tests: the text that a friend sends back, and scores of one friend or of several.

The text is `acc1:` and these bytes in base 32, which survives changes of case: the id of the test (5 bytes), a random
number that tells friends apart (3), the number of answers (1), a bit for each answer, set if it is right, and the
CRC-32 of all this (4). It contains nothing of the chats. `display/templates/blind.js` writes the same text.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from autocakechat.errors import UserError
from autocakechat.evaluation.blind_test import ID_BYTES
from autocakechat.evaluation.intervals import wilson_interval

FRIEND_BYTES = 3

_VERSION = "1"
_PREFIX = f"acc{_VERSION}:"
_HEAD_BYTES = ID_BYTES + FRIEND_BYTES + 1
_CHECKSUM_BYTES = 4
_PUNCTUATION = "*_`'\".,;:!?)]}>»”’"
_RESULT = re.compile(r"\bacc(\d+):(\S*)", re.IGNORECASE)


@attrs.frozen
class BlindResult:
    """The answers of one friend.

    Attributes:
        test: The id of the test.
        friend: A random number that tells friends apart.
        correct: Whether each answer is right, in the order of the moments. A friend may stop before the last moment.
    """

    test: str
    correct: tuple[bool, ...]
    friend: bytes = attrs.field(factory=lambda: secrets.token_bytes(FRIEND_BYTES))

    @property
    def text(self) -> str:
        """The text to send back."""
        bits = sum(right << index for index, right in enumerate(self.correct))
        content = b"".join(
            (
                base64.b32decode(self.test.upper()),
                self.friend,
                bytes([len(self.correct)]),
                bits.to_bytes(_bit_bytes(len(self.correct)), "little"),
            )
        )
        checksum = zlib.crc32(content).to_bytes(_CHECKSUM_BYTES, "big")
        return _PREFIX + base64.b32encode(content + checksum).decode().rstrip("=").lower()


@attrs.frozen
class BlindScore:
    """How often the person's reply was picked.

    Attributes:
        correct: The number of right answers.
        answers: The number of answers.
        low: The lower end of the 95 % confidence interval of the share of right answers.
        high: The upper end.
    """

    correct: int
    answers: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of right answers."""
        return self.correct / self.answers


def read_results(texts: Iterable[str]) -> list[BlindResult]:
    """Finds the results in texts, such as the messages of friends. The same result is returned once.

    Raises:
        UserError: A text contains no result or a damaged one.
    """
    results: list[BlindResult] = []
    for text in texts:
        found = list(_RESULT.finditer(text))
        if not found:
            raise UserError(f"not a result of a blind test: {text!r}", f"give texts that begin with {_PREFIX}")
        results += [_decoded(match[0], match[1], match[2]) for match in found]
    return list(dict.fromkeys(results))


def score(results: Sequence[BlindResult]) -> BlindScore:
    """Adds up results of one test.

    The interval is Wilson's (1927). Answers of several friends to the same moment are not independent, so it counts
    answers divided by the design effect: the variance between moments over that of independent answers.
    """
    answers, correct = _count_by_moment(results)
    total, right = answers.total(), correct.total()
    share = right / total
    if 0 < share < 1:
        between = math.fsum((correct[moment] - share * number) ** 2 for moment, number in answers.items())
        independent = total / max(1.0, between / (total * share * (1 - share)))
    else:
        independent = len(answers)
    return BlindScore(right, total, *wilson_interval(share, independent))


def fooled_friends(results: Sequence[BlindResult]) -> dict[int, tuple[int, int]]:
    """Returns how many friends the bot fooled in each moment, and how many answered it; most fooled first.

    Args:
        results: Results of one test.

    Returns:
        The two numbers by the number of the moment, counted from 1. Moments without a wrong answer are left out.
    """
    answers, correct = _count_by_moment(results)
    fooled = answers - correct  # without moments in which no answer is wrong
    ordered = sorted(fooled, key=lambda index: (-fooled[index] / answers[index], index))
    return {index + 1: (fooled[index], answers[index]) for index in ordered}


def _count_by_moment(results: Sequence[BlindResult]) -> tuple[Counter[int], Counter[int]]:
    """Returns the number of answers and of right answers, by the index of the moment."""
    answers = Counter(index for result in results for index in range(len(result.correct)))
    correct = Counter(index for result in results for index, right in enumerate(result.correct) if right)
    return answers, correct


def _decoded(text: str, version: str, encoded: str) -> BlindResult:
    if version != _VERSION:
        raise UserError(f"{text}: made by a newer version", "update autocakechat")
    digits = encoded.lower().rstrip(_PUNCTUATION)
    with contextlib.suppress(binascii.Error, ValueError, IndexError):
        data = base64.b32decode(digits.upper() + "=" * (-len(digits) % 8))
        number, bits = data[_HEAD_BYTES - 1], data[_HEAD_BYTES:-_CHECKSUM_BYTES]
        result = BlindResult(
            test=base64.b32encode(data[:ID_BYTES]).decode().lower(),
            correct=tuple(bool(bits[index >> 3] >> (index & 7) & 1) for index in range(number)),
            friend=data[ID_BYTES : _HEAD_BYTES - 1],
        )
        if number and result.text == _PREFIX + digits:  # with the same checksum
            return result
    raise UserError(f"{text}: damaged result of a blind test", "ask for the whole text again, from acc1: to its end")


def _bit_bytes(number: int) -> int:
    return -(-number // 8)

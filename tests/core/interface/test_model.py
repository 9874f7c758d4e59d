"""The types that trainers construct check their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat import Score


def test_numbers_of_numpy_are_accepted() -> None:
    assert Score(np.float32(-2.5), np.int64(3)) == Score(-2.5, 3)


@pytest.mark.parametrize(
    ("log_p", "tokens", "problem"),
    [
        (None, 3, "Score.log_p is None, expected Real"),
        (-2.5, "3", r"Score.tokens is '3' \(str\), expected Integral"),
    ],
)
def test_a_wrong_score_names_the_attribute(log_p: Any, tokens: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        Score(log_p, tokens)

"""The page of a training."""

from __future__ import annotations

import datetime

from autocakechat import Exchange
from autocakechat.plugins.trainers.lora.training.history import Evaluation, History
from autocakechat.plugins.trainers.lora.training.report_page import training_page


def page_of(replies: list[list[str]], prompts: int) -> str:
    """Makes the page of a training with some sample replies in each evaluation."""
    evaluations = [Evaluation(10 * number, 2.0 - number / 10, 5.0, texts) for number, texts in enumerate(replies)]
    contexts = [Exchange((f"message {number}",), "mine") for number in range(prompts)]
    report = {"replies_by": [{"id": "user1", "name": "Robin"}]}
    return training_page({}, History(30, evaluations=evaluations), contexts, report, datetime.date(2024, 1, 1))


def test_a_training_may_be_resumed_with_more_rehearsals() -> None:
    page = page_of([["early"], ["later one", "later two"], ["last one", "last two"]], 2)
    assert "early" not in page, "it is a reply to another context"
    for shown in ("message 0", "message 1", "later one", "later two", "last two", "step 20 (best)"):
        assert shown in page


def test_contexts_without_replies_are_not_shown() -> None:
    page = page_of([["early"], ["later"]], 2)
    assert "message 0" not in page
    assert "Robin" not in page
    assert "Held-out replies" in page

"""Answers that say what they answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autocakechat import RunContext
from tests.extractors.talks import extract, said, talk


def test_a_reply_leaves_out_what_was_said_in_between(run: RunContext) -> None:
    lines = [*talk("bob: a", "sue: b", "bob: tea?", "bob: it rains"), said(5, "sue", "yes", reply_to=3)]
    got = extract(lines, run)
    assert got.texts == [["a", "b", "tea?", "yes"]]
    assert got.dropped == {"nobody answered": 1}


def test_each_of_two_questions_gets_its_answer(run: RunContext) -> None:
    lines = [
        *talk("bob: tea?", "bob: cake?"),
        said(3, "sue", "black", reply_to=1),
        said(4, "sue", "cheese", reply_to=2),
    ]
    assert extract(lines, run).texts == [["tea?", "black"], ["tea?\ncake?", "cheese"]]


def test_a_late_reply_begins_a_dialog_with_the_context_of_its_target(run: RunContext) -> None:
    lines = [
        *talk("bob: 1", "sue: 2", "bob: 3", "sue: 4", "bob: 5", "sue: 6"),
        said(7, "sue", "late", at=5000, reply_to=5),
        said(8, "bob", "oh", at=5001),
        said(9, "sue", "yes", at=5002),
    ]
    assert extract(lines, run).texts == [list("123456"), ["3", "4", "5", "late", "oh", "yes"]]
    assert extract(lines, run, context=2).texts[1] == ["5", "late", "oh", "yes"]
    assert extract(lines, run, context=5).texts[1] == ["1", "2", "3", "4", "5", "late", "oh", "yes"]


def test_a_late_reply_makes_an_unanswered_question_answered(run: RunContext) -> None:
    got = extract([said(1, "bob", "q"), said(2, "sue", "a", at=5000, reply_to=1)], run)
    assert got.texts == [["q", "a"]]
    assert (got.kept, got.dropped) == (2, {})


def test_the_context_of_a_target_ends_where_its_dialog_begins(run: RunContext) -> None:
    lines = [
        said(1, "bob", "long ago", at=0),
        said(2, "sue", "indeed", at=1),
        said(3, "bob", "q", at=100),
        said(4, "sue", "a", at=500, reply_to=3),
    ]
    assert extract(lines, run).texts == [["long ago", "indeed"], ["q", "a"]]


def test_replies_in_order_change_nothing(run: RunContext) -> None:
    plain = talk("bob: a", "sue: b", "sue: c", "bob: d", "sue: e")
    linked = talk("bob: a", "sue: b", "sue: c", "bob: d", "sue: e")
    linked[1].reply_to = linked[2].reply_to = 1
    linked[3].reply_to, linked[4].reply_to = 3, 4
    assert extract(linked, run).texts == extract(plain, run).texts == [["a", "b\nc", "d", "e"]]


def test_a_reply_to_oneself_goes_on(run: RunContext) -> None:
    lines = [*talk("bob: a", "sue: b"), said(3, "sue", "I mean", reply_to=2)]
    assert extract(lines, run).texts == [["a", "b\nI mean"]]


def test_the_topic_of_a_forum_is_no_question(run: RunContext) -> None:
    lines = [
        said(1, "tom", "", kind="service: topic_created"),
        said(2, "bob", "q", reply_to=1),
        said(3, "sue", "a", reply_to=1),
    ]
    assert extract(lines, run, kind="public supergroup").texts == [["q", "a"]]


def test_a_reply_to_a_picture_or_to_nothing_is_paired_with_nothing_else(run: RunContext) -> None:
    lines = [
        said(1, "bob", "", kind="photo"),
        said(2, "bob", "q"),
        said(3, "sue", "lovely picture", reply_to=1),
        said(4, "sue", "who was that?", reply_to=77),
        said(5, "sue", "a"),
    ]
    got = extract(lines, run)
    assert got.texts == [["q", "a"]]
    assert got.dropped == {
        "photo": 1,
        "replies to a message that is not used": 1,
        "replies to a message that is not here": 1,
    }


def test_what_is_left_out_is_not_brought_back_by_a_reply(run: RunContext) -> None:
    lines = [said(1, "bob", "much too long"), said(2, "bob", "q"), said(3, "sue", "a", reply_to=1)]
    assert extract(lines, run, max_length=5).dropped["replies to a message that is not used"] == 1


def test_replies_can_be_ignored(run: RunContext) -> None:
    lines = [*talk("bob: tea?", "bob: it rains"), said(3, "sue", "yes", reply_to=1)]
    assert extract(lines, run, replies=False).texts == [["tea?\nit rains", "yes"]]


def test_in_a_group_a_reply_picks_its_question(run: RunContext) -> None:
    lines = [*talk("bob: where?", "tom: when?", "bob: and why?"), said(4, "sue", "now", reply_to=2)]
    assert extract(lines, run, kind="private group").texts == [["where?\nwhen?", "now"]]


@pytest.mark.parametrize(
    "ids", [range(1, 4001), range(4000, 0, -1), [number * 7919 % 10007 for number in range(1, 4001)]]
)
def test_targets_far_back_are_found_whatever_the_order_of_ids(run: RunContext, ids: Sequence[int]) -> None:
    lines = [said(of, "sue" if place % 2 else "bob", f"line {of}", at=place) for place, of in enumerate(ids)]
    targets = [ids[place] for place in (0, 2, 1000, 1002, 3998)]
    late = [said(20000 + of, "sue", f"to {of}", at=9999 + of, reply_to=of) for of in targets]
    got = extract([*lines, *late], run)
    answers = {dialog[-1]: dialog[-2] for dialog in got.texts if dialog[-1].startswith("to ")}
    assert answers == {f"to {of}": f"line {of}" for of in targets}


def test_old_context_comes_back_as_it_was(run: RunContext) -> None:
    lines = [said(place, "bob" if place % 2 else "sue", f"{place}", at=place) for place in range(1, 3001)]
    late = said(5000, "sue", "late", at=9999, reply_to=501)
    got = extract([*lines, late], run, dialog_turns=3000)
    assert got.texts[-1] == ["499", "500", "501", "late"]
    assert [utterance.messages for utterance in got.dialogs[-1].utterances] == [(498,), (499,), (500,), (3000,)]

"""Explicit replies."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autocakechat import RunContext
from tests.extractors.chats import extract, make_message, make_messages


def test_messages_between_a_reply_and_its_target_are_dropped(run: RunContext) -> None:
    messages = [
        *make_messages("bob: a", "sue: b", "bob: tea?", "bob: it rains"),
        make_message(5, "sue", "yes", reply_to=3),
    ]
    extracted = extract(messages, run)
    assert extracted.texts == [["a", "b", "tea?", "yes"]]
    assert extracted.dropped == {"no reply": 1}


def test_replies_to_two_messages_of_a_turn(run: RunContext) -> None:
    messages = [
        *make_messages("bob: tea?", "bob: cake?"),
        make_message(3, "sue", "black", reply_to=1),
        make_message(4, "sue", "cheese", reply_to=2),
    ]
    assert extract(messages, run).texts == [["tea?", "black"], ["tea?\ncake?", "cheese"]]


def test_a_late_reply_begins_a_dialog_with_the_context_of_its_target(run: RunContext) -> None:
    messages = [
        *make_messages("bob: 1", "sue: 2", "bob: 3", "sue: 4", "bob: 5", "sue: 6"),
        make_message(7, "sue", "late", at=5000, reply_to=5),
        make_message(8, "bob", "oh", at=5001),
        make_message(9, "sue", "yes", at=5002),
    ]
    assert extract(messages, run).texts == [list("123456"), ["3", "4", "5", "late", "oh", "yes"]]
    assert extract(messages, run, context=2).texts[1] == ["5", "late", "oh", "yes"]
    assert extract(messages, run, context=5).texts[1] == ["1", "2", "3", "4", "5", "late", "oh", "yes"]


def test_a_late_reply_to_a_message_without_reply(run: RunContext) -> None:
    extracted = extract([make_message(1, "bob", "q"), make_message(2, "sue", "a", at=5000, reply_to=1)], run)
    assert extracted.texts == [["q", "a"]]
    assert (extracted.kept, extracted.dropped) == (2, {})


def test_a_pause_ends_the_context_of_a_target(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "long ago", at=0),
        make_message(2, "sue", "indeed", at=1),
        make_message(3, "bob", "q", at=100),
        make_message(4, "sue", "a", at=500, reply_to=3),
    ]
    assert extract(messages, run).texts == [["long ago", "indeed"], ["q", "a"]]


def test_replies_in_order_do_not_change_the_dialog(run: RunContext) -> None:
    plain = make_messages("bob: a", "sue: b", "sue: c", "bob: d", "sue: e")
    linked = make_messages("bob: a", "sue: b", "sue: c", "bob: d", "sue: e")
    linked[1].reply_to = linked[2].reply_to = 1
    linked[3].reply_to, linked[4].reply_to = 3, 4
    assert extract(linked, run).texts == extract(plain, run).texts == [["a", "b\nc", "d", "e"]]


def test_a_reply_to_an_own_message_continues_the_turn(run: RunContext) -> None:
    messages = [*make_messages("bob: a", "sue: b"), make_message(3, "sue", "I mean", reply_to=2)]
    assert extract(messages, run).texts == [["a", "b\nI mean"]]


def test_the_topic_of_a_forum_is_not_a_target(run: RunContext) -> None:
    messages = [
        make_message(1, "tom", "", kind="service: topic_created"),
        make_message(2, "bob", "q", reply_to=1),
        make_message(3, "sue", "a", reply_to=1),
    ]
    assert extract(messages, run, kind="public supergroup").texts == [["q", "a"]]


def test_a_reply_to_a_picture_or_a_missing_message_is_dropped(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "", kind="photo"),
        make_message(2, "bob", "q"),
        make_message(3, "sue", "lovely picture", reply_to=1),
        make_message(4, "sue", "who was that?", reply_to=77),
        make_message(5, "sue", "a"),
    ]
    extracted = extract(messages, run)
    assert extracted.texts == [["q", "a"]]
    assert extracted.dropped == {
        "photo": 1,
        "replies to an unused message": 1,
        "replies to a missing message": 1,
    }


def test_a_dropped_message_is_not_a_target(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "much too long"),
        make_message(2, "bob", "q"),
        make_message(3, "sue", "a", reply_to=1),
    ]
    assert extract(messages, run, max_length=5).dropped["replies to an unused message"] == 1


def test_replies_can_be_ignored(run: RunContext) -> None:
    messages = [*make_messages("bob: tea?", "bob: it rains"), make_message(3, "sue", "yes", reply_to=1)]
    assert extract(messages, run, replies=False).texts == [["tea?\nit rains", "yes"]]


def test_a_reply_in_a_group(run: RunContext) -> None:
    messages = [*make_messages("bob: where?", "tom: when?", "bob: and why?"), make_message(4, "sue", "now", reply_to=2)]
    assert extract(messages, run, kind="private group").texts == [["where?\nwhen?", "now"]]


@pytest.mark.parametrize(
    "ids", [range(1, 4001), range(4000, 0, -1), [number * 7919 % 10007 for number in range(1, 4001)]]
)
def test_old_targets_are_found_with_ids_in_any_order(run: RunContext, ids: Sequence[int]) -> None:
    messages = [
        make_message(id_, "sue" if index % 2 else "bob", f"line {id_}", at=index) for index, id_ in enumerate(ids)
    ]
    targets = [ids[index] for index in (0, 2, 1000, 1002, 3998)]
    late = [make_message(20000 + id_, "sue", f"to {id_}", at=9999 + id_, reply_to=id_) for id_ in targets]
    extracted = extract([*messages, *late], run)
    replies = {dialog[-1]: dialog[-2] for dialog in extracted.texts if dialog[-1].startswith("to ")}
    assert replies == {f"to {id_}": f"line {id_}" for id_ in targets}


def test_the_context_of_an_old_target(run: RunContext) -> None:
    messages = [make_message(id_, "bob" if id_ % 2 else "sue", f"{id_}", at=id_) for id_ in range(1, 3001)]
    late = make_message(5000, "sue", "late", at=9999, reply_to=501)
    extracted = extract([*messages, late], run, dialog_turns=3000)
    assert extracted.texts[-1] == ["499", "500", "501", "late"]
    assert [utterance.messages for utterance in extracted.dialogs[-1].utterances] == [(498,), (499,), (500,), (3000,)]

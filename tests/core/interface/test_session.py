"""One conversation: what it keeps, what it asks, what it forgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import Reply, Session

Step = tuple[str, str]
steps = st.lists(st.tuples(st.sampled_from(["anna", "ben", "server"]), st.text(max_size=20)), max_size=40)


def play(session: Session, played: list[Step]) -> None:
    for speaker, text in played:
        if speaker == "server":
            session.add_reply(Reply(text))
        else:
            session.add_message(text, speaker)


def test_messages_in_a_row_make_one_line_as_in_the_corpus() -> None:
    session = Session(context_lines=5)
    session.add_message("hi")
    session.add_message("are you there?")
    assert session.request().context == ("hi\nare you there?",)


def test_an_answer_ends_the_line() -> None:
    session = Session(context_lines=5)
    session.add_message("hi")
    session.add_reply(Reply("hello"))
    session.add_message("how are you?")
    assert session.request().context == ("hi", "hello", "how are you?")


def test_lines_of_different_people_stay_apart() -> None:
    session = Session(context_lines=5)
    session.add_message("who is coming?", "anna")
    session.add_message("me", "ben")
    session.add_message("and my dog", "ben")
    assert session.request().context == ("who is coming?", "me\nand my dog")


def test_only_as_many_lines_are_kept_as_the_model_uses() -> None:
    session = Session(context_lines=3)
    for number in range(5):
        session.add_message(f"question {number}")
        session.add_reply(Reply(f"answer {number}"))
    session.add_message("last")
    assert session.request().context == ("question 4", "answer 4", "last")


def test_of_an_endless_line_the_end_is_kept() -> None:
    session = Session(context_lines=3, line_limit=10)
    for word in ("first", "second", "third"):
        session.add_message(word)
    assert session.request().context == ("cond\nthird",)


def test_nothing_can_be_asked_before_somebody_spoke() -> None:
    session = Session(context_lines=3)
    assert not session.waiting
    with pytest.raises(RuntimeError, match="nothing to answer"):
        session.request()


def test_reset_forgets_what_was_said_and_keeps_the_mood() -> None:
    session = Session(context_lines=3, emotion="joy")
    session.add_message("a secret")
    session.reset()
    assert not session.waiting
    session.add_message("hi")
    assert session.request().context == ("hi",)
    assert session.request().emotion == "joy"


def test_a_mood_is_found_however_it_is_typed() -> None:
    assert Session.find_mood(" JOY ", ["neutral", "joy"]) == "joy"
    assert Session.find_mood("rage", ["neutral", "joy"]) is None


def test_the_usual_mood_is_one_the_model_knows() -> None:
    assert Session.usual_mood(["joy", "neutral"]) == "neutral"
    assert Session.usual_mood(["joy", "anger"]) == "joy"


@given(steps)
def test_a_request_never_holds_more_than_the_model_uses_and_ends_with_what_a_client_said(played: list[Step]) -> None:
    session = Session(context_lines=3)
    play(session, played)
    assert session.waiting == (bool(played) and played[-1][0] != "server")
    if session.waiting:
        context = session.request().context
        assert 1 <= len(context) <= 3
        assert context[-1].endswith(played[-1][1])

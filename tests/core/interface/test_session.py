"""Sessions build the context of one conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import Reply, Session, pseudonym

Step = tuple[str, str]
steps = st.lists(st.tuples(st.sampled_from(["anna", "ben", "server"]), st.text(max_size=20)), max_size=40)


def replay(session: Session, conversation: list[Step]) -> None:
    for speaker, text in conversation:
        if speaker == "server":
            session.add_reply(Reply(text))
        else:
            session.add_message(text, speaker)


def test_consecutive_messages_form_one_turn() -> None:
    session = Session(context_lines=5)
    session.add_message("hi")
    session.add_message("are you there?")
    assert session.request().context == ("hi\nare you there?",)


def test_a_reply_ends_the_turn() -> None:
    session = Session(context_lines=5)
    session.add_message("hi")
    session.add_reply(Reply("hello"))
    session.add_message("how are you?")
    assert session.request().context == ("hi", "hello", "how are you?")


def test_messages_of_different_clients_form_one_turn() -> None:
    session = Session(context_lines=5)
    session.add_message("who is coming?", "anna")
    session.add_message("me", "ben")
    session.add_reply(Reply("great"))
    session.add_message("and my dog", "ben")
    assert session.request().context == ("who is coming?\nme", "great", "and my dog")
    assert session.request().person == pseudonym("ben")


def test_a_request_says_who_wrote_last_and_the_kind_of_chat() -> None:
    session = Session(context_lines=5, chat_kind="group")
    session.add_message("who is coming?", "anna")
    assert session.request().person == pseudonym("anna")
    session.add_message("me")
    request = session.request()
    assert (request.person, request.chat_kind) == ("", "group")


def test_only_the_context_of_the_model_is_kept() -> None:
    session = Session(context_lines=3)
    for number in range(5):
        session.add_message(f"message {number}")
        session.add_reply(Reply(f"reply {number}"))
    session.add_message("last")
    assert session.request().context == ("message 4", "reply 4", "last")


def test_a_model_without_context_gets_none() -> None:
    session = Session(context_lines=0)
    session.add_message("hi")
    session.add_reply(Reply("hello"))
    session.add_message("how are you?")
    assert session.request().context == ()


def test_a_long_turn_is_cut_at_its_start() -> None:
    session = Session(context_lines=3, line_limit=10)
    for word in ("first", "second", "third"):
        session.add_message(word)
    assert session.request().context == ("cond\nthird",)


def test_a_request_needs_a_message() -> None:
    session = Session(context_lines=3)
    assert not session.waiting
    with pytest.raises(RuntimeError, match="no message to reply to"):
        session.request()


def test_a_turn_has_the_newest_messages() -> None:
    session = Session(context_lines=3, turn_messages=2)
    for speaker, word in (("anna", "first"), ("ben", "second"), ("anna", "third")):
        session.add_message(word, speaker)
    assert session.request().context == ("second\nthird",)


def test_reset_deletes_the_turns_and_keeps_the_label() -> None:
    session = Session(context_lines=3, emotion="joy")
    session.add_message("a secret")
    session.reset()
    assert not session.waiting
    session.add_message("hi")
    assert session.request().context == ("hi",)
    assert session.request().emotion == "joy"


def test_a_typed_label_is_found_in_any_case() -> None:
    assert Session.find_label(" JOY ", ["neutral", "joy"]) == "joy"
    assert Session.find_label("rage", ["neutral", "joy"]) is None


def test_the_default_label_is_a_label_of_the_model() -> None:
    assert Session.default_label(["joy", "neutral"]) == "neutral"
    assert Session.default_label(["joy", "anger"]) == "joy"


@given(steps)
def test_a_context_is_limited_and_ends_with_a_message(conversation: list[Step]) -> None:
    session = Session(context_lines=3)
    replay(session, conversation)
    assert session.waiting == (bool(conversation) and conversation[-1][0] != "server")
    if session.waiting:
        context = session.request().context
        assert 1 <= len(context) <= 3
        assert context[-1].endswith(conversation[-1][1])

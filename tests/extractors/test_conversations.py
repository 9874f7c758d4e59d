"""Topics, and messages without text: what a reply answers, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autocakechat import Message, RunContext
from tests.extractors.chats import extract, extract_export, make_message, make_messages
from tests.sources.exports import Json, make_chat, make_service, write_export
from tests.sources.exports import make_message as make_raw


def in_topic(topic: str, *messages: Message) -> list[Message]:
    for message in messages:
        message.topic = topic
    return list(messages)


def interleaved(*lines: str) -> list[Message]:
    """Messages from lines "topic/sender: text", one per minute."""
    topics, rest = zip(*(line.split("/", 1) for line in lines), strict=True)
    messages = make_messages(*rest)
    for message, topic in zip(messages, topics, strict=True):
        message.topic = topic
    return messages


def test_topics_are_separate_conversations(run: RunContext) -> None:
    messages = interleaved(
        "cats/bob: my cat", "tax/tom: when due?", "tax/sue: July", "cats/sue: fish", "/tom: hi", "/sue: hello"
    )
    separate = extract(messages, run)
    assert sorted(separate.texts) == [["hi", "hello"], ["my cat", "fish"], ["when due?", "July"]]
    joined = extract(messages, run, topics=False)
    assert joined.texts == [["my cat\nwhen due?", "July\nfish", "hi", "hello"]]


def test_a_pause_in_a_topic_ends_its_dialog(run: RunContext) -> None:
    messages = [
        *in_topic("a", make_message(1, "bob", "q1", at=0), make_message(2, "sue", "a1", at=1)),
        *in_topic("b", make_message(3, "bob", "q2", at=25), make_message(4, "sue", "a2", at=26)),
        *in_topic("a", make_message(5, "bob", "q3", at=40), make_message(6, "sue", "a3", at=41)),
    ]
    assert sorted(extract(messages, run).texts) == [["q1", "a1"], ["q2", "a2"], ["q3", "a3"]]
    assert sorted(extract(messages, run, gap_minutes=60.0).texts) == [["q1", "a1", "q3", "a3"], ["q2", "a2"]]


def test_the_context_of_an_explicit_reply_is_of_its_topic(run: RunContext) -> None:
    filler = [f"b/{'sue' if number % 2 else 'bob'}: b{number}" for number in range(600)]  # more than two batches
    messages = interleaved(
        "a/bob: a0", "b/bob: other", "a/sue: a1", "b/sue: another", "a/bob: a2", *filler, "a/sue: a3"
    )
    messages[-1].reply_to = messages[4].id
    assert ["a0", "a1", "a2", "a3"] in extract(messages, run).texts


def test_many_topics_leave_no_message_unaccounted_for(run: RunContext) -> None:
    messages = interleaved(*(f"t{number % 1500}/bob: q{number}" for number in range(3000)), "t1499/sue: a")
    extracted = extract(messages, run, gap_minutes=1e6)  # fails if a message is neither kept nor dropped
    assert extracted.texts == [["q2999", "a"]]


def forum(*posts: tuple[int, int, int | None, str]) -> list[Json]:
    """Posts of a forum: id, sender, the message replied to, text."""
    return [
        make_raw(number, sender, text, **({} if target is None else {"reply_to_message_id": target}))
        for number, sender, target, text in posts
    ]


CATS, TAXES = 10, 11
TOPICS = [
    make_service(CATS, 3, "topic_created", title="Cats"),
    make_service(TAXES, 3, "topic_created", title="Taxes"),
]


def test_the_topics_of_a_forum_follow_the_chain_of_replies(tmp_path: Path, run: RunContext) -> None:
    posts = forum(
        (20, 2, CATS, "my cat eats nothing"),
        (21, 3, TAXES, "when are they due?"),
        (22, 3, None, "good morning"),
        (23, 1, 21, "in July"),  # a reply to a message of the topic
        (24, 1, CATS, "try fish"),
        (25, 1, None, "morning!"),
        (26, 2, 24, "it works"),
        (27, 3, 23, "and for firms?"),
        (28, 1, 26, "great"),
        (29, 1, 27, "in October"),
    )
    export = write_export(tmp_path / "result.json", make_chat([*TOPICS, *posts], type="private_supergroup"))
    assert sorted(extract_export(export, run).texts) == [
        ["good morning", "morning!"],
        ["my cat eats nothing", "try fish", "it works", "great"],
        ["when are they due?", "in July", "and for firms?", "in October"],
    ]


def test_topics_older_than_the_export_are_separate(tmp_path: Path, run: RunContext) -> None:
    posts = [(20 + number, 2 + number % 2, (3, 4)[number % 2], f"q{number}") for number in range(8)]
    posts += [(40, 1, 3, "to the even"), (41, 1, 4, "to the odd")]
    messages = [make_service(15, 3, "topic_edit", reply_to_message_id=4, new_title="Odd"), *forum(*posts)]
    export = write_export(tmp_path / "result.json", make_chat(messages, type="private_supergroup"))
    assert extract_export(export, run).texts == [
        ["q0\nq2\nq4\nq6", "to the even"],
        ["q1\nq3\nq5\nq7", "to the odd"],
    ]


UNREAD = ["photo", "sticker", "voice message", "poll", "unknown message", "empty message"]


@pytest.mark.parametrize("kind", UNREAD)
def test_what_follows_a_message_without_text_answers_nothing_before_it(run: RunContext, kind: str) -> None:
    messages = make_messages(
        "bob: sunday?", "sue: yes", "bob: ", "sue: cute dog", "sue: really", "bob: is it?", "sue: y"
    )
    messages[2].kind = kind
    extracted = extract(messages, run)
    assert extracted.texts == [["sunday?", "yes", "is it?", "y"]]
    assert extracted.dropped == {kind: 1, "answers a message without text": 2}


@pytest.mark.parametrize(
    "between",
    [
        {"sender": "sue", "kind": "photo"},  # the server's own picture
        {"sender": "bob", "kind": "service: pin_message"},
        {"sender": "", "kind": "damaged message"},
        {"sender": "bob", "kind": "text"},  # an empty text
    ],
)
def test_other_messages_without_text_do_not_separate_turns(run: RunContext, between: dict[str, Any]) -> None:
    messages = make_messages("bob: sunday?", "x: ", "sue: yes")
    messages[1].sender, messages[1].kind = between["sender"], between["kind"]
    assert extract(messages, run).texts == [["sunday?", "yes"]]


def test_a_text_too_long_to_read_separates_turns(run: RunContext) -> None:
    messages = make_messages("bob: sunday?", f"bob: {'x' * 3000}", "sue: what a story")
    assert extract(messages, run).dropped == {"too long": 1, "answers a message without text": 1, "no reply": 1}


def test_an_explicit_reply_after_a_picture_answers_its_target(run: RunContext) -> None:
    messages = make_messages("bob: sunday?", "bob: ", "sue: yes", "sue: gladly")
    messages[1].kind = "photo"
    assert extract(messages, run).texts == []
    messages[2].reply_to = messages[0].id
    assert extract(messages, run).texts == [["sunday?", "yes\ngladly"]]
    assert extract(messages, run, replies=False).texts == []


def test_an_answer_to_a_picture_is_no_context(run: RunContext) -> None:
    messages = make_messages("bob: q", "sue: a", "bob: ", "sue: cute", "bob: more?", *["tom: x"] * 20, "sue: yes")
    messages[2].kind = "photo"
    messages[-1].reply_to = messages[4].id
    assert ["q", "a", "more?", "yes"] in extract(messages, run).texts


@pytest.mark.parametrize("blank", [" \n\t\u200b", "\u3164", "\u2800\u2800", "\u2060\ufeff", "\u200e \u200f", "\ufe0f"])
def test_invisible_texts_are_blank(run: RunContext, blank: str) -> None:
    extracted = extract(make_messages("bob: q", f"sue: {blank}", f"bob: {blank}", "sue: real"), run)
    assert extracted.texts == [["q", "real"]]
    assert extracted.dropped == {"blank": 2}


@pytest.mark.parametrize("visible", ["\u200fשלום", "\u2060a", "❤\ufe0f", "👩\u200d👧"])
def test_texts_with_invisible_characters_are_not_blank(run: RunContext, visible: str) -> None:
    assert extract(make_messages("bob: q", f"sue: {visible}"), run).texts == [["q", visible]]

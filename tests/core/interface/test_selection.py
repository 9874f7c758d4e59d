"""`select_chats`: which chats are skipped, which messages are dropped, and what an unclear entry says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from autocakechat import Chat, Message, UserError, select_chats
from autocakechat.interface.selection import EXCLUDED_CHAT, EXCLUDED_PERSON, NOT_INCLUDED

Senders = Sequence[tuple[str, str | None]]


def chat(id: str, title: str | None, senders: Senders, skip: str | None = None) -> Chat:
    messages = [
        Message(id=n, sender=sender, sender_name=name, text=f"line {n}", sent=n, outgoing=False)
        for n, (sender, name) in enumerate(senders)
    ]
    return Chat(id, title, "chat", messages, skip)


def log() -> Iterator[Chat]:
    """A group, two private chats, and a chat that the source skips."""
    yield chat("chat9", "Family", [("user1", "Me"), ("user2", "Ann"), ("user3", "Bob Ross"), ("", None)])
    yield chat("user2", "Ann", [("user1", "Me"), ("user2", "Ann")])
    yield chat("user3", "Bob Ross", [("user1", "Me"), ("user3", "Bob Ross")])
    yield chat("user8", "Weather", [("user8", "Weather")], skip="bot chat")


def select(
    chats: Iterator[Chat], include: Sequence[str | int] = (), exclude: Sequence[str | int] = ()
) -> dict[str, tuple[str | None, list[str]]]:
    """Returns for each chat why it is skipped and who wrote its messages; an empty sender wrote a dropped message."""
    selected = {}
    for selected_chat in select_chats(chats, include, exclude):
        messages = list(selected_chat.messages)
        assert all(bool(message.sender) != (message.kind == EXCLUDED_PERSON) for message in messages if message.id < 3)
        selected[selected_chat.id] = (selected_chat.skip, [message.sender for message in messages])
    return selected


def test_without_entries_the_chats_are_unchanged() -> None:
    chats = list(log())
    assert list(select_chats(chats, [], [])) == chats
    assert [chat.skip for chat in chats] == [None, None, None, "bot chat"]


@pytest.mark.parametrize("entry", ["chat9", "Family", "fAMILY", " Family ", "9", 9])
def test_only_included_chats_are_read(entry: str | int) -> None:
    reasons = [skip for skip, _ in select(log(), include=[entry]).values()]
    assert reasons == [None, NOT_INCLUDED, NOT_INCLUDED, NOT_INCLUDED]


def test_an_included_chat_is_read_even_if_the_source_skips_its_kind() -> None:
    assert select(log(), include=["Weather", "Family"])["user8"] == (None, ["user8"])


@pytest.mark.parametrize("entry", ["user3", "Bob Ross", "bob ross", "3", 3])
def test_an_excluded_person_loses_the_private_chat_and_every_message(entry: str | int) -> None:
    selected = select(log(), exclude=[entry])
    assert selected["chat9"] == (None, ["user1", "user2", "", ""])
    assert selected["user2"] == (None, ["user1", "user2"])
    assert selected["user3"][0] == EXCLUDED_CHAT
    assert selected["user8"][0] == "bot chat"


def test_a_dropped_message_keeps_nothing_of_its_sender() -> None:
    for selected in select_chats(log(), [], ["user3"]):
        for message in selected.messages:
            if message.kind == EXCLUDED_PERSON:
                assert (message.sender, message.sender_name, message.text, message.outgoing) == ("", None, "", None)


def test_a_chat_in_both_options_is_skipped() -> None:
    assert select(log(), include=["Family", "Ann"], exclude=["Family"])["chat9"][0] == EXCLUDED_CHAT


@pytest.mark.parametrize(
    ("include", "exclude", "problem"),
    [
        (["Famly"], [], "include in [[source]]: 'Famly' fits no chat; did you mean chat9 (Family)?"),
        (["bob"], [], "include in [[source]]: 'bob' fits no chat; did you mean user3 (Bob Ross)?"),
        (["Me"], [], "'Me' fits no chat; there are chat9 (Family), user2 (Ann), user3 (Bob Ross) and user8 (Weather)"),
        ([], ["user33"], "exclude in [[source]]: 'user33' fits no chat or person; did you mean user3 (Bob Ross)"),
    ],
)
def test_an_entry_that_fits_nothing_names_the_candidates(include: list[str], exclude: list[str], problem: str) -> None:
    with pytest.raises(UserError) as raised:
        select(log(), include, exclude)
    assert problem in str(raised.value)


def test_an_entry_that_fits_two_things_lists_them() -> None:
    chats = iter([*log(), chat("chat5", "ann", [("user1", "Me\x1b[31m")])])
    with pytest.raises(UserError) as raised:
        select(chats, ["Ann"], ["Family", "ann", "user7"])
    assert str(raised.value).splitlines()[:2] == [
        "include in [[source]]: 'Ann' fits user2 (Ann) and chat5 (ann); write the id of the right one",
        "exclude in [[source]]: 'ann' fits user2 (Ann) and chat5 (ann); write the id of the right one",
    ]
    assert "\x1b" not in str(raised.value)


def test_a_name_that_a_person_did_not_always_have_is_an_error() -> None:
    def renamed() -> Iterator[Chat]:
        yield chat("chat1", "One", [("user1", "Me"), ("user2", "Ann")])
        yield chat("chat2", "Two", [("user1", "Me"), ("user2", "Anna")])

    with pytest.raises(UserError, match=r"'Anna' is only one of the names of user2; write the id: \"user2\""):
        select(renamed(), exclude=["Anna"])
    assert select(renamed(), exclude=["Ann"])["chat2"] == (None, ["user1", ""])
    assert select(renamed(), exclude=["user2"])["chat1"] == (None, ["user1", ""])

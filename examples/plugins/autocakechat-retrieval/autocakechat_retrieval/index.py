"""The index: every reply of a corpus, found by the terms of the lines around it.

The model folder contains `answers.json` with the texts and labels of the replies, and one folder per field with a BM25
index: numeric arrays as .npy files and a vocabulary as JSON. It contains no pickles.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import bm25s
import numpy as np

from autocakechat import Corpus, RunContext, UserError, Utterance
from autocakechat_retrieval.terms import terms

if TYPE_CHECKING:
    from autocakechat_retrieval import Options

Scores = np.ndarray[tuple[int], np.dtype[np.float32]]

_REPLIES_FILE = "answers.json"
_NO_TERM = ""  # the only term of a text without terms, since BM25 divides by the mean length

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index it builds


class Field(StrEnum):
    """The indexed fields of a pair. The value is the name of the index folder."""

    MESSAGE = "asked"
    EARLIER = "earlier"
    REPLY = "answered"


@attrs.frozen
class Pair:
    """A reply and its context.

    Attributes:
        earlier: The lines before the message, oldest first.
        message: The line that the server replies to.
        reply: The server's reply.
        label: The label of the reply.
    """

    earlier: Sequence[str]
    message: str
    reply: str
    label: str

    def text(self, field: Field) -> str:
        """Returns the text of a field."""
        match field:
            case Field.MESSAGE:
                return self.message
            case Field.EARLIER:
                return "\n".join(self.earlier)
            case Field.REPLY:
                return self.reply


@attrs.frozen
class Index:
    """The indexed replies.

    Attributes:
        replies: Their texts.
        labels: Their labels, shape (replies,).
        context_lines: Number of indexed lines before a reply.
        scorers: For each field, a function from query terms to the BM25 score of every reply, shape (replies,).
    """

    replies: Sequence[str]
    labels: np.ndarray[tuple[int], np.dtype[np.str_]]
    context_lines: int
    scorers: Mapping[Field, Callable[[list[str]], Scores]]

    def scores(self, field: Field, text: str) -> Scores:
        """Scores every reply by a field.

        Args:
            field: The field to compare.
            text: The text to compare it with.

        Returns:
            BM25 scores, shape (replies,); 0 for replies without a common term.
        """
        query = terms(text)
        return self.scorers[field](query) if query else np.zeros(len(self.replies), np.float32)


def pairs(dialogs: Iterator[tuple[Utterance, ...]], context_lines: int) -> Iterator[Pair]:
    """Yields the server's replies, which are every second utterance of a dialog, with their context."""
    for dialog in dialogs:
        for reply_index in range(1, len(dialog), 2):
            context = dialog[max(0, reply_index - context_lines) : reply_index]
            *earlier, message = [utterance.text for utterance in context]
            reply = dialog[reply_index]
            yield Pair(earlier, message, reply.text, reply.emotion)


def build(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the replies of a corpus.

    Args:
        options: The options of the trainer.
        corpus: The corpus.
        into: An empty folder for the index.
        run: The run, for its progress display.

    Returns:
        `pairs`: the number of replies; `found`: the share of messages of the held-out set that have a term in common
        with an indexed message.

    Raises:
        UserError: The corpus contains no reply.
    """
    training_pairs = list(pairs(corpus.dialogs("train"), options.context_lines))
    if not training_pairs:
        raise UserError("the corpus contains no replies", "use more chats")
    with run.progress("indexing replies", total=len(Field)) as progress:
        for field in Field:
            index = bm25s.BM25(k1=options.k1, b=options.b, auto_compile=False)
            index.index(_term_ids(pair.text(field) for pair in training_pairs), show_progress=False)
            index.save(into / field, show_progress=False)
            progress.advance()
    content = {
        "context_lines": options.context_lines,
        "answers": [pair.reply for pair in training_pairs],
        "labels": [pair.label for pair in training_pairs],
    }
    (into / _REPLIES_FILE).write_text(json.dumps(content, ensure_ascii=False, indent=0), "utf-8")
    return {"pairs": len(training_pairs), **_measure(open_index(into), corpus)}


def _term_ids(texts: Iterable[str]) -> tuple[list[list[int]], dict[str, int]]:
    """Returns the term ids of each text, and the vocabulary in a deterministic order."""
    vocabulary = {_NO_TERM: 0}
    terms_of_texts = (terms(text) or [_NO_TERM] for text in texts)
    ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in text_terms] for text_terms in terms_of_texts]
    return ids, vocabulary


def _measure(index: Index, corpus: Corpus) -> dict[str, float]:
    """Measures the share of messages of the held-out set that have a term in common with an indexed message.

    Returns:
        `found`, the share; an empty dictionary if the held-out set is empty.
    """
    messages = [pair.message for pair in pairs(corpus.dialogs("validation"), 1)]
    if not messages:
        return {}
    match_count = sum(bool(index.scores(Field.MESSAGE, message).any()) for message in messages)
    return {"found": round(match_count / len(messages), 4)}


def open_index(folder: Path) -> Index:
    """Opens an index that `build` wrote. Its arrays are memory-mapped."""
    content = json.loads((folder / _REPLIES_FILE).read_text("utf-8"))
    scorers: dict[Field, Callable[[list[str]], Scores]] = {
        field: bm25s.BM25.load(folder / field, mmap=True, show_progress=False, auto_compile=False).get_scores
        for field in Field
    }
    return Index(content["answers"], np.array(content["labels"]), content["context_lines"], scorers)

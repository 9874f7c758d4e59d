"""What the results of an evaluation mean, in words. `docs/evaluation.md` lists the thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

from autocakechat.evaluation.metric_registry import METRICS, Metric, percent
from autocakechat.evaluation.results import Evaluation, Measurement

FEW_REPLIES = 100
CLEAR_CONTEXT = 0.25  # of the way from the better baseline to a perfect ranking
CLOSE = 0.10  # a difference of shares
COMMON = 0.10  # a share of replies
MOSTLY, PARTLY = 0.8, 0.5

Level = Literal["good", "fair", "poor", "unknown"]


@attrs.frozen
class Finding:
    """A question about the bot, and the result.

    Attributes:
        question: The question.
        level: How good the result is.
        answer: The result in a word or two.
        details: The figures that the result is derived from.
    """

    question: str
    level: Level
    answer: str
    details: str

    def __str__(self) -> str:
        """Returns one line for a terminal."""
        return f"{self.question} {self.answer}. {self.details}"


def verdict(evaluation: Evaluation) -> list[Finding]:
    """Returns the findings on the context, the style, the length, the variety and the baselines."""
    context = _context(evaluation)
    return [
        context,
        _style(evaluation),
        _length(evaluation.measures["words"]),
        _variety(evaluation),
        _baselines(evaluation, context),
    ]


def cautions(evaluation: Evaluation) -> list[str]:
    """Returns what limits the verdict: the notes of the evaluation, and a small number of replies."""
    if evaluation.samples >= FEW_REPLIES:
        return list(evaluation.notes)
    few = f"only {evaluation.samples} replies were evaluated; with fewer than {FEW_REPLIES}, the verdict is a guess"
    return [*evaluation.notes, few]


def _context(evaluation: Evaluation) -> Finding:
    question = "Does it follow the context?"
    ranking = evaluation.measures["mean_average_precision"]
    margin = evaluation.margins["mean_average_precision"].bot
    if ranking.bot is None or ranking.random is None or ranking.most_frequent is None:
        return Finding(question, "unknown", "Not measured", "There was no ranking of true replies.")
    if margin is None:
        return Finding(question, "unknown", "Not measured", "One reply is too few.")
    low, high = max(ranking.bot - margin, 0), min(ranking.bot + margin, 1)
    figures = (
        f"(mean average precision {ranking.bot:.2f}, 95 % interval {low:.2f} to {high:.2f}; chance {ranking.random:.2f}"
    )
    if low <= ranking.random:
        return Finding(question, "poor", "No", f"It ranks true replies not measurably better than chance {figures}).")
    figures += f", by frequency {ranking.most_frequent:.2f})."
    if low <= ranking.most_frequent:
        return Finding(
            question, "fair", "Hardly", f"It ranks true replies better than chance, but not than by frequency {figures}"
        )
    baseline = max(ranking.random, ranking.most_frequent)
    if ranking.bot - baseline < CLEAR_CONTEXT * (1 - baseline):
        return Finding(question, "fair", "A little", f"It ranks true replies better than chance {figures}")
    return Finding(question, "good", "Yes", f"It ranks true replies clearly better than chance {figures}")


def _style(evaluation: Evaluation) -> Finding:
    question = "Does it write like the person?"
    features = list(_common_features(evaluation))
    if not features:
        return Finding(
            question, "unknown", "Not measured", f"No feature of style is in {percent(COMMON)} of the replies."
        )
    close = _count_close(features, "bot")
    details = (
        f"Of {len(features)} common features of style, {close} are within {100 * CLOSE:.0f} percentage points of the "
        f"person's."
    )
    differences = [
        f"{metric.title} {percent(shares.bot)} (person {percent(shares.person)})"
        for metric, shares in sorted(features, key=lambda feature: -_difference(feature[1], "bot"))[:3]
        if shares.bot is not None and shares.person is not None and not _is_close(shares, "bot")
    ]
    if differences:
        details += f" The largest differences: {', '.join(differences)}."
    return _by_share(question, close / len(features), details)


def _length(words: Measurement) -> Finding:
    question = "Are its replies as long?"
    if not words.bot or not words.person:
        return Finding(question, "unknown", "Not measured", "There are no words.")
    ratio = words.bot / words.person
    return Finding(
        question=question,
        level=_level(min(ratio, 1 / ratio)),
        answer="Yes" if min(ratio, 1 / ratio) >= MOSTLY else "Shorter" if ratio < 1 else "Longer",
        details=f"They have {words.bot:.1f} words on average, the person's {words.person:.1f}.",
    )


def _variety(evaluation: Evaluation) -> Finding:
    question = "Are its replies as varied?"
    pairs, replies = evaluation.measures["distinct_2"], evaluation.measures["different"]
    if pairs.bot is None or not pairs.person or replies.bot is None or replies.person is None:
        return Finding(question, "unknown", "Not measured", "The replies are too short.")
    details = (
        f"In texts of the same length, it has {100 * pairs.bot:.0f} different pairs of words per 100 (person "
        f"{100 * pairs.person:.0f}); {percent(replies.bot)} of its replies are different (person "
        f"{percent(replies.person)})."
    )
    return _by_share(question, pairs.bot / pairs.person, details)


def _baselines(evaluation: Evaluation, context: Finding) -> Finding:
    """Compares with always the same reply by style and vocabulary, and with a random reply by the context."""
    features = list(_common_features(evaluation))
    close, same_close = _count_close(features, "bot"), _count_close(features, "most_frequent")
    vocabulary = evaluation.measures["lexical_similarity"]
    similarity, same_similarity = vocabulary.bot or 0, vocabulary.most_frequent or 0
    beats_same = close > same_close and similarity > same_similarity
    beats_random = context.level in ("good", "fair")
    answers: dict[int, tuple[Level, str]] = {0: ("poor", "No"), 1: ("fair", "Partly"), 2: ("good", "Yes")}
    details = (
        f"It is {'closer' if beats_same else 'not closer'} to the person than always the same reply (close features of "
        f"style: {close}, baseline {same_close}; lexical similarity: {similarity:.2f}, baseline {same_similarity:.2f})"
    )
    if context.level == "unknown":
        details += ". Whether it fits the context better than a random reply of the person was not measured."
    elif beats_random:
        details += "; it fits the context better than a random reply of the person."
    else:
        details += "; it does not fit the context measurably better than a random reply of the person."
    return Finding("Is it better than the baselines?", *answers[beats_same + beats_random], details)


def _common_features(evaluation: Evaluation) -> Iterator[tuple[Metric, Measurement]]:
    """Yields the features of style that are common in the replies of the bot or of the person."""
    for metric in METRICS:
        shares = evaluation.measures[metric.key]
        is_feature = metric.group == "style" and metric.unit == "share of replies"
        if is_feature and shares.person is not None and max(shares.bot or 0, shares.person) >= COMMON:
            yield metric, shares


def _count_close(features: Sequence[tuple[Metric, Measurement]], column: str) -> int:
    return sum(_is_close(shares, column) for _, shares in features)


def _is_close(shares: Measurement, column: str) -> bool:
    return _difference(shares, column) <= CLOSE


def _difference(shares: Measurement, column: str) -> float:
    value: float | None = getattr(shares, column)
    return 1.0 if value is None or shares.person is None else abs(value - shares.person)


def _by_share(question: str, share: float, details: str) -> Finding:
    answers: dict[Level, str] = {"good": "Yes", "fair": "Partly", "poor": "No"}
    return Finding(question, _level(share), answers[_level(share)], details)


def _level(share: float) -> Level:
    return "good" if share >= MOSTLY else "fair" if share >= PARTLY else "poor"

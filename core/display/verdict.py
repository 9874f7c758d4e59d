"""What the results of an evaluation mean, in words. `docs/evaluation.md` lists the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import attrs

from autocakechat.evaluation.metric import Metric, percent
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.results import Evaluation, Measurement, ModelResults

FEW_REPLIES = 100
CLOSE = 0.10  # a difference of shares
COMMON = 0.10  # a share of replies
ECHO = 0.20  # a difference of shares of words
MOSTLY, PARTLY = 0.8, 0.5

Level = Literal["good", "fair", "poor", "unknown"]
_Column = Callable[[Measurement], float | None]


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


def verdict(model: ModelResults) -> list[Finding]:
    """Returns the findings on a model: context, relevance, style, length, variety, copying and the baselines."""
    return [
        _context(model.measures["ranking.map"]),
        _relevance(model),
        _style(model),
        _length(model.measures["length.words"]),
        _variety(model),
        _copying(model),
        _baselines(model),
    ]


def cautions(evaluation: Evaluation) -> list[str]:
    """Returns what limits the verdict: the notes of the evaluation and the models, and a small number of replies."""
    notes = list(evaluation.notes)
    for name, model in evaluation.models.items():
        prefix = f"{name}: " if len(evaluation.models) > 1 else ""
        notes += [f"{prefix}{note}" for note in model.notes]
    if evaluation.samples < FEW_REPLIES:
        few = f"only {evaluation.samples} replies were evaluated"
        notes.append(f"{few}; with fewer than {FEW_REPLIES}, the verdict is a guess")
    return notes


def _context(ranking: Measurement) -> Finding:
    question = "Does it follow the context?"
    chance, frequency = ranking.baselines.get("chance"), ranking.baselines.get("most_frequent")
    words = ranking.baselines.get("rare_words")
    if ranking.value is None or chance is None or frequency is None or words is None:
        return Finding(question, "unknown", "Not measured", "There was no ranking of true replies.")
    if ranking.low is None or ranking.high is None:
        return Finding(question, "unknown", "Not measured", "One dialog is too few.")
    figures = (
        f"(mean average precision {ranking.value:.2f}, 95 % interval {ranking.low:.2f} to {ranking.high:.2f}; chance "
        f"{chance:.2f}, by frequency {frequency:.2f}, by shared rare words {words:.2f})."
    )
    level: Level = "fair"
    if ranking.low <= chance:
        level, answer, details = "poor", "No", "It ranks true replies not measurably better than chance"
    elif ranking.low <= frequency:
        answer, details = "Hardly", "It ranks true replies better than chance, but not than by frequency"
    elif ranking.low <= words:
        answer, details = "A little", "It ranks true replies better than chance, but not than by shared rare words"
    else:
        level, answer, details = "good", "Yes", "It ranks true replies better than by shared rare words"
    return Finding(question, level, answer, f"{details} {figures}")


def _relevance(model: ModelResults) -> Finding:
    question = "Do its replies fit the context?"
    fit, echo = model.measures["relevance.map"], model.measures["relevance.echo"]
    random = fit.baselines.get("random")
    if fit.value is None or fit.low is None or fit.person is None or random is None:
        return Finding(question, "unknown", "Not measured", "There are too few dialogs.")
    figures = (
        f"(mean average precision of a judge that knows only words: {fit.value:.2f}, the person's replies "
        f"{fit.person:.2f}, random replies {random:.2f})."
    )
    if not _beats_random(fit):
        return Finding(question, "poor", "No", f"They fit not measurably better than random replies {figures}")
    if echo.value is not None and echo.person is not None and echo.value > echo.person + ECHO:
        details = f"{percent(echo.value)} of their words are in the message before (person {percent(echo.person)})"
        return Finding(question, "fair", "They repeat it", f"{details} {figures}")
    share = (fit.value - random) / (fit.person - random) if fit.person > random else 1.0
    answers: dict[Level, str] = {"good": "Yes", "fair": "Partly", "poor": "A little"}
    return Finding(question, _level(share), answers[_level(share)], f"They fit better than random replies {figures}")


def _copying(model: ModelResults) -> Finding:
    question = "Does it only copy?"
    verbatim, canaries = model.measures["copying.verbatim"], model.measures["copying.canaries"]
    if verbatim.value is None or verbatim.person is None:
        return Finding(question, "unknown", "Not measured", "There are no replies.")
    surplus = verbatim.value - verbatim.person
    level: Level = "good" if surplus <= CLOSE else "fair" if surplus <= PARTLY else "poor"
    details = (
        f"{percent(verbatim.value)} of its replies are in the training part word for word (person "
        f"{percent(verbatim.person)})."
    )
    if canaries.value is not None:
        details += f" {percent(canaries.value)} of the planted strings came back."
    return Finding(question, level, {"good": "No", "fair": "Partly", "poor": "Yes"}[level], details)


def _style(model: ModelResults) -> Finding:
    question = "Does it write like the person?"
    features = list(_common_features(model))
    if not features:
        return Finding(
            question, "unknown", "Not measured", f"No feature of style is in {percent(COMMON)} of the replies."
        )
    close = _count_close(features, _own)
    details = (
        f"Of {len(features)} common features of style, {close} are within {100 * CLOSE:.0f} percentage points of the "
        f"person's."
    )
    differences = [
        f"{metric.title} {percent(shares.value)} (person {percent(shares.person)})"
        for metric, shares in sorted(features, key=lambda feature: -_difference(feature[1], _own))[:3]
        if shares.value is not None and shares.person is not None and not _is_close(shares, _own)
    ]
    if differences:
        details += f" The largest differences: {', '.join(differences)}."
    told = model.measures["style.two_sample_accuracy"].value
    if told is not None:
        details += (
            f" A classifier tells its replies from the person's in {percent(told)} of the cases; 50 % is by chance."
        )
    return _by_share(question, close / len(features), details)


def _length(words: Measurement) -> Finding:
    question = "Are its replies as long?"
    if not words.value or not words.person:
        return Finding(question, "unknown", "Not measured", "There are no words.")
    ratio = words.value / words.person
    return Finding(
        question=question,
        level=_level(min(ratio, 1 / ratio)),
        answer="Yes" if min(ratio, 1 / ratio) >= MOSTLY else "Shorter" if ratio < 1 else "Longer",
        details=f"They have {words.value:.1f} words on average, the person's {words.person:.1f}.",
    )


def _variety(model: ModelResults) -> Finding:
    question = "Are its replies as varied?"
    pairs, replies = model.measures["variety.distinct_2"], model.measures["variety.different"]
    if pairs.value is None or not pairs.person or replies.value is None or replies.person is None:
        return Finding(question, "unknown", "Not measured", "The replies are too short.")
    details = (
        f"In texts of the same length, it has {100 * pairs.value:.0f} different pairs of words per 100 (person "
        f"{100 * pairs.person:.0f}); {percent(replies.value)} of its replies are different (person "
        f"{percent(replies.person)})."
    )
    return _by_share(question, pairs.value / pairs.person, details)


def _beats_random(fit: Measurement) -> bool | None:
    """Returns whether replies fit measurably better than random replies; None if that was not measured."""
    random = fit.baselines.get("random")
    return None if fit.low is None or random is None else fit.low > random


def _baselines(model: ModelResults) -> Finding:
    """Compares with always the same reply by style and vocabulary, and with a random reply by the relevance."""
    features = list(_common_features(model))
    close, same_close = _count_close(features, _own), _count_close(features, _same)
    vocabulary = model.measures["variety.lexical_similarity"]
    similarity, same_similarity = vocabulary.value or 0, _same(vocabulary) or 0
    beats_same = close > same_close and similarity > same_similarity
    beats_random = _beats_random(model.measures["relevance.map"])
    answers: dict[int, tuple[Level, str]] = {0: ("poor", "No"), 1: ("fair", "Partly"), 2: ("good", "Yes")}
    details = (
        f"It is {'closer' if beats_same else 'not closer'} to the person than always the same reply (close features of "
        f"style: {close}, baseline {same_close}; lexical similarity: {similarity:.2f}, baseline {same_similarity:.2f})"
    )
    if beats_random is None:
        details += ". Whether its replies fit the context better than random replies of the person was not measured."
    elif beats_random:
        details += "; its replies fit the context better than random replies of the person."
    else:
        details += "; its replies do not fit the context measurably better than random replies of the person."
    return Finding("Is it better than the baselines?", *answers[beats_same + bool(beats_random)], details)


def _common_features(model: ModelResults) -> Iterator[tuple[Metric, Measurement]]:
    """Yields the features of style that are common in the replies of the bot or of the person."""
    for metric in METRICS:
        shares = model.measures[metric.key]
        is_feature = metric.group == "style" and metric.unit == "share of replies"
        if is_feature and shares.person is not None and max(shares.value or 0, shares.person) >= COMMON:
            yield metric, shares


def _own(shares: Measurement) -> float | None:
    return shares.value


def _same(shares: Measurement) -> float | None:
    return shares.baselines.get("most_frequent")


def _count_close(features: Sequence[tuple[Metric, Measurement]], column: _Column) -> int:
    return sum(_is_close(shares, column) for _, shares in features)


def _is_close(shares: Measurement, column: _Column) -> bool:
    return _difference(shares, column) <= CLOSE


def _difference(shares: Measurement, column: _Column) -> float:
    value = column(shares)
    return 1.0 if value is None or shares.person is None else abs(value - shares.person)


def _by_share(question: str, share: float, details: str) -> Finding:
    answers: dict[Level, str] = {"good": "Yes", "fair": "Partly", "poor": "No"}
    return Finding(question, _level(share), answers[_level(share)], details)


def _level(share: float) -> Level:
    return "good" if share >= MOSTLY else "fair" if share >= PARTLY else "poor"

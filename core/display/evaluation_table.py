"""The measures of an evaluation in words: a title, a meaning and a form for each, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import attrs

from autocakechat.evaluation.evaluate import RECALLS, Evaluation, Measured

COLUMNS = {"bot": "bot", "person": "person", "most_frequent": "always same", "random": "at random"}


@attrs.frozen
class Row:
    """A measure as it is shown.

    Attributes:
        title: Its name.
        cells: The values of the columns of `COLUMNS`, written out.
        meaning: What it tells.
    """

    title: str
    cells: Sequence[str]
    meaning: str


@attrs.frozen
class Group:
    """Measures that belong together."""

    title: str
    rows: Sequence[Row]


def _one(value: float) -> str:
    return f"{value:,.1f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


_Form = Callable[[float], str]

_LIKELIHOOD: dict[str, tuple[str, _Form, str]] = {
    "perplexity": (
        "perplexity",
        _one,
        "How surprised the model is by each token of what stands in the column. Under person: the perplexity of the "
        "model, the lower the better. At random is an answer that the person gave to something else: the more that "
        "is above person, the more the model heeds what was said before.",
    ),
    "mean_perplexity": ("mean perplexity", _one, "The same for each answer alone, then the mean: CakeChat's measure."),
}
_RANKING: dict[str, tuple[str, _Form, str]] = {
    "mean_average_precision": (
        "mean average precision",
        _three,
        "The model ranks the person's answer among others of the person; the mean of 1 / rank. Always same ranks by "
        "how frequent answers are, at random by chance.",
    ),
    **{
        f"recall_at_{k}": (f"recall@{k}", _percent, f"How often the person's answer is among the first {k} of these.")
        for k in RECALLS
    },
}
_VOCABULARY: dict[str, tuple[str, _Form, str]] = {
    "distinct_1": ("distinct-1", _three, "Different words over all words."),
    "distinct_2": ("distinct-2", _three, "Different pairs of neighbouring words over all pairs."),
    "distinct_3": ("distinct-3", _three, "Different triples of neighbouring words over all triples."),
    "different": ("different answers", _percent, "Different answers over all answers."),
    "lexical_similarity": (
        "lexical similarity",
        _three,
        "The cosine of the TF-IDF vectors of what is said and of all answers that were learnt from; 1 for the same "
        "words equally often.",
    ),
}
_LENGTH: dict[str, tuple[str, _Form, str]] = {
    "words": ("words", _one, "Mean number of words of an answer."),
    "median_words": ("words, median", _one, "Half of the answers have more."),
    "characters": ("characters", _one, "Mean number of characters of an answer."),
    "lines": ("lines", _one, "Mean number of lines: messages in a row are lines of one answer."),
}
_HABITS: dict[str, tuple[str, _Form, str]] = {
    "ends_with_mark": ("end with . ! ? or …", _percent, "Answers whose last character ends a sentence."),
    "full_stops": ("end with a full stop", _percent, "Answers that end with one full stop."),
    "commas": ("with a comma", _percent, "Answers with one or more."),
    "questions": ("with a question mark", _percent, "Answers with one or more."),
    "exclamations": ("with an exclamation mark", _percent, "Answers with one or more."),
    "dots": ("with .. or …", _percent, "Answers with two dots or more in a row."),
    "emoji": ("with emoji", _percent, "Answers with one or more."),
    "emoji_each": ("emoji in an answer", _three, "Mean number of emoji."),
    "emoticons": ("with an emoticon", _percent, "Answers with :-) or the like."),
    "capital_first": ("begin with a capital", _percent, "Answers whose first letter is a capital."),
    "lower_case": ("without capitals", _percent, "Answers in lower case only."),
    "shouted": ("with a word in CAPITALS", _percent, "Answers with a word of three letters or more in capitals only."),
}


def groups(evaluation: Evaluation) -> Iterator[Group]:
    """Yields all measures of an evaluation in the order they are shown in."""
    size = f"{evaluation.distinct_words:,} words"
    among = f", one among {evaluation.candidates}" if evaluation.candidates else ""
    for title, kind in (
        ("How likely the model finds it; under person: its own perplexity", _LIKELIHOOD),
        (f"Finding the true answer{among}", _RANKING),
        (f"Variety and vocabulary, distinct-n of {size}", _VOCABULARY),
        ("Length", _LENGTH),
        ("Habits", _HABITS),
    ):
        rows = [
            Row(name, _cells(evaluation.measures[key], form), meaning) for key, (name, form, meaning) in kind.items()
        ]
        yield Group(title, rows)


def _cells(measured: Measured, form: _Form) -> list[str]:
    return [_written(getattr(measured, column), form) for column in COLUMNS]


def _written(value: float | None, form: _Form) -> str:
    if value is None:
        return "-"
    return form(value) if math.isfinite(value) else "∞"

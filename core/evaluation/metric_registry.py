"""The metrics of `acc evaluate`. The table, the page, the JSON keys and the docs are made from this registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

RECALL_CUTOFFS = (1, 2, 5)
NGRAM_SIZES = (1, 2, 3)

Group = Literal["likelihood", "ranking", "variety", "length", "style"]
Better = Literal["lower", "higher", "closer to the person"]

GROUP_TITLES: dict[Group, str] = {
    "likelihood": "Likelihood",
    "ranking": "Ranking the true reply",
    "variety": "Variety and vocabulary",
    "length": "Length",
    "style": "Writing style",
}


def decimal_1(value: float) -> str:
    """Formats a value with one decimal place."""
    return f"{value:,.1f}"


def decimal_3(value: float) -> str:
    """Formats a value with three decimal places."""
    return f"{value:.3f}"


def percent(value: float) -> str:
    """Formats a share as a percentage."""
    return f"{100 * value:.0f} %"


@attrs.frozen(kw_only=True)
class Metric:
    """One metric.

    Attributes:
        key: Its JSON key.
        title: Its name in tables.
        group: The group it is shown in.
        unit: The unit of its values.
        better: Which values are better.
        format: Formats a value for a table.
        help: One sentence or two for people.
    """

    key: str
    title: str
    group: Group
    unit: str
    better: Better = "closer to the person"
    format: Callable[[float], str] = percent
    help: str


def _share(key: str, title: str, help: str) -> Metric:
    return Metric(key=key, title=title, group="style", unit="share of replies", help=help)


def _length(key: str, title: str, unit: str, help: str) -> Metric:
    return Metric(key=key, title=title, group="length", unit=unit, format=decimal_1, help=help)


METRICS: tuple[Metric, ...] = (
    Metric(
        key="perplexity",
        title="perplexity",
        group="likelihood",
        unit="per token",
        better="lower",
        format=decimal_1,
        help="How unlikely the model finds each token of the text in the column. The column 'person' is the model's "
        "perplexity. The column 'at random' is a reply to another context: the higher it is above 'person', the more "
        "the model uses the context.",
    ),
    Metric(
        key="mean_perplexity",
        title="mean perplexity",
        group="likelihood",
        unit="per token",
        better="lower",
        format=decimal_1,
        help="The perplexity of each reply alone, averaged over replies: CakeChat's metric.",
    ),
    Metric(
        key="mean_average_precision",
        title="mean average precision",
        group="ranking",
        unit="0 to 1",
        better="higher",
        format=decimal_3,
        help="The model ranks the true reply among other replies of the person; the mean of 1 / rank. The column "
        "'always same' ranks by frequency, 'at random' by chance.",
    ),
    *(
        Metric(
            key=f"recall_at_{k}",
            title=f"recall@{k}",
            group="ranking",
            unit="share of replies",
            better="higher",
            help=f"How often the true reply is among the first {k} candidates."
            if k > 1
            else "How often the true reply is the first candidate.",
        )
        for k in RECALL_CUTOFFS
    ),
    *(
        Metric(
            key=f"distinct_{n}",
            title=f"distinct-{n}",
            group="variety",
            unit="0 to 1",
            format=decimal_3,
            help=f"The number of different {n}-grams divided by the number of all {n}-grams.",
        )
        for n in NGRAM_SIZES
    ),
    Metric(
        key="different",
        title="different replies",
        group="variety",
        unit="share of replies",
        help="The number of different replies divided by the number of all replies.",
    ),
    Metric(
        key="lexical_similarity",
        title="lexical similarity",
        group="variety",
        unit="cosine",
        better="higher",
        format=decimal_3,
        help="The cosine of the TF-IDF vectors of the column's replies and of all training replies; 1 for the same "
        "words in the same proportions.",
    ),
    _length("words", "words", "words", "Mean number of words of a reply."),
    _length("median_words", "words, median", "words", "Median number of words of a reply."),
    _length("characters", "characters", "characters", "Mean number of characters of a reply."),
    _length(
        "lines", "lines", "lines", "Mean number of lines of a reply: a reply joins consecutive messages, one per line."
    ),
    _share("ends_with_mark", "end with . ! ? or …", "Replies whose last character ends a sentence."),
    _share("full_stops", "end with a full stop", "Replies that end with exactly one full stop."),
    _share("commas", "with a comma", "Replies with at least one comma."),
    _share("questions", "with a question mark", "Replies with at least one question mark."),
    _share("exclamations", "with an exclamation mark", "Replies with at least one exclamation mark."),
    _share("dots", "with .. or …", "Replies with at least two consecutive dots."),
    _share("emoji", "with emoji", "Replies with at least one emoji."),
    Metric(
        key="emoji_each",
        title="emoji per reply",
        group="style",
        unit="emoji",
        format=decimal_3,
        help="Mean number of emoji of a reply.",
    ),
    _share("emoticons", "with an emoticon", "Replies with an emoticon such as :-)."),
    _share("capital_first", "begin with a capital", "Replies whose first letter is a capital."),
    _share("lower_case", "without capitals", "Replies in lower case only."),
    _share("shouted", "with a word in CAPITALS", "Replies with a word of at least three letters in capitals only."),
)


def keys(group: Group) -> tuple[str, ...]:
    """Returns the keys of the metrics of a group, in order."""
    return tuple(metric.key for metric in METRICS if metric.group == group)

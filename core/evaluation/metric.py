"""Descriptions of metrics and baselines, and the formats of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

Group = Literal["ranking", "relevance", "likeness", "copying", "canaries", "likelihood", "variety", "length", "style"]
Better = Literal["lower", "higher", "closer to the person"]


def decimal_1(value: float) -> str:
    """Formats a value with one decimal place."""
    return f"{value:z,.1f}"


def decimal_2(value: float) -> str:
    """Formats a value with two decimal places."""
    return f"{value:z.2f}"


def decimal_3(value: float) -> str:
    """Formats a value with three decimal places."""
    return f"{value:z.3f}"


def whole(value: float) -> str:
    """Formats a value without decimal places."""
    return f"{value:,.0f}"


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
        source: Where the metric is from.
        help: One sentence or two for people.
    """

    key: str
    title: str
    group: Group
    unit: str
    better: Better = "closer to the person"
    format: Callable[[float], str] = percent
    source: str
    help: str


@attrs.frozen(kw_only=True)
class Baseline:
    """Something simple that a bot is compared with.

    Attributes:
        title: The name of its column.
        help: What it is, in a few words.
    """

    title: str
    help: str


BASELINES = {
    "chance": Baseline(title="chance", help="a ranking in random order"),
    "most_frequent": Baseline(title="always same", help="always the person's most frequent reply"),
    "random": Baseline(title="at random", help="random replies of the person"),
    "rare_words": Baseline(title="rare words", help="a ranking by the rare words that reply and context share"),
    "past_exchanges": Baseline(
        title="BM25", help="a ranking by the words of the person's replies to similar past messages"
    ),
    "others": Baseline(title="others", help="the messages that the person replied to, written by others"),
    "untrained": Baseline(title="untrained", help="made-up strings that were planted nowhere"),
}
"""The baselines by JSON key."""

"""What is known about a metric, and formats of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

Group = Literal["ranking", "relevance", "likeness", "copying", "likelihood", "variety", "length", "style"]
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

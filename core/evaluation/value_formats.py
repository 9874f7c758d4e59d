"""Formats of values in tables."""

from __future__ import annotations


def decimal_1(value: float) -> str:
    """Formats a value with one decimal place."""
    return f"{value:,.1f}"


def decimal_2(value: float) -> str:
    """Formats a value with two decimal places."""
    return f"{value:.2f}"


def decimal_3(value: float) -> str:
    """Formats a value with three decimal places."""
    return f"{value:.3f}"


def whole(value: float) -> str:
    """Formats a value without decimal places."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """Formats a share as a percentage."""
    return f"{100 * value:.0f} %"

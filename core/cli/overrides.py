"""The options `--set`, `--cluster` and `--any` of several commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def set_option(*, example: str) -> Callable[[_Function], _Function]:
    """Returns a decorator that adds `--set KEY=VALUE` to a command, as the argument `overrides`.

    Args:
        example: An override for the help text.
    """
    help_text = f"Override an option, for example {example}."
    return click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help=help_text)


def cluster_option(function: _Function) -> _Function:
    """Adds `--cluster ADDRESS` to a command, as the argument `cluster`."""
    help_text = "Ray cluster, as cluster.address: auto, ray://HOST:PORT, HOST:PORT, or local to start one."
    return click.option("--cluster", metavar="ADDRESS", help=help_text)(function)


def with_cluster(overrides: tuple[str, ...], cluster: str | None) -> tuple[str, ...]:
    """Adds the value of `--cluster` to those of `--set`."""
    return overrides if cluster is None else (*overrides, f"cluster.address={cluster}")


def any_option(what: str) -> Callable[[_Function], _Function]:
    """Returns a decorator that adds `--any` to a command, as the argument `accept_any`.

    Args:
        what: What is used, such as `model`.
    """
    help_text = (
        f"If no {what} was made with the settings of PIPELINE, use the last one that was made with other settings; "
        "if PIPELINE has none at all, the newest one of its folder."
    )
    return click.option("--any", "accept_any", is_flag=True, help=help_text)

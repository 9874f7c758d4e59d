"""Checks of what plugins provide: the stages and commands of one plugin, and names that several plugins use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from autocakechat.registry.plugin import Plugin, Provided
from autocakechat.text import escape_control_characters

_NAME = re.compile(r"[a-z][a-z0-9-]*")


def problem_of_stage(stage: Any, expected: type[Provided]) -> str | None:
    """Checks an object that a registration hook yielded.

    Args:
        stage: The object.
        expected: The type that the hook has to yield.

    Returns:
        What is wrong with the object, as the object of "yields"; None if it is valid.
    """
    if not isinstance(stage, expected):
        return f"{escape_control_characters(repr(stage))[:80]}, expected {expected.__name__}"
    if not (isinstance(stage.name, str) and _NAME.fullmatch(stage.name)):
        return f"a stage with the invalid name {stage.name!r}; use lower-case letters, digits and hyphens"
    for config in (getattr(stage, "config", None), getattr(stage, "reply", None)):
        if config is not None and not attrs.has(config):
            return f"'{stage.name}' with the options {config!r}, expected an attrs class"
    return None


def fail_plugins_of_same_name(plugins: Sequence[Plugin]) -> None:
    """Marks plugins as failed that all have the same name. A bundled plugin stays.

    Args:
        plugins: All plugins of the name, in the order of loading: a bundled one is the first.
    """
    for plugin in plugins[1:] if plugins[0].bundled else plugins:
        others = sorted(other.distribution for other in plugins if other is not plugin)
        plugin.fail(f"another distribution has a plugin of this name: {', '.join(others)}")


def fail_stages_of_same_name(plugins: Sequence[Plugin]) -> None:
    """Marks plugins as failed that provide stages of the same kind and name. A bundled plugin stays."""
    providers: dict[tuple[str, str], list[Plugin]] = {}
    for plugin in plugins:
        for stage in plugin.provides:
            providers.setdefault((stage.kind, stage.name), []).append(plugin)
    for (kind, name), rivals in providers.items():
        if len(rivals) == 1:
            continue
        for plugin in rivals:
            if not plugin.bundled:
                others = [str(rival) for rival in rivals if rival is not plugin] or [str(plugin)]
                plugin.fail(f"{kind} '{name}' is also provided by {', '.join(others)}")

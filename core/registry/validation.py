"""Checks of what plugins provide: the stages and commands of one plugin, and names that several plugins use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs

from autocakechat.interface.stage_types import FRAMEWORKS
from autocakechat.interface.type_checks import describe_value
from autocakechat.registry.option_checks import problem_of_options
from autocakechat.registry.plugin import Plugin, Provided
from autocakechat.registry.source_location import SourceLocation

_NAME = re.compile(r"[a-z][a-z0-9-]*")


class StageProblem(NamedTuple):
    """What is wrong with an object that a registration hook yielded.

    Attributes:
        text: The problem, as the object of "yields".
        location: The line of the plugin's code, if it is known.
    """

    text: str
    location: SourceLocation | None = None


def problem_of_stage(stage: Any, expected: type[Provided]) -> StageProblem | None:
    """Checks an object that a registration hook yielded.

    Args:
        stage: The object.
        expected: The type that the hook has to yield.

    Returns:
        What is wrong with the object; None if it is valid.
    """
    if not isinstance(stage, expected):
        shown = f"the class {stage.__name__}" if isinstance(stage, type) else describe_value(stage)
        return StageProblem(f"{shown}, expected {expected.__name__}")
    if not (isinstance(stage.name, str) and _NAME.fullmatch(stage.name)):
        return StageProblem(f"a stage with the invalid name {stage.name!r}; use lower-case letters, digits and hyphens")
    for field in attrs.fields(type(stage)):
        value = getattr(stage, field.name)
        if problem := _problem_of_attribute(field, value):
            return StageProblem(f"'{stage.name}' with {field.name} {describe_value(value)}, expected {problem}")
    for config in (getattr(stage, "config", None), getattr(stage, "reply", None)):
        if config is not None and (option := problem_of_options(config)):
            return StageProblem(f"'{stage.name}' with {option.text}", option.location)
    return None


def _problem_of_attribute(field: attrs.Attribute[Any], value: Any) -> str | None:
    """Returns what is expected of an attribute of a stage; None if its value is valid."""
    if field.name in ("summary", "install", "load_install"):
        return None if isinstance(value, str) else "str"
    if field.name == "version":
        return None if isinstance(value, int) else "int"
    if field.name in ("requires", "load_requires") and value is not field.default:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        return None if is_list else 'a tuple of import names, such as ("numpy",)'
    if field.name == "distributed":
        return None if value in (None, *FRAMEWORKS) else f"one of {', '.join(FRAMEWORKS)}"
    if field.name in ("name", "config", "reply"):
        return None
    return None if callable(value) or value is field.default else "a function"


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
                others = ", ".join(str(rival) for rival in rivals if rival is not plugin)
                also = f"also provided by {others}" if others else "provided more than once; give each another name"
                plugin.fail(f"{kind} '{name}' is {also}")

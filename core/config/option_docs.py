"""Describes plugins and their stages: for people, for programs, and as TOML to begin with."""

from __future__ import annotations

import functools
import typing
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from autocakechat.config.option_values import describe
from autocakechat.config.toml_writer import toml_value
from autocakechat.interface.options import Secret
from autocakechat.interface.stage_types import StageType, TrainerType
from autocakechat.registry.manager import missing_requirements
from autocakechat.registry.plugin import Plugin, Provided

# What does the work of a stage of a kind; its place in the code is the stage's.
_WORK = {
    "source": "read",
    "extractor": "extract",
    "annotator": "annotate",
    "trainer": "train",
    "deployer": "deploy",
    "command": "load",
}
_PLACEHOLDERS: dict[Any, Any] = {
    bool: True,
    int: 1,
    float: 1.0,
    str: "...",
    Path: "...",
    date: date(2024, 12, 31),
    datetime: datetime(2024, 12, 31, 12),
    Secret: {"env": "NAME"},
}
_HELP_COLUMN = 40


@attrs.frozen
class Option:
    """An option of a stage, as it is shown.

    Attributes:
        name: Its name.
        type: What values it takes, in words.
        required: Whether it has no default.
        default: Its default as TOML and JSON have it; None where nothing is the default.
        help: What it does.
        placeholder: A value of its type.
    """

    name: str
    type: str
    required: bool
    default: Any
    help: str
    placeholder: Any


@attrs.frozen
class Place:
    """Where something stands in the code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def tables(stage: Provided) -> dict[str, type]:
    """The tables of the pipeline.toml that a stage has options in."""
    if not isinstance(stage, StageType):
        return {}
    return {stage.kind: stage.config} | ({"reply": stage.reply} if isinstance(stage, TrainerType) else {})


def options(cls: type) -> list[Option]:
    """The options that an attrs class makes."""
    hints = typing.get_type_hints(cls)
    return [
        Option(
            name=field.name,
            type=describe(hints[field.name]),
            required=field.default is attrs.NOTHING,
            default=_default(field),
            help=field.metadata.get("help", ""),
            placeholder=_placeholder(hints[field.name]),
        )
        for field in attrs.fields(cls)
        if field.init
    ]


def place(stage: Provided) -> Place | None:
    """Where the work of a stage is defined; None where Python does not tell."""
    work: Any = getattr(stage, _WORK[stage.kind])
    while isinstance(work, functools.partial):
        work = work.func
    work = getattr(work, "__wrapped__", getattr(work, "__func__", work))
    code = getattr(work, "__code__", None)
    return Place(code.co_filename, code.co_firstlineno) if code else None


def described(plugin: Plugin) -> dict[str, Any]:
    """A plugin as JSON. These keys stay as they are; docs/plugins/managing.md tells what they mean."""
    return {
        "name": plugin.name,
        "module": plugin.module,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "bundled": plugin.bundled,
        "status": plugin.status,
        "problems": plugin.problems,
        "warnings": plugin.warnings,
        "provides": [_described_stage(stage) for stage in plugin.provides],
    }


def example(stage: StageType) -> str:
    """Writes the tables of a stage as one would in a pipeline.toml: what is required, and the rest commented out."""
    parts = []
    for table, cls in tables(stage).items():
        header = "[[source]]" if table == "source" else f"[{table}]"
        use = [] if table == "reply" else [f'use = "{stage.name}"']
        parts.append("\n".join([header, *use, *map(_example_line, options(cls))]))
    return "\n\n".join(parts) + "\n"


def _described_stage(stage: Provided) -> dict[str, Any]:
    where = place(stage)
    told: dict[str, Any] = {"kind": stage.kind, "name": stage.name, "summary": stage.summary}
    told |= {"file": where.file if where else None, "line": where.line if where else None}
    if isinstance(stage, StageType):
        told |= {"version": stage.version, "missing": missing_requirements(stage), "install": stage.install}
        kept = attrs.filters.exclude("placeholder")
        told["options"] = {
            table: [attrs.asdict(option, filter=kept) for option in options(cls)]
            for table, cls in tables(stage).items()
        }
        told["example"] = example(stage)
    return told


def _example_line(option: Option) -> str:
    if option.required:
        setting = f"{option.name} = {toml_value(option.placeholder)}"
    elif option.default is None:
        setting = f"# {option.name} ="
    else:
        setting = f"# {option.name} = {toml_value(option.default)}"
    return f"{setting:{_HELP_COLUMN}}  # {option.help}".rstrip(" #")


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        default = default.factory()
    if isinstance(default, tuple | set | frozenset):
        return list(default)
    return default if default is None or isinstance(default, bool | int | float | str | list | dict) else str(default)


def _placeholder(hint: Any) -> Any:
    """A value that a type allows, for an example."""
    arguments = typing.get_args(hint)
    if hint in _PLACEHOLDERS:
        return _PLACEHOLDERS[hint]
    if typing.get_origin(hint) is Literal:
        return arguments[0]
    if typing.get_origin(hint) in (list, tuple, set, frozenset):
        return [_placeholder(arguments[0])] if arguments else []
    if typing.get_origin(hint) is dict or hint is dict:
        return {}
    if attrs.has(hint):
        return {option.name: option.placeholder for option in options(hint) if option.required}
    choices = [argument for argument in arguments if argument is not type(None)]
    return _placeholder(choices[0]) if choices else "..."

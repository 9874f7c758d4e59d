"""Describes the stages of plugins and their options: as text, as JSON, and as example TOML."""

from __future__ import annotations

import typing
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from autocakechat.config.option_values import describe_type
from autocakechat.config.toml_writer import toml_value
from autocakechat.interface.options import Secret
from autocakechat.interface.stage_types import StageType, TrainerType
from autocakechat.registry.plugin import Plugin, Provided
from autocakechat.registry.requirements import missing_to_load, missing_to_run
from autocakechat.registry.source_location import source_location

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
class OptionDoc:
    """The documentation of an option. Its fields but the last are the JSON of an option, see docs/plugins/managing.md.

    Attributes:
        name: Its name.
        type: The values it accepts, in words.
        required: Whether it has no default.
        default: Its default, as TOML and JSON have it; None if there is none or if it is None.
        help: What it does, in one line.
        placeholder: An example value of its type.
    """

    name: str
    type: str
    required: bool
    default: Any
    help: str
    placeholder: Any


def option_tables(stage: Provided) -> dict[str, type]:
    """Returns the options class of each table of pipeline.toml that belongs to a stage; none for a command."""
    if not isinstance(stage, StageType):
        return {}
    tables = {stage.kind: stage.config}
    if isinstance(stage, TrainerType):
        tables["reply"] = stage.reply
    return tables


def document_options(cls: type) -> list[OptionDoc]:
    """Documents the options of an attrs class, in the order of its fields."""
    hints = typing.get_type_hints(cls)
    return [
        OptionDoc(
            name=field.name,
            type=describe_type(hints[field.name]),
            required=field.default is attrs.NOTHING,
            default=_toml_default(field),
            help=field.metadata.get("help", ""),
            placeholder=_placeholder(hints[field.name]),
        )
        for field in attrs.fields(cls)
        if field.init
    ]


def plugin_as_json(plugin: Plugin) -> dict[str, Any]:
    """Describes a plugin for `--json`. The keys are stable; docs/plugins/managing.md documents them."""
    return {
        "name": plugin.name,
        "module": plugin.module,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "bundled": plugin.bundled,
        "status": plugin.status,
        "problems": plugin.problems,
        "warnings": plugin.warnings,
        "provides": [_stage_as_json(stage) for stage in plugin.provides],
    }


def example_toml(stage: StageType) -> str:
    """Writes the tables of a stage for a pipeline.toml: required options set, the others commented out."""
    tables = []
    for table, cls in option_tables(stage).items():
        header = "[[source]]" if table == "source" else f"[{table}]"
        use = [] if table == "reply" else [f'use = "{stage.name}"']
        tables.append("\n".join([header, *use, *map(_example_line, document_options(cls))]))
    return "\n\n".join(tables) + "\n"


def _stage_as_json(stage: Provided) -> dict[str, Any]:
    location = source_location(stage)
    content: dict[str, Any] = {
        "kind": stage.kind,
        "name": stage.name,
        "summary": stage.summary,
        "file": location.file if location else None,
        "line": location.line if location else None,
    }
    if isinstance(stage, StageType):
        missing = missing_to_run(stage)
        content |= {
            "version": stage.version,
            "missing": missing.modules,
            "install": missing.install,
            **(_loading_as_json(stage) if isinstance(stage, TrainerType) else {}),
            "options": {table: _options_as_json(cls) for table, cls in option_tables(stage).items()},
            "example": example_toml(stage),
        }
    return content


def _loading_as_json(trainer: TrainerType) -> dict[str, Any]:
    missing = missing_to_load(trainer)
    return {"load_missing": missing.modules, "load_install": missing.install}


def _options_as_json(cls: type) -> list[dict[str, Any]]:
    without_placeholder = attrs.filters.exclude("placeholder")
    return [attrs.asdict(option, filter=without_placeholder) for option in document_options(cls)]


def _example_line(option: OptionDoc) -> str:
    if option.required:
        setting = f"{option.name} = {toml_value(option.placeholder)}"
    elif option.default is None:
        setting = f"# {option.name} ="
    else:
        setting = f"# {option.name} = {toml_value(option.default)}"
    return f"{setting:{_HELP_COLUMN}}  # {option.help}".rstrip(" #")


def _toml_default(field: attrs.Attribute[Any]) -> Any:
    """Returns the default of a field as TOML and JSON have it."""
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        default = default.factory()
    if isinstance(default, tuple | set | frozenset):
        return list(default)
    return default if default is None or isinstance(default, bool | int | float | str | list | dict) else str(default)


def _placeholder(hint: Any) -> Any:
    """Returns an example value of a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLACEHOLDERS:
        return _PLACEHOLDERS[hint]
    if origin is Literal:
        return arguments[0]
    if origin in (list, tuple, set, frozenset):
        return [_placeholder(arguments[0])] if arguments else []
    if origin is dict or hint is dict:
        return {}
    if attrs.has(hint):
        return {option.name: option.placeholder for option in document_options(hint) if option.required}
    members = [argument for argument in arguments if argument is not type(None)]
    lists = [member for member in members if typing.get_origin(member) is list]  # a word beside a list means "all"
    return _placeholder((lists or members)[0]) if members else "..."

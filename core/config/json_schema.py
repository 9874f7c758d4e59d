"""Describes pipeline.toml as a JSON Schema, so that editors complete and check it, with the plugins installed here."""

from __future__ import annotations

import typing
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from autocakechat.config.option_docs import options
from autocakechat.config.pipeline_file import DEFAULT_STAGES
from autocakechat.corpus.options import CorpusOptions
from autocakechat.interface.options import Secret
from autocakechat.interface.stage_types import STAGE_TYPES, StageType, TrainerType
from autocakechat.registry.manager import PluginManager

Schema = dict[str, Any]

# Editors hand the dates of TOML on as strings.
_ATOMS: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    Secret: {
        "oneOf": [
            {
                "type": "object",
                "properties": {name: {"type": "string", "minLength": 1}},
                "required": [name],
                "additionalProperties": False,
            }
            for name in ("env", "file")
        ]
    },
}


def pipeline_schema(manager: PluginManager) -> Schema:
    """Makes the schema (draft 7, which editors know best).

    Args:
        manager: The plugins whose stages it names.
    """
    tables = {stage_type.kind: _any_stage(manager, stage_type.kind) for stage_type in STAGE_TYPES}
    trainers = [stage for stage in manager.stages("trainer").values() if isinstance(stage, TrainerType)]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "pipeline.toml of autocakechat",
        "type": "object",
        "properties": {
            "seed": {"type": "integer", "minimum": 0, "default": 42, "description": "The seed of everything random."},
            "source": {"type": "array", "items": tables.pop("source"), "description": "Where messages come from."},
            **tables,
            "corpus": _table(CorpusOptions),
            # Offers the options of every trainer; which of them fit is said below.
            "reply": {"anyOf": [_table(trainer.reply, title=trainer.name) for trainer in trainers]},
            "plugins": {
                "type": "object",
                "properties": {
                    "disabled": {"type": "array", "items": {"type": "string"}, "description": "Plugins to leave out."}
                },
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
        "allOf": [_reply_of(trainer) for trainer in trainers],
    }


def _any_stage(manager: PluginManager, kind: str) -> Schema:
    stages = [stage for stage in manager.stages(kind).values() if isinstance(stage, StageType)]
    return {"anyOf": [_stage(stage, is_default=DEFAULT_STAGES.get(kind) == stage.name) for stage in stages]}


def _stage(stage: StageType, is_default: bool) -> Schema:
    table = _table(stage.config, title=f"{stage.name}: {stage.summary}")
    table["properties"] = {"use": {"const": stage.name, "description": stage.summary}, **table["properties"]}
    table["required"] = [*([] if is_default else ["use"]), *table["required"]]
    return table


def _reply_of(trainer: TrainerType) -> Schema:
    chosen = {"properties": {"use": {"const": trainer.name}}, "required": ["use"]}
    return {
        "if": {"properties": {"trainer": chosen}, "required": ["trainer"]},
        "then": {"properties": {"reply": _table(trainer.reply)}},
    }


def _table(cls: type, title: str = "") -> Schema:
    hints = typing.get_type_hints(cls)
    properties = {}
    for option in options(cls):
        shown = {"description": option.help} if option.help else {}
        shown |= {} if option.default is None else {"default": option.default}
        properties[option.name] = _value(hints[option.name]) | shown
    return {
        **({"title": title} if title else {}),
        "type": "object",
        "properties": properties,
        "required": [option.name for option in options(cls) if option.required],
        "additionalProperties": False,
    }


def _value(hint: Any) -> Schema:
    """The schema of the values that a type allows; `autocakechat.config.option_values` decides about the same types."""
    if hint in _ATOMS:
        return dict(_ATOMS[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (list, tuple, set, frozenset):
        return {"type": "array", "items": _value(arguments[0])}
    if attrs.has(hint):
        return _table(hint)
    if origin is dict or hint is dict:
        return {"type": "object", **({"additionalProperties": _value(arguments[1])} if arguments else {})}
    choices = [_value(argument) for argument in arguments if argument is not type(None)]
    return choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}

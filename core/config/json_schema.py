"""Makes a JSON Schema of pipeline.toml, so that editors complete and check it with the installed plugins."""

from __future__ import annotations

import typing
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from autocakechat.cluster.options import ClusterOptions
from autocakechat.config.option_docs import document_options
from autocakechat.config.pipeline_parser import CONTINUE, DEFAULT_STAGES
from autocakechat.corpus.options import CorpusOptions
from autocakechat.interface.options import Secret
from autocakechat.interface.stage_types import STAGE_TYPES, StageType, TrainerType
from autocakechat.registry.manager import PluginManager

Schema = dict[str, Any]

_CONTINUE_HELP = "Whether a training continues from the pipeline's model of an earlier corpus."

# An editor passes a TOML date to the schema as a string.
_TYPE_SCHEMAS: dict[Any, Schema] = {
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
    """Makes the schema of pipeline.toml, in draft 7, which editors support best.

    Args:
        manager: The plugins whose stages the schema contains.
    """
    stage_tables = {stage_type.kind: _any_stage(manager, stage_type.kind) for stage_type in STAGE_TYPES}
    trainers = [stage for stage in manager.stages("trainer").values() if isinstance(stage, TrainerType)]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "pipeline.toml of autocakechat",
        "type": "object",
        "properties": {
            "seed": {"type": "integer", "minimum": 0, "default": 42, "description": "The random seed."},
            "source": {"type": "array", "items": stage_tables.pop("source"), "description": "The chat logs to read."},
            **stage_tables,
            "corpus": _table(CorpusOptions),
            "cluster": _table(ClusterOptions),
            # Offers the options of every trainer; `allOf` below restricts them to those of the chosen one.
            "reply": {"anyOf": [_table(trainer.reply, title=trainer.name) for trainer in trainers]},
            "plugins": {
                "type": "object",
                "properties": {
                    "disabled": {"type": "array", "items": {"type": "string"}, "description": "Plugins not to load."}
                },
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
        "allOf": [_reply_condition(trainer) for trainer in trainers],
    }


def _any_stage(manager: PluginManager, kind: str) -> Schema:
    stages = [stage for stage in manager.stages(kind).values() if isinstance(stage, StageType)]
    return {"anyOf": [_stage_table(stage, is_default=DEFAULT_STAGES.get(kind) == stage.name) for stage in stages]}


def _stage_table(stage: StageType, is_default: bool) -> Schema:
    table = _table(stage.config, title=f"{stage.name}: {stage.summary}")
    table["properties"] = {"use": {"const": stage.name, "description": stage.summary}, **table["properties"]}
    if isinstance(stage, TrainerType) and stage.continue_training:
        table["properties"][CONTINUE] = {"type": "boolean", "default": False, "description": _CONTINUE_HELP}
    if not is_default:
        table["required"] = ["use", *table["required"]]
    return table


def _reply_condition(trainer: TrainerType) -> Schema:
    """Returns the rule that [reply] has the options of a trainer if [trainer] uses it."""
    is_chosen = {"properties": {"use": {"const": trainer.name}}, "required": ["use"]}
    return {
        "if": {"properties": {"trainer": is_chosen}, "required": ["trainer"]},
        "then": {"properties": {"reply": _table(trainer.reply)}},
    }


def _table(cls: type, title: str = "") -> Schema:
    hints = typing.get_type_hints(cls)
    options = document_options(cls)
    properties: dict[str, Schema] = {}
    for option in options:
        schema = _type_schema(hints[option.name])
        if option.help:
            schema["description"] = option.help
        if option.default is not None:
            schema["default"] = option.default
        properties[option.name] = schema
    return {
        **({"title": title} if title else {}),
        "type": "object",
        "properties": properties,
        "required": [option.name for option in options if option.required],
        "additionalProperties": False,
    }


def _type_schema(hint: Any) -> Schema:
    """Returns the schema of a type; covers the same types as `autocakechat.config.option_values`."""
    if hint in _TYPE_SCHEMAS:
        return dict(_TYPE_SCHEMAS[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (list, tuple, set, frozenset):
        return {"type": "array", "items": _type_schema(arguments[0])}
    if attrs.has(hint):
        return _table(hint)
    if origin is dict or hint is dict:
        return (
            {"type": "object", "additionalProperties": _type_schema(arguments[1])} if arguments else {"type": "object"}
        )
    members = [_type_schema(argument) for argument in arguments if argument is not type(None)]
    if len(members) == 1:
        return members[0]
    return {"anyOf": members} if members else {}

"""What plugins are written with. Everything a plugin may import from autocakechat stands here.

A name is imported from its home when it is asked for: `acc plugins list` needs few of them, and is to answer at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocakechat.artifacts.store import write_whole
    from autocakechat.display import markup
    from autocakechat.errors import StageError, UserError
    from autocakechat.interface.chatlog import Chat, Message, Messages
    from autocakechat.interface.corpus import Corpus, Dialog, Utterance
    from autocakechat.interface.hookspecs import hookimpl
    from autocakechat.interface.model import (
        Reply,
        Request,
        Responder,
        Score,
        ScoringResponder,
        TrainedModel,
        seal_model,
    )
    from autocakechat.interface.options import Secret, option
    from autocakechat.interface.run_context import Progress, RunContext
    from autocakechat.interface.session import Session
    from autocakechat.interface.stage_types import (
        AnnotatorType,
        CommandType,
        DeployerType,
        ExtractorType,
        Input,
        SourceType,
        TrainerType,
    )
    from autocakechat.text import visible

__all__ = [
    "AnnotatorType",
    "Chat",
    "CommandType",
    "Corpus",
    "DeployerType",
    "Dialog",
    "ExtractorType",
    "Input",
    "Message",
    "Messages",
    "Progress",
    "Reply",
    "Request",
    "Responder",
    "RunContext",
    "Score",
    "ScoringResponder",
    "Secret",
    "Session",
    "SourceType",
    "StageError",
    "TrainedModel",
    "TrainerType",
    "UserError",
    "Utterance",
    "hookimpl",
    "markup",
    "option",
    "seal_model",
    "visible",
    "write_whole",
]

_NAMES = {
    "interface.chatlog": (
        "Chat",
        "Message",
        "Messages",
    ),
    "interface.corpus": (
        "Corpus",
        "Dialog",
        "Utterance",
    ),
    "errors": (
        "StageError",
        "UserError",
    ),
    "interface.hookspecs": ("hookimpl",),
    "interface.model": (
        "Reply",
        "Request",
        "Responder",
        "Score",
        "ScoringResponder",
        "TrainedModel",
        "seal_model",
    ),
    "interface.options": (
        "Secret",
        "option",
    ),
    "interface.run_context": (
        "Progress",
        "RunContext",
    ),
    "interface.session": ("Session",),
    "interface.stage_types": (
        "AnnotatorType",
        "CommandType",
        "DeployerType",
        "ExtractorType",
        "Input",
        "SourceType",
        "TrainerType",
    ),
    "artifacts.store": ("write_whole",),
    "text": ("visible",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports a name from its home; `markup` is a module itself."""
    if name == "markup":
        return importlib.import_module("autocakechat.display.markup")
    if name not in _HOMES:
        raise AttributeError(f"module 'autocakechat' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"autocakechat.{_HOMES[name]}"), name)
    return value

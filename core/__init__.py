"""What plugins are written with. Everything a plugin may import from autocakechat stands here.

A name is imported from its home when it is asked for: `acc plugins list` needs few of them, and is to answer at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocakechat import markup
    from autocakechat.chatlog import Chat, Message, Messages
    from autocakechat.corpus import Corpus, Dialog, Utterance
    from autocakechat.errors import StageError, UserError
    from autocakechat.hookspecs import hookimpl
    from autocakechat.model import Reply, Request, Responder, Score, ScoringResponder, TrainedModel, seal_model
    from autocakechat.options import Secret, option
    from autocakechat.run_context import Progress, RunContext
    from autocakechat.session import Session
    from autocakechat.stages import (
        AnnotatorType,
        CommandType,
        DeployerType,
        ExtractorType,
        Input,
        SourceType,
        TrainerType,
    )
    from autocakechat.store import write_whole
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
    "chatlog": (
        "Chat",
        "Message",
        "Messages",
    ),
    "corpus": (
        "Corpus",
        "Dialog",
        "Utterance",
    ),
    "errors": (
        "StageError",
        "UserError",
    ),
    "hookspecs": ("hookimpl",),
    "model": (
        "Reply",
        "Request",
        "Responder",
        "Score",
        "ScoringResponder",
        "TrainedModel",
        "seal_model",
    ),
    "options": (
        "Secret",
        "option",
    ),
    "run_context": (
        "Progress",
        "RunContext",
    ),
    "session": ("Session",),
    "stages": (
        "AnnotatorType",
        "CommandType",
        "DeployerType",
        "ExtractorType",
        "Input",
        "SourceType",
        "TrainerType",
    ),
    "store": ("write_whole",),
    "text": ("visible",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports a name from its home; `markup` is a module itself."""
    if name == "markup":
        return importlib.import_module("autocakechat.markup")
    if name not in _HOMES:
        raise AttributeError(f"module 'autocakechat' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"autocakechat.{_HOMES[name]}"), name)
    return value

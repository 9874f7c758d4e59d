"""The public API of autocakechat: every name that a plugin may import.

Names are imported on first use, so that `acc plugins list` starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocakechat.artifacts.model_folder import finalize_model_folder
    from autocakechat.display import markup
    from autocakechat.errors import ForeignLogError, StageError, UserError
    from autocakechat.files import hash_file, write_whole
    from autocakechat.hardware import cgroup_folders, multiplies_bfloat16
    from autocakechat.interface.chatlog import Chat, Message, MessageBatch
    from autocakechat.interface.corpus import Corpus, Dialog, Utterance
    from autocakechat.interface.hookspecs import hookimpl
    from autocakechat.interface.log_file import LogFile, LogFileOpener, is_zip
    from autocakechat.interface.model import (
        RankingResponder,
        Reply,
        Request,
        Responder,
        Score,
        ScoringResponder,
        TrainedModel,
    )
    from autocakechat.interface.model_file import damaged_file, read_json
    from autocakechat.interface.options import Secret, option
    from autocakechat.interface.origin import GROUP, PERSONAL, Origin, pseudonym
    from autocakechat.interface.run_context import Progress, RunContext
    from autocakechat.interface.selection import select_chats
    from autocakechat.interface.session import Session
    from autocakechat.interface.stage_types import (
        AnnotatorType,
        CommandType,
        DeployerType,
        ExtractorType,
        Input,
        SourceType,
        TrainerType,
        TrainingEstimate,
    )
    from autocakechat.ranking.features import Candidate
    from autocakechat.ranking.moments import set_aside
    from autocakechat.ranking.reply_ranker import RankedReply, ReplyRanker
    from autocakechat.ranking.rules import BannedPhrases, is_allowed
    from autocakechat.retrieval.exchanges import Exchange, exchanges_of, read_exchanges
    from autocakechat.retrieval.meaning import Embedder, open_embedder
    from autocakechat.retrieval.reply_index import Match, ReplyIndex
    from autocakechat.retrieval.terms import split_terms
    from autocakechat.text import escape_control_characters

__all__ = [
    "GROUP",
    "PERSONAL",
    "AnnotatorType",
    "BannedPhrases",
    "Candidate",
    "Chat",
    "CommandType",
    "Corpus",
    "DeployerType",
    "Dialog",
    "Embedder",
    "Exchange",
    "ExtractorType",
    "ForeignLogError",
    "Input",
    "LogFile",
    "LogFileOpener",
    "Match",
    "Message",
    "MessageBatch",
    "Origin",
    "Progress",
    "RankedReply",
    "RankingResponder",
    "Reply",
    "ReplyIndex",
    "ReplyRanker",
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
    "TrainingEstimate",
    "UserError",
    "Utterance",
    "cgroup_folders",
    "damaged_file",
    "escape_control_characters",
    "exchanges_of",
    "finalize_model_folder",
    "hash_file",
    "hookimpl",
    "is_allowed",
    "is_zip",
    "markup",
    "multiplies_bfloat16",
    "open_embedder",
    "option",
    "pseudonym",
    "read_exchanges",
    "read_json",
    "select_chats",
    "set_aside",
    "split_terms",
    "write_whole",
]

_PUBLIC_NAMES = {
    "artifacts.model_folder": ("finalize_model_folder",),
    "errors": ("ForeignLogError", "StageError", "UserError"),
    "files": ("hash_file", "write_whole"),
    "hardware": ("cgroup_folders", "multiplies_bfloat16"),
    "interface.chatlog": ("Chat", "Message", "MessageBatch"),
    "interface.corpus": ("Corpus", "Dialog", "Utterance"),
    "interface.hookspecs": ("hookimpl",),
    "interface.log_file": ("LogFile", "LogFileOpener", "is_zip"),
    "interface.model": (
        "RankingResponder",
        "Reply",
        "Request",
        "Responder",
        "Score",
        "ScoringResponder",
        "TrainedModel",
    ),
    "interface.model_file": ("damaged_file", "read_json"),
    "interface.options": ("Secret", "option"),
    "interface.origin": ("GROUP", "PERSONAL", "Origin", "pseudonym"),
    "interface.run_context": ("Progress", "RunContext"),
    "interface.selection": ("select_chats",),
    "interface.session": ("Session",),
    "interface.stage_types": (
        "AnnotatorType",
        "CommandType",
        "DeployerType",
        "ExtractorType",
        "Input",
        "SourceType",
        "TrainerType",
        "TrainingEstimate",
    ),
    "ranking.features": ("Candidate",),
    "ranking.moments": ("set_aside",),
    "ranking.reply_ranker": ("RankedReply", "ReplyRanker"),
    "ranking.rules": ("BannedPhrases", "is_allowed"),
    "retrieval.exchanges": ("Exchange", "exchanges_of", "read_exchanges"),
    "retrieval.meaning": ("Embedder", "open_embedder"),
    "retrieval.reply_index": ("Match", "ReplyIndex"),
    "retrieval.terms": ("split_terms",),
    "text": ("escape_control_characters",),
}
_MODULES = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}
_DEPRECATED = {
    "Messages": "MessageBatch",
    "seal_model": "finalize_model_folder",
    "visible": "escape_control_characters",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use. Deprecated names work and warn."""
    if name == "markup":
        return importlib.import_module("autocakechat.display.markup")
    if name in _DEPRECATED:
        from autocakechat.interface.deprecation import deprecated, warn_deprecated

        new = f"autocakechat.{_DEPRECATED[name]}"
        warn_deprecated(deprecated(f"autocakechat.{name}", since="0.1", gone="0.3", instead=new))
        name = _DEPRECATED[name]
    if name not in _MODULES:
        raise AttributeError(f"module 'autocakechat' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"autocakechat.{_MODULES[name]}"), name)
    return value

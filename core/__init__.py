"""What plugins are written with. Everything a plugin may import from autocakechat stands here."""

from autocakechat import markup
from autocakechat.chatlog import Chat, Message
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

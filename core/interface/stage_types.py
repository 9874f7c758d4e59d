"""What a registration hook yields: one class for each kind of stage, and for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

if TYPE_CHECKING:
    import click

    from autocakechat.interface.chatlog import Chat
    from autocakechat.interface.corpus import Corpus, Dialog
    from autocakechat.interface.model import Responder, TrainedModel
    from autocakechat.interface.run_context import RunContext


@attrs.frozen
class Input:
    """Files that belong together: part of a chat log that can be read alone, or what a trainer begins with.

    Attributes:
        name: What to call it, the same wherever the files lie: a path relative to the log.
        paths: The files it is made of.
    """

    name: str
    paths: tuple[Path, ...]


@attrs.frozen(kw_only=True)
class StageType:
    """What every kind of stage has.

    Attributes:
        name: What `use` in the TOML says: `[a-z][a-z0-9-]*`, unique within its kind.
        summary: One line for lists.
        config: An attrs class whose fields are the options of the stage's table.
        version: Raised whenever the same input gives another output, so that old artifacts are not reused.
        requires: Import names that the stage needs besides autocakechat's own.
        install: What to type if one of them is missing.
    """

    kind: ClassVar[str]

    name: str
    summary: str
    config: type
    version: int = 1
    requires: Sequence[str] = ()
    install: str = ""


@attrs.frozen(kw_only=True)
class SourceType(StageType):
    """A reader of chat logs.

    Attributes:
        inputs: Finds what there is to read. Called with the options; raises UserError if there is nothing.
        read: Reads one input lazily, chat after chat. A chat's messages are consumed before the next chat is asked for.
        recognises: Whether a file or folder looks like a log of this source. Must be quick and never raise. The
            options of a source that has it need a field `path`.
    """

    kind: ClassVar[str] = "source"

    inputs: Callable[[Any], Sequence[Input]]
    read: Callable[[Any, Input, RunContext], Iterable[Chat]]
    recognises: Callable[[Path], bool] | None = None


@attrs.frozen(kw_only=True)
class ExtractorType(StageType):
    """A maker of dialogs.

    Attributes:
        extract: Makes dialogs of one chat, lazily, and drops every message it does not use with a reason.
    """

    kind: ClassVar[str] = "extractor"

    extract: Callable[[Any, Chat, RunContext], Iterable[Dialog]]


@attrs.frozen(kw_only=True)
class AnnotatorType(StageType):
    """A labeller of emotions.

    Attributes:
        annotate: Gives every dialog back, in order and lazily, its utterances labelled.
    """

    kind: ClassVar[str] = "annotator"

    annotate: Callable[[Any, Iterable[Dialog], RunContext], Iterable[Dialog]]


@attrs.frozen(kw_only=True)
class TrainerType(StageType):
    """A maker of models.

    Attributes:
        reply: An attrs class whose fields are the options of `[reply]`. If chance has a part in the answers, a field
            `seed`, by default None, makes them the same every time; `acc evaluate` sets it.
        train: Trains on a corpus and writes all that answering needs into an empty folder; returns what it measured.
            It learns from the part "train" of the corpus alone: `acc evaluate` measures with the other one.
            Checkpoints go into `run.state`, which is still there when an interrupted training is run again.
        load: Loads a folder that `train` wrote, with reply options. The responder may be a `ScoringResponder`.
        inputs: Finds the files besides the corpus that training reads, such as a model to begin with; called with the
            options, before anything runs. What they hold is part of the model's key. Raises UserError if one is
            missing.
    """

    kind: ClassVar[str] = "trainer"

    reply: type
    train: Callable[[Any, Corpus, Path, RunContext], Mapping[str, Any]]
    load: Callable[[Path, Any, RunContext], Responder]
    inputs: Callable[[Any], Sequence[Input]] | None = None


@attrs.frozen(kw_only=True)
class DeployerType(StageType):
    """A place where people talk to a model.

    Attributes:
        deploy: Serves the model until it is stopped.
    """

    kind: ClassVar[str] = "deployer"

    deploy: Callable[[Any, TrainedModel, RunContext], None]


@attrs.frozen(kw_only=True)
class CommandType:
    """A command under `acc`.

    Attributes:
        name: What is typed.
        summary: One line for `acc --help`.
        load: Imports and returns the click command, when it is used.
    """

    kind: ClassVar[str] = "command"

    name: str
    summary: str
    load: Callable[[], click.Command]


STAGE_TYPES: tuple[type[StageType], ...] = (SourceType, ExtractorType, AnnotatorType, TrainerType, DeployerType)

"""The objects that registration hooks yield: one class per kind of stage, and one for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import attrs

from autocakechat.interface.type_checks import require_type

if TYPE_CHECKING:
    import click

    from autocakechat.interface.chatlog import Chat
    from autocakechat.interface.corpus import Corpus, Dialog
    from autocakechat.interface.model import Responder, TrainedModel
    from autocakechat.interface.run_context import RunContext

Framework = Literal["tensorflow", "torch"]
FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
"""How the processes that train one model together find each other."""


@attrs.frozen
class Input:
    """Files that are read together: an independent part of a chat log, or an input of a trainer.

    Attributes:
        name: A name that does not depend on where the log is stored, such as a path relative to the log.
        paths: The files.
    """

    name: str
    paths: tuple[Path, ...]

    def __attrs_post_init__(self) -> None:
        require_type("Input.name", self.name, str)
        require_type("Input.paths", self.paths, tuple | list)
        for path in self.paths:
            require_type("a path of Input.paths", path, Path)


@attrs.frozen(kw_only=True)
class StageType:
    """The attributes of all kinds of stage.

    Attributes:
        name: The value of `use` in the TOML: `[a-z][a-z0-9-]*`, unique within its kind.
        summary: One line for lists.
        config: An attrs class whose fields are the options of the stage's table.
        version: Increase it when the same input gives a different output, so that old artifacts are not reused.
        requires: Import names of the libraries that the stage needs, without autocakechat's own dependencies.
        install: The command that installs them.
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
    """A source: it reads chat logs.

    Attributes:
        inputs: Takes the options and returns the inputs to read. Raises UserError if there are none.
        read: Takes the options, an input and the run context, and yields the chats of the input, lazily. The messages
            of a chat are consumed before the next chat is requested.
        recognises: Takes a path and returns whether it looks like a log of this source. It must be fast and never
            raise. The options of such a source need a field `path`.
    """

    kind: ClassVar[str] = "source"

    inputs: Callable[[Any], Sequence[Input]]
    read: Callable[[Any, Input, RunContext], Iterable[Chat]]
    recognises: Callable[[Path], bool] | None = None


@attrs.frozen(kw_only=True)
class ExtractorType(StageType):
    """An extractor: it makes dialogs from the messages of a chat.

    Attributes:
        extract: Takes the options, a chat and the run context, and yields the dialogs of the chat, lazily. It drops
            every message that it does not use, with a reason.
    """

    kind: ClassVar[str] = "extractor"

    extract: Callable[[Any, Chat, RunContext], Iterable[Dialog]]


@attrs.frozen(kw_only=True)
class AnnotatorType(StageType):
    """An annotator: it labels utterances, for example with emotions.

    Attributes:
        annotate: Takes the options, the dialogs and the run context, and yields every dialog with labelled utterances,
            in order and lazily.
    """

    kind: ClassVar[str] = "annotator"

    annotate: Callable[[Any, Iterable[Dialog], RunContext], Iterable[Dialog]]


@attrs.frozen(kw_only=True)
class TrainingEstimate:
    """What to expect of a trainer with its default options, on this machine. `acc init` shows it.

    Attributes:
        seconds: How long the training takes.
        quality: How well the bot recognises the person's reply among ten: the mean average precision, from 0 to 1. 0
            means that it cannot be trained here. `acc init` recommends the trainer with the highest one.
        remark: What its replies are like, and what it needs, in a few words.
    """

    seconds: float
    quality: float
    remark: str

    def __attrs_post_init__(self) -> None:
        require_type("TrainingEstimate.seconds", self.seconds, int | float)
        require_type("TrainingEstimate.quality", self.quality, int | float)
        require_type("TrainingEstimate.remark", self.remark, str)


@attrs.frozen(kw_only=True)
class TrainerType(StageType):
    """A trainer: it trains a model on a corpus, and loads it to generate replies.

    Attributes:
        reply: An attrs class whose fields are the options of `[reply]`. If replies are sampled, it needs a field `seed`
            with the default None: `acc evaluate` sets it to make replies reproducible.
        train: Takes the options, a corpus, an empty folder and the run context. It writes the model to the folder and
            returns metrics. It trains on `train` only; it may use `validation`, the held-out set of `acc evaluate`, to
            select the best epoch. It writes checkpoints to `run.state`, which is kept if the training is interrupted.
        load: Takes the model folder, the reply options and the run context, and returns a `Responder`, a
            `ScoringResponder` or a `RankingResponder`.
        inputs: Takes the options and returns the files besides the corpus that the training reads, such as a start
            model. It is called before any stage runs. The content of the files is part of the model's artifact key.
            Raises UserError if a file is missing.
        continue_training: Like `train`, but starts from an earlier model of this trainer: takes the options, the folder
            of that model, a corpus, an empty folder and the run context. None if the trainer cannot; a pipeline with
            `continue = true` in `[trainer]` is then an error.
        load_requires: Import names of the libraries that `load` and the responder need; None if they are those of
            training. `requires` and `install` are then for training alone.
        load_install: The command that installs the libraries of `load_requires`.
        distributed: How several processes train one model, if the trainer can: `tensorflow` if it reads `TF_CONFIG`,
            `torch` if it reads `MASTER_ADDR`, `MASTER_PORT`, `RANK` and `WORLD_SIZE`. `train` is then called in each
            process, with an own copy of the last checkpoints. Only the model folder and the checkpoints of the first
            one are kept.
        estimate: Takes the number of replies to learn and some messages of the chat log, and returns what to expect. It
            must be fast and need no libraries. None if that is unknown.
    """

    kind: ClassVar[str] = "trainer"

    reply: type
    train: Callable[[Any, Corpus, Path, RunContext], Mapping[str, Any]]
    load: Callable[[Path, Any, RunContext], Responder]
    inputs: Callable[[Any], Sequence[Input]] | None = None
    continue_training: Callable[[Any, Path, Corpus, Path, RunContext], Mapping[str, Any]] | None = None
    load_requires: Sequence[str] | None = None
    load_install: str = ""
    distributed: Framework | None = None
    estimate: Callable[[int, Sequence[str]], TrainingEstimate] | None = None


@attrs.frozen(kw_only=True)
class DeployerType(StageType):
    """A deployer: it connects a model to a place where people chat with it.

    Attributes:
        deploy: Takes the options, a model and the run context, and serves the model until it is stopped.
    """

    kind: ClassVar[str] = "deployer"

    deploy: Callable[[Any, TrainedModel, RunContext], None]


@attrs.frozen(kw_only=True)
class CommandType:
    """A subcommand of `acc`.

    Attributes:
        name: The name of the subcommand.
        summary: One line for `acc --help`.
        load: Imports and returns the click command. It is called when the command is used.
    """

    kind: ClassVar[str] = "command"

    name: str
    summary: str
    load: Callable[[], click.Command]


STAGE_TYPES: tuple[type[StageType], ...] = (SourceType, ExtractorType, AnnotatorType, TrainerType, DeployerType)

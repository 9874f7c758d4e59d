"""The hooks that a plugin can implement.

A plugin is a module that implements some of these hooks with `hookimpl` and is named by an entry point of the group
`autocakechat`. Registration hooks yield the stages and commands that the plugin provides. Event hooks are called while
a pipeline runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pluggy

from autocakechat.interface.stage_types import (
    AnnotatorType,
    CommandType,
    DeployerType,
    ExtractorType,
    SourceType,
    StageType,
    TrainerType,
)

PROJECT = "autocakechat"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def acc_sources() -> Iterable[SourceType]:
    """Yields sources. A source reads chat logs.

    Example:
        ```python
        @hookimpl
        def acc_sources():
            yield SourceType(
                name="time-name-text", summary="CSV files", config=Options, inputs=find_files, read=read_chats
            )
        ```
    """
    yield from ()


@hookspec
def acc_extractors() -> Iterable[ExtractorType]:
    """Yields extractors. An extractor makes dialogs from the messages of a chat.

    Example:
        ```python
        @hookimpl
        def acc_extractors():
            yield ExtractorType(name="pairs", summary="neighbouring messages", config=Options, extract=extract)
        ```
    """
    yield from ()


@hookspec
def acc_annotators() -> Iterable[AnnotatorType]:
    """Yields annotators. An annotator labels the utterances of dialogs, for example with emotions.

    Example:
        ```python
        @hookimpl
        def acc_annotators():
            yield AnnotatorType(name="smileys", summary="joy by smileys", config=Options, annotate=annotate)
        ```
    """
    yield from ()


@hookspec
def acc_trainers() -> Iterable[TrainerType]:
    """Yields trainers. A trainer trains a model on a corpus, and loads it to generate replies.

    Example:
        ```python
        @hookimpl
        def acc_trainers():
            yield TrainerType(
                name="echo", summary="repeats the message", config=Options, reply=ReplyOptions, train=train, load=load
            )
        ```
    """
    yield from ()


@hookspec
def acc_deployers() -> Iterable[DeployerType]:
    """Yields deployers. A deployer connects a model to a place where people chat with it.

    Example:
        ```python
        @hookimpl
        def acc_deployers():
            yield DeployerType(name="irc", summary="a bot on IRC", config=Options, deploy=deploy)
        ```
    """
    yield from ()


@hookspec
def acc_commands() -> Iterable[CommandType]:
    """Yields commands: subcommands of `acc`.

    Example:
        ```python
        @hookimpl
        def acc_commands():
            yield CommandType(name="shout", summary="print in capitals", load=load_click_command)
        ```
    """
    yield from ()


@hookspec
def acc_before_stage(stage: StageType) -> None:
    """Called before a stage runs.

    Args:
        stage: The stage.
    """


@hookspec
def acc_after_stage(stage: StageType, result: Any) -> None:
    """Called after a stage has finished.

    Args:
        stage: The stage.
        result: The corpus report after a source, extractor or annotator, the metrics after a trainer, None after a
            deployer.
    """


@hookspec
def acc_stage_failed(stage: StageType, error: BaseException) -> None:
    """Called when a stage fails or is interrupted, before the error is reported.

    Args:
        stage: The stage.
        error: The error; KeyboardInterrupt if the user stopped the stage.
    """

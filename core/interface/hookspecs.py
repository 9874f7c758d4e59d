"""The hooks of autocakechat.

A plugin is a module that implements some of these with `hookimpl` and is named by an entry point of the group
`autocakechat`. Registration hooks yield typed objects that do the work; event hooks are told what happens.
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
    """Yields sources: what reads chat logs.

    Example:
        ```python
        @hookimpl
        def acc_sources():
            yield SourceType(name="csv", summary="CSV files", config=Options, inputs=find_files, read=read_chats)
        ```
    """
    yield from ()


@hookspec
def acc_extractors() -> Iterable[ExtractorType]:
    """Yields extractors: what makes dialogs of the messages of a chat.

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
    """Yields annotators: what labels the utterances of dialogs with emotions.

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
    """Yields trainers: what makes a model folder of a corpus and loads it to answer.

    Example:
        ```python
        @hookimpl
        def acc_trainers():
            yield TrainerType(
                name="echo", summary="says it again", config=Options, reply=ReplyOptions, train=train, load=load
            )
        ```
    """
    yield from ()


@hookspec
def acc_deployers() -> Iterable[DeployerType]:
    """Yields deployers: what lets people talk to a model.

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
    """Yields commands: what can be typed after `acc`.

    Example:
        ```python
        @hookimpl
        def acc_commands():
            yield CommandType(name="shout", summary="say it loud", load=load_click_command)
        ```
    """
    yield from ()


@hookspec
def acc_before_stage(stage: StageType) -> None:
    """Told that a stage is about to run."""


@hookspec
def acc_after_stage(stage: StageType, result: Any) -> None:
    """Told that a stage is done, with what it made: a corpus report, a model's metrics, or None."""


@hookspec
def acc_stage_failed(stage: StageType, error: BaseException) -> None:
    """Told that a stage failed, before the error goes on its way."""

"""Calls the functions of stages that return a result at once, and checks the result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autocakechat.config.pipeline import StageConfig
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import Framework, Input, SourceType, TrainerType, TrainingEstimate
from autocakechat.interface.type_checks import describe_value
from autocakechat.pipeline.stage_checks import problem_of_training
from autocakechat.registry.plugin_errors import contract_violation, errors_of_plugin

_GROUP_VARIABLES: dict[Framework, str] = {"tensorflow": "TF_CONFIG", "torch": "WORLD_SIZE"}


def stage_inputs(owner: str, stage: SourceType | TrainerType, options: Any) -> Sequence[Input]:
    """Calls the function `inputs` of a stage.

    Args:
        owner: The plugin that provides the stage, as error messages name it.
        stage: The stage.
        options: Its options.

    Returns:
        The inputs; none for a trainer without such a function.

    Raises:
        UserError: A file is missing.
        PluginError: The function failed, or did not return inputs.
    """
    if stage.inputs is None:
        return ()
    with errors_of_plugin(owner, stage):
        inputs = stage.inputs(options)
    # A generator would check the files too late.
    wrong = [inputs] if not isinstance(inputs, Sequence) or isinstance(inputs, str) else _other_items(inputs)
    if wrong:
        problem = f"`inputs` returns {'' if wrong[0] is inputs else 'a list with '}{describe_value(wrong[0])}"
        expected = 'expected a list of Input, such as [Input("log.txt", (path,))]'
        raise contract_violation(owner, stage, f"{problem}, {expected}", function=stage.inputs)
    return inputs


def estimate_training(owner: str, trainer: TrainerType, replies: int, texts: Sequence[str]) -> TrainingEstimate | None:
    """Calls the function `estimate` of a trainer.

    Args:
        owner: The plugin that provides the trainer, as error messages name it.
        trainer: The trainer.
        replies: The number of replies to learn.
        texts: Some messages of the chat log.

    Returns:
        The estimate; None for a trainer without such a function.

    Raises:
        PluginError: The function failed, or did not return an estimate.
    """
    if trainer.estimate is None:
        return None
    with errors_of_plugin(owner, trainer):
        estimate = trainer.estimate(replies, texts)
    if not isinstance(estimate, TrainingEstimate):
        problem = f"`estimate` returns {describe_value(estimate)}, expected TrainingEstimate"
        raise contract_violation(owner, trainer, problem, function=trainer.estimate)
    return estimate


def train(
    trainer: StageConfig[TrainerType], corpus: Corpus, previous: Path | None, folder: Path, run: RunContext
) -> Mapping[str, Any]:
    """Calls the function `train` of a trainer, or `continue_training` if there is a model to continue from.

    Args:
        trainer: The trainer and its options.
        corpus: The corpus.
        previous: The model folder to continue from, if any.
        folder: An empty folder for the model.
        run: The run context.

    Returns:
        The metrics.
    """
    stage = trainer.stage
    if previous is None or stage.continue_training is None:
        return stage.train(trainer.options, corpus, folder, run)
    return stage.continue_training(trainer.options, previous, corpus, folder, run)


def is_other_worker(trainer: TrainerType, folder: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Returns whether this process was one of several that trained together, and another one has written the model.

    Args:
        trainer: The trainer.
        folder: The folder for the model.
        environment: The environment variables, by which the processes find each other.
    """
    variable = _GROUP_VARIABLES[trainer.distributed] if trainer.distributed else ""
    return variable in environment and not any(folder.iterdir())


def check_training(owner: str, trainer: TrainerType, metrics: Any, folder: Path) -> None:
    """Checks what a trainer returned and wrote.

    Args:
        owner: The plugin that provides the trainer, as error messages name it.
        trainer: The trainer.
        metrics: What it returned.
        folder: The folder that it wrote the model to.

    Raises:
        PluginError: It returned no metrics, or wrote no file.
    """
    if problem := problem_of_training(metrics, folder):
        raise contract_violation(owner, trainer, f"the trainer {problem}")


def recognises(owner: str, source: SourceType, path: Path) -> bool:
    """Returns whether a path looks like a log of a source.

    Raises:
        PluginError: The source failed.
    """
    with errors_of_plugin(owner, source):
        return source.recognises is not None and bool(source.recognises(path))


def _other_items(items: Sequence[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, Input)]

"""`acc chat`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from autocakechat.cli.overrides import any_option, set_option

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.config.pipeline import StageConfig
    from autocakechat.interface.model import TrainedModel
    from autocakechat.interface.run_context import RunContext
    from autocakechat.interface.stage_types import DeployerType


@click.command("chat")
@click.argument("model", type=click.Path(path_type=Path), default="pipeline.toml", metavar="[PIPELINE|MODEL]")
@any_option("model")
@click.option("--candidates", is_flag=True, help="Show the ranked candidates of each reply below it.")
@click.option("--explain", is_flag=True, help="Show below each reply why it was chosen.")
@set_option(example="reply.temperature=1")
@click.pass_obj
def command(
    app: App, model: Path, accept_any: bool, candidates: bool, explain: bool, overrides: tuple[str, ...]
) -> None:
    """Chat in the terminal with the model that a pipeline.toml made, or with a model folder."""
    console = _console(app, candidates, explain)
    if model.is_dir():
        with model_of_folder(app, model, overrides) as (opened, run):
            console.stage.deploy(console.options, opened, run)
    else:
        runner = app.runner(model, overrides)
        folder = runner.artifact("model", accept_any).path
        runner.deploy_with(console, runner.open_model(folder))


@contextmanager
def model_of_folder(
    app: App, folder: Path, overrides: tuple[str, ...], seed: int | None = None
) -> Iterator[tuple[TrainedModel, RunContext]]:
    """Opens a model folder that is used without a pipeline.toml.

    Args:
        app: The state of `acc`.
        folder: The model folder.
        overrides: `reply.KEY=VALUE` of `--set`.
        seed: Makes the replies reproducible.

    Yields:
        The model, and a run context with a temporary state folder.
    """
    from autocakechat.artifacts.model_folder import open_model
    from autocakechat.config.pipeline_file import reply_options
    from autocakechat.display.progress import progress_for
    from autocakechat.interface.run_context import RunContext

    with TemporaryDirectory() as state:
        run = RunContext(app.log, progress_for(app.log), seed=0, state=Path(state))
        yield open_model(folder, app.manager(), lambda trainer: reply_options(trainer, overrides), run, seed), run


def _console(app: App, candidates: bool, explain: bool) -> StageConfig[DeployerType]:
    from autocakechat.config.pipeline import StageConfig

    stage = app.manager().find("deployer", "console")
    return StageConfig(stage, stage.config(candidates=candidates, explain=explain), "deployer")

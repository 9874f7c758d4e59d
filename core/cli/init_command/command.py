"""`acc init`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from autocakechat.cli.init_command import log_choices, stage_choices, trainer_choice
from autocakechat.cli.init_command.pipeline_text import (
    TOKEN_VARIABLE,
    Table,
    check_is_new,
    deployer_table,
    extractor_table,
    source_table,
    write_pipeline,
)
from autocakechat.cli.inspect import can_leave_out
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import DeployerType, TrainerType
from autocakechat.text import escape_control_characters, list_items

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.registry.manager import PluginManager
    from autocakechat.statistics.participants import Participant

_DEFAULT_PIPELINE = Path("pipeline.toml")


def _complete(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Returns a function that completes the names of the stages of a kind."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from autocakechat.registry.manager import PluginManager

        stages = PluginManager.load().stages(kind).values()
        return [CompletionItem(stage.name, help=stage.summary) for stage in stages if stage.name.startswith(incomplete)]

    return complete


@click.command("init")
@click.argument("paths", metavar="[EXPORT...] [PIPELINE]", type=click.Path(path_type=Path), nargs=-1)
@click.option("--export", type=click.Path(path_type=Path), help="The same as EXPORT.")
@click.option(
    "--source",
    "source_name",
    metavar="NAME",
    shell_complete=_complete("source"),
    help="The source to read with; by default the one that recognises the log.",
)
@click.option(
    "--person",
    multiple=True,
    metavar="WHO",
    help="The person to learn: an id, a name, or me for the owner of the log. Repeat it for several ids of the person.",
)
@click.option("--include", multiple=True, metavar="CHAT", help="Read only this chat: an id or a name. May be repeated.")
@click.option(
    "--exclude", multiple=True, metavar="WHAT", help="Leave out this chat or person: an id or a name. May be repeated."
)
@click.option(
    "--trainer", "trainer_name", shell_complete=_complete("trainer"), help="How the bot learns, such as retrieval."
)
@click.option("--start", help="What training starts from, such as scratch or pretrained, if the trainer has a choice.")
@click.option(
    "--deployer",
    "deployer_name",
    shell_complete=_complete("deployer"),
    help="Where the bot runs, such as console or telegram.",
)
@click.option(
    "--allow", multiple=True, metavar="WHO", help="Who may talk to a Telegram bot: an id, a @name, me, or everyone."
)
@click.pass_obj
def command(
    app: App,
    paths: tuple[Path, ...],
    export: Path | None,
    source_name: str | None,
    person: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    trainer_name: str | None,
    start: str | None,
    deployer_name: str | None,
    allow: tuple[str, ...],
) -> None:
    """Create a pipeline.toml: asks for the chat log, the person to learn, the trainer, and where the bot runs.

    EXPORT is the chat log to learn from: a file or a folder; several are learnt together. PIPELINE is the file to
    create, by default pipeline.toml.

    Does not ask for what is given as an option.
    """
    pipeline, exports = _split_paths(paths, export)
    check_is_new(pipeline)
    # All options are checked before the first question, those about the chat log as soon as it is read.
    manager = app.manager()
    trainer = _given_trainer(manager, trainer_name, start)
    start = stage_choices.choose_start(trainer, start) if trainer and start is not None else None
    deployer = _given_deployer(manager, deployer_name, allow)
    log = log_choices.choose_log(app, exports, source_name)
    selection = log_choices.check_selection(log, include, exclude)
    allowed = stage_choices.choose_allowed(deployer, log, allow) if deployer and allow else None

    people = log_choices.choose_person(log.summary, person)
    log_choices.check_not_excluded(people, selection["exclude"])
    trainer = trainer or trainer_choice.ask_trainer(manager, sum(found.messages for found in people), log.texts)
    start = start or stage_choices.choose_start(trainer, None)
    deployer = deployer or stage_choices.choose_deployer(manager, None)
    if deployer.name == stage_choices.TELEGRAM and allowed is None:
        allowed = stage_choices.choose_allowed(deployer, log, ())
    if not person and not include and not exclude:
        selection["exclude"] = log_choices.ask_excluded(log, people)
    tables = [
        *(
            source_table(source.name, _relative(path, pipeline), of_part, can_leave_out(source))
            for source, path, of_part in log_choices.selections(log, selection)
        ),
        extractor_table(people),
        Table("[trainer]", "How the model is trained.", trainer.name, {"start": start} if start else {}),
        deployer_table(deployer.name, allowed),
    ]
    write_pipeline(pipeline, tables, manager)
    _print_choices(people, selection)
    _print_next_steps(pipeline, trainer, deployer)


def _split_paths(paths: Sequence[Path], export: Path | None) -> tuple[Path, Sequence[Path]]:
    """Returns the pipeline.toml to create, and the chat logs that are given."""
    pipelines = [path for path in paths if path.suffix == ".toml" and not path.is_dir()]
    exports = [*([export] if export else []), *(path for path in paths if path not in pipelines)]
    for path in exports:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder", "give an export, or the name of a new .toml file")
    if len(pipelines) > 1:
        listed = ", ".join(map(str, pipelines))
        raise UserError(f"more than one pipeline: {listed}", "create one file after the other")
    return (pipelines[0] if pipelines else _DEFAULT_PIPELINE), exports


def _relative(path: Path, pipeline: Path) -> str:
    return str(path) if path.is_absolute() else os.path.relpath(path, pipeline.parent)


def _given_trainer(manager: PluginManager, name: str | None, start: str | None) -> TrainerType | None:
    """Returns the trainer that the options choose, if any; `--start` alone chooses the one that has this option."""
    if name is not None:
        return trainer_choice.find_trainer(manager, name)
    if start is None:
        return None
    trainer = trainer_choice.trainer_with_start(manager)
    if trainer is None:
        raise UserError("--start needs --trainer", "add --trainer, with the name of the trainer")
    return trainer


def _given_deployer(manager: PluginManager, name: str | None, allow: Sequence[str]) -> DeployerType | None:
    """Returns the deployer that the options choose, if any; `--allow` alone chooses Telegram."""
    if name is None:
        return stage_choices.choose_deployer(manager, stage_choices.TELEGRAM) if allow else None
    if allow and name != stage_choices.TELEGRAM:
        raise UserError(f"--allow: the deployer '{name}' has no such option", "leave it out")
    return stage_choices.choose_deployer(manager, name)


def _print_choices(person: Sequence[Participant], selection: Mapping[str, log_choices.Names]) -> None:
    """Prints who and what the answers chose, because a part of a name is enough as an answer."""
    from autocakechat.interface.selection import list_names

    click.echo(f"person to learn: {list_items(map(str, person), most=None)}", err=True)
    for option, names in selection.items():
        if names:
            click.echo(f"{option}: {escape_control_characters(list_names(names))}", err=True)


def _print_next_steps(pipeline: Path, trainer: TrainerType, deployer: DeployerType) -> None:
    from autocakechat.registry.requirements import missing_to_run

    click.echo(f"{pipeline}: written; next:", err=True)
    for stage in (trainer, deployer):
        if missing := missing_to_run(stage):
            click.echo(f"  {missing.install}", err=True)
    if deployer.name == stage_choices.TELEGRAM:
        click.echo(f"  export {TOKEN_VARIABLE}=...        # the token from @BotFather", err=True)
    click.echo(f"  acc run {shlex.quote(str(pipeline))}", err=True)

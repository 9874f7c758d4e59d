"""`acc init`."""

from __future__ import annotations

import os
import sys
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click
from click.shell_completion import CompletionItem

from autocakechat.errors import UserError
from autocakechat.interface.stage_types import DeployerType, SourceType, TrainerType
from autocakechat.text import escape_control_characters, suggest

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.statistics.log_summary import LogSummary
    from autocakechat.statistics.participants import Participant

_USUAL_EXPORTS = ("tg_data", "result.json")
_MAX_PARTICIPANTS = 10
_MAX_PARTICIPANTS_IN_ERROR = 3
_TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
_EVERYONE = "everyone"
_COMMENT_COLUMN = 40


def _complete(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Returns a function that completes the names of the stages of a kind."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from autocakechat.registry.manager import PluginManager

        stages = PluginManager.load().stages(kind).values()
        return [CompletionItem(stage.name, help=stage.summary) for stage in stages if stage.name.startswith(incomplete)]

    return complete


@click.command("init")
@click.argument("pipeline", type=click.Path(path_type=Path, dir_okay=False), default="pipeline.toml")
@click.option("--export", type=click.Path(path_type=Path), help="The chat log to learn from: a file or a folder.")
@click.option(
    "--source",
    "source_name",
    metavar="NAME",
    shell_complete=_complete("source"),
    help="The source to read with; by default the one that recognises the log.",
)
@click.option("--person", metavar="ID", help="The id of the person to learn, as `acc inspect` shows it.")
@click.option(
    "--trainer", "trainer_name", default="cakechat", shell_complete=_complete("trainer"), help="The trainer to use."
)
@click.option("--start", help="What training starts from, such as scratch or pretrained, if the trainer has a choice.")
@click.option(
    "--deployer",
    "deployer_name",
    shell_complete=_complete("deployer"),
    help="Where the bot runs, such as console or telegram.",
)
@click.option(
    "--allow", multiple=True, metavar="WHO", help="Who may talk to a Telegram bot: an id, a @name, or everyone."
)
@click.pass_obj
def command(
    app: App,
    pipeline: Path,
    export: Path | None,
    source_name: str | None,
    person: str | None,
    trainer_name: str,
    start: str | None,
    deployer_name: str | None,
    allow: tuple[str, ...],
) -> None:
    """Create a pipeline.toml: asks for the chat log, the person to learn, and where the bot runs.

    Does not ask for what is given as an option.
    """
    from autocakechat.cli.inspect import read_log, source_for
    from autocakechat.config.pipeline_file import PipelineFile

    if pipeline.exists():
        raise UserError(f"{pipeline}: already exists", "give another name, or move the file away")
    manager = app.manager()
    trainer: TrainerType = manager.find("trainer", trainer_name)
    if deployer_name:
        manager.find("deployer", deployer_name)  # an unknown name ends the command before the log is read

    export = _choose_export(export)
    source = source_for(app, export, source_name)
    participant = _choose_participant(read_log(app, source, export), person)
    start = _choose_start(trainer, start)
    deployer: DeployerType = manager.find(
        "deployer", deployer_name or _ask("--deployer", "Where should the bot run?", "console")
    )
    tables = [
        _source_table(source, export, pipeline),
        _extractor_table(participant),
        _Table("[trainer]", "How the model is trained.", trainer.name, {"start": start} if start else {}),
        _deployer_table(deployer, allow),
    ]
    _write(pipeline, tables)
    PipelineFile(pipeline).check(manager)
    _print_next_steps(pipeline, deployer)


@attrs.frozen
class _Table:
    """A table of the new pipeline.toml.

    Attributes:
        header: Its header.
        comment: The comment above the header.
        use: The name of the stage.
        values: Its options.
        comments: The comments behind options, by name.
    """

    header: str
    comment: str
    use: str
    values: dict[str, Any]
    comments: dict[str, str] = attrs.field(factory=dict)

    def __str__(self) -> str:
        from autocakechat.config.toml_writer import toml_value

        lines = [f"# {self.comment}", self.header, f'use = "{self.use}"']
        for name, value in self.values.items():
            setting = f"{name} = {toml_value(value)}"
            comment = self.comments.get(name)
            lines.append(f"{setting:<{_COMMENT_COLUMN}}  # {comment}" if comment else setting)
        return "\n".join([*lines, ""])


def _source_table(source: SourceType, export: Path, pipeline: Path) -> _Table:
    path = str(export) if export.is_absolute() else os.path.relpath(export, pipeline.parent)
    return _Table("[[source]]", "The chat logs to read; there can be several.", source.name, {"path": path})


def _extractor_table(participant: Participant) -> _Table:
    name = escape_control_characters(participant.name or "no name")
    return _Table(
        "[extractor]",
        "How dialogs are extracted from the chats.",
        "turns",
        {"server": participant.id},
        {"server": f"{name}, {participant.messages:,} messages"},
    )


def _deployer_table(deployer: DeployerType, allow: Sequence[str]) -> _Table:
    header, comment = "[deployer]", "Where the bot runs."
    if deployer.name != "telegram":
        return _Table(header, comment, deployer.name, {})
    return _Table(
        header,
        comment,
        deployer.name,
        {"token": {"env": _TOKEN_VARIABLE}, "allow": _choose_allowed(allow)},
        {"token": "the environment variable with the token from @BotFather"},
    )


def _write(pipeline: Path, tables: Sequence[_Table]) -> None:
    head = (
        f"# `acc run {pipeline.name}` runs this pipeline; `acc config check` checks this file.\n"
        "# `acc plugins show NAME` shows all options of a table, where NAME is the value of `use`.\n"
    )
    try:
        pipeline.write_text("\n".join([head, *map(str, tables)]), "utf-8")
    except OSError as error:
        raise UserError(f"{pipeline}: {error.strerror}", "give another name") from None


def _print_next_steps(pipeline: Path, deployer: DeployerType) -> None:
    click.echo(f"{pipeline}: written; next:", err=True)
    if deployer.name == "telegram":
        click.echo(f"  export {_TOKEN_VARIABLE}=...        # the token from @BotFather", err=True)
    click.echo(f"  acc run {pipeline}", err=True)


def _ask(option: str, question: str, default: str | None) -> str:
    """Asks the user a question.

    Args:
        option: The command-line option that answers it in advance.
        question: The question.
        default: The default answer, if any.

    Raises:
        UserError: Standard input has ended and is not a terminal.
    """
    try:
        answer: str = click.prompt(question, default=default, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise UserError(f"{option} is missing", f"give the option, or answer the question: {question}") from None
    return answer


def _choose_export(export: Path | None) -> Path:
    if export is None:
        usual = next((name for name in _USUAL_EXPORTS if Path(name).exists()), None)
        export = Path(_ask("--export", "Which chat log (a file or a folder)?", usual))
    if not export.exists():
        raise UserError(f"{export}: no such file or folder", "give the path of an export")
    return export


def _choose_participant(log: LogSummary, chosen: str | None) -> Participant:
    """Returns the person to learn.

    Args:
        log: The summary of the chat log.
        chosen: The id of a participant; None to ask.
    """
    participants = {participant.id: participant for participant in log.people}
    if not participants:
        raise UserError("the chat log has no participants", "give another export")
    if chosen is None:
        shown = log.people[:_MAX_PARTICIPANTS]
        for number, participant in enumerate(shown, 1):
            click.echo(f"{number:>4}  {participant}", err=True)
        chosen = _ask("--person", "Which person should the bot talk like (a number or an id)?", "1")
        if chosen.isdecimal() and chosen not in participants and 1 <= int(chosen) <= len(shown):
            return shown[int(chosen) - 1]
    if chosen not in participants:
        most_active = ", ".join(map(str, log.people[:_MAX_PARTICIPANTS_IN_ERROR]))
        raise UserError(
            f"no participant has the id {chosen!r}{suggest(chosen, participants)}", f"the most active are {most_active}"
        )
    return participants[chosen]


def _choose_start(trainer: TrainerType, start: str | None) -> str | None:
    """Returns what training starts from; None if the trainer has no choice."""
    if start is not None:
        return start
    hint = typing.get_type_hints(trainer.config).get("start")
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    if len(choices) < 2:
        return None
    default = attrs.fields_dict(trainer.config)["start"].default
    return _ask("--start", f"What should training start from (one of {', '.join(choices)})?", str(default))


def _choose_allowed(allow: Sequence[str]) -> str | list[int | str]:
    """Returns who may talk to a Telegram bot: a list of ids and names, or everyone."""
    if not allow:
        allow = _ask(
            "--allow", "Who may talk to it (Telegram ids or @names, separated by spaces; or everyone)?", None
        ).split()
    if list(allow) == [_EVERYONE]:
        return _EVERYONE
    return [int(entry) if entry.lstrip("-").isdecimal() else entry for entry in allow]

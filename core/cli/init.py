"""`acc init`."""

from __future__ import annotations

import os
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click
from click.shell_completion import CompletionItem

from autocakechat.errors import UserError
from autocakechat.text import escape_control_characters, suggest

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.statistics.log_summary import LogSummary
    from autocakechat.statistics.participants import Participant

_MOST_PEOPLE = 10
_TOKEN = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
_EVERYONE = "everyone"


def _complete(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Completes the names of stages of a kind."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from autocakechat.registry.manager import PluginManager

        stages = PluginManager.load().stages(kind).values()
        return [CompletionItem(stage.name, help=stage.summary) for stage in stages if stage.name.startswith(incomplete)]

    return complete


@click.command("init")
@click.argument("pipeline", type=click.Path(path_type=Path, dir_okay=False), default="pipeline.toml")
@click.option("--export", type=click.Path(path_type=Path), help="The chat log to learn from: a file or a folder.")
@click.option(
    "--source", "source_name", metavar="NAME", shell_complete=_complete("source"), help="Read it with this source."
)
@click.option("--person", metavar="ID", help="The id of the person to learn, as `acc inspect` shows it.")
@click.option("--trainer", "trainer_name", default="cakechat", shell_complete=_complete("trainer"), help="What learns.")
@click.option("--start", help="What to begin with, such as scratch or pretrained, where the trainer offers a choice.")
@click.option(
    "--deployer",
    "deployer_name",
    shell_complete=_complete("deployer"),
    help="Where to talk to the bot, such as console or telegram.",
)
@click.option(
    "--allow", multiple=True, metavar="WHO", help="Who may talk to a Telegram bot: an id, a @name; or everyone."
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
    """Write a pipeline.toml: asks which export, which person, where to talk, and who may.

    What is given as an option is not asked.
    """
    from autocakechat.cli.inspect import read_log, source_for
    from autocakechat.config.pipeline_file import PipelineFile

    if pipeline.exists():
        raise UserError(f"{pipeline}: is there already", "give another name, or move it away")
    manager = app.manager()
    trainer = manager.find("trainer", trainer_name)
    deployer = manager.find("deployer", deployer_name) if deployer_name else None
    export = export or Path(_ask("--export", "Which chat log, a file or a folder?", _likely_export()))
    if not export.exists():
        raise UserError(f"{export}: no such file or folder", "give the path of an export")
    source = source_for(app, export, source_name)
    learnt = _person(read_log(app, source, export), person)
    tables = [
        _Table("[[source]]", "Where the messages come from; there may be several.", source.name).with_(
            path=os.path.relpath(export, pipeline.parent) if not export.is_absolute() else str(export)
        ),
        _Table("[extractor]", "What makes dialogs of them.", "turns").with_(server=learnt.id),
        _Table("[trainer]", "What learns.", trainer.name).with_(**_start(trainer, start)),
    ]
    tables[1].comments["server"] = (
        f"{escape_control_characters(learnt.name or 'no name')}, {learnt.messages:,} messages"
    )
    deployer = deployer or manager.find("deployer", _ask("--deployer", "Where to talk to the bot?", "console"))
    place = _Table("[deployer]", "Where to talk to the bot.", deployer.name)
    if deployer.name == "telegram":
        place.with_(token={"env": _TOKEN}, allow=_allowed(allow))
        place.comments |= {"token": "the environment variable that holds the token of @BotFather"}
    tables.append(place)
    _write(pipeline, tables)
    PipelineFile(pipeline).check(manager)
    click.echo(f"{pipeline}: written", err=True)
    if deployer.name == "telegram":
        click.echo(f"  export {_TOKEN}=...        # the token of @BotFather", err=True)
    click.echo(f"  acc run {pipeline}", err=True)


@attrs.define
class _Table:
    """A table to write, with what is chosen in it."""

    header: str
    purpose: str
    use: str
    values: dict[str, Any] = attrs.field(factory=dict, init=False)
    comments: dict[str, str] = attrs.field(factory=dict, init=False)

    def with_(self, **values: Any) -> _Table:
        """Puts values in."""
        self.values.update(values)
        return self

    def __str__(self) -> str:
        from autocakechat.config.toml_writer import toml_value

        lines = [f"# {self.purpose}", self.header, f'use = "{self.use}"']
        for name, value in self.values.items():
            setting = f"{name} = {toml_value(value)}"
            lines.append(f"{setting:<40}  # {self.comments[name]}" if name in self.comments else setting)
        return "\n".join([*lines, ""])


def _write(pipeline: Path, tables: Sequence[_Table]) -> None:
    head = (
        f"# `acc run {pipeline.name}` turns the chats into a bot; `acc config check` looks through this file.\n"
        "# `acc plugins show NAME` tells every option of a table, NAME being what stands after `use`.\n"
    )
    try:
        pipeline.write_text("\n".join([head, *map(str, tables)]), "utf-8")
    except OSError as error:
        raise UserError(f"{pipeline}: {error.strerror}", "give another name") from None


def _ask(option: str, question: str, default: str | None) -> str:
    """Asks; where nobody answers, the option is what was missing."""
    try:
        answer: str = click.prompt(question, default=default, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise UserError(f"{option} is missing", f"give it, or answer: {question}") from None
    return answer


def _likely_export() -> str | None:
    return next((name for name in ("tg_data", "result.json") if Path(name).exists()), None)


def _person(log: LogSummary, asked: str | None) -> Participant:
    people = {person.id: person for person in log.people}
    if not people:
        raise UserError("nobody wrote anything there", "give another export")
    shown = log.people[:_MOST_PEOPLE]
    if asked is None:
        for number, person in enumerate(shown, 1):
            click.echo(f"{number:>4}  {person}", err=True)
        asked = _ask("--person", "Which person should the bot talk like? A number, or an id", "1")
        if asked.isdecimal() and asked not in people and 1 <= int(asked) <= len(shown):
            return shown[int(asked) - 1]
    if asked not in people:
        raise UserError(
            f"nobody has the id {asked!r}{suggest(asked, people)}", f"the first are {', '.join(map(str, shown[:3]))}"
        )
    return people[asked]


def _start(trainer: Any, given: str | None) -> Mapping[str, str]:
    """Asks what to begin with, where the trainer offers a choice."""
    hint = typing.get_type_hints(trainer.config).get("start")
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    if given is None and len(choices) < 2:
        return {}
    if given is None:
        default = attrs.fields_dict(trainer.config)["start"].default
        given = _ask("--start", f"What to begin with? One of {', '.join(choices)}", str(default))
    return {"start": given}


def _allowed(given: Sequence[str]) -> Any:
    """Who may talk to the bot: a list of ids and names, or everyone."""
    if not given:
        given = _ask("--allow", "Who may talk to it? Your Telegram id or @name, several with blanks", None).split()
    if list(given) == [_EVERYONE]:
        return _EVERYONE
    return [int(who) if who.lstrip("-").isdecimal() else who for who in given]

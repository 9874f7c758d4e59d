"""`acc inspect`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.interface.stage_types import SourceType
from autocakechat.text import escape_control_characters, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autocakechat.cli.app import App
    from autocakechat.statistics.log_summary import ChatSummary, LogSummary
    from autocakechat.statistics.participants import Participant

_CHATS_SHOWN = 20
_PEOPLE_SHOWN = 20
_PEOPLE_OF_A_CHAT_SHOWN = 5


@click.command("inspect")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--source", "name", metavar="NAME", help="Read with this source; by default the one that recognises it.")
@click.option("--all", "everything", is_flag=True, help="Show every chat and everybody in it.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with figures and charts to this file."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every chat.")
@click.pass_obj
def command(app: App, path: Path, name: str | None, everything: bool, html: Path | None, as_json: bool) -> None:
    """Show the chats of a log, and for each person the id, the name and how many messages there are.

    PATH is a file or a folder of chat logs. The id is what `server` in a pipeline.toml wants.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder", "give the path of an export")
    log = read_log(app, source_for(app, path, name), path)
    if html is not None:
        from autocakechat.display.log_page import page
        from autocakechat.display.markup import write_page

        write_page(html, page(log))
        app.log.info("written to %s", html)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(log), indent=1).decode("utf-8", "replace"))
        return
    for line in _lines(log, everything):
        click.echo(line)


def source_for(app: App, path: Path, name: str | None) -> SourceType:
    """Finds the source that reads a path: the one of a name, or the one that recognises it.

    Raises:
        UserError: There is none; the message says what is wrong with the path, if a source knows.
    """
    from autocakechat.statistics.log_summary import source_options

    manager = app.manager()
    if name is not None:
        return manager.find("source", name)  # type: ignore[no-any-return]
    sources = [each for each in manager.stages("source").values() if isinstance(each, SourceType) and each.recognises]
    for source in sources:
        if source.recognises is not None and source.recognises(path):
            return source
    problems = []
    for source in sources:
        # A source that does not know the file may still know what is wrong with it.
        try:
            source.inputs(source_options(source, path))
        except UserError as error:
            problems.append(str(error))
    raise (
        ManyProblemsError(problems)
        if problems
        else UserError(f"{path}: no source recognises it", "type: acc plugins list")
    )


def read_log(app: App, source: SourceType, path: Path) -> LogSummary:
    """Reads a log and tells who is in it.

    Raises:
        UserError: The source cannot read it.
    """
    from autocakechat.display.progress import progress_for
    from autocakechat.errors import AccError
    from autocakechat.interface.run_context import RunContext
    from autocakechat.registry.manager import plugin_error
    from autocakechat.statistics.log_summary import inspect_log

    with tempfile.TemporaryDirectory(prefix="acc-") as state:
        run = RunContext(app.log, progress_for(app.log), 0, Path(state))
        try:
            return inspect_log(source, path, run)
        except (AccError, MemoryError):
            raise
        except Exception as error:
            app.log.debug("in source %s", source.name, exc_info=True)
            raise plugin_error(app.manager().owner(source), error) from error


def _lines(log: LogSummary, everything: bool) -> Iterator[str]:

    yield f"{pluralize(log.messages, 'message')} in {pluralize(len(log.chats), 'chat')}, read by source {log.source}"
    yield ""
    yield "PEOPLE"
    yield from _people(log.people, None if everything else _PEOPLE_SHOWN, indent="  ")
    yield ""
    yield "CHATS"
    ranked = sorted(log.chats, key=lambda chat: -chat.messages)
    shown = ranked if everything else ranked[:_CHATS_SHOWN]
    for chat in shown:
        yield from _chat(chat, everything)
    if len(shown) < len(ranked):
        yield f"  and {pluralize(len(ranked) - len(shown), 'chat')} more; --all shows them"
    if log.people:
        yield ""
        most_active = escape_control_characters(log.people[0].id)
        yield f'To learn a person, put the id into pipeline.toml: server = "{most_active}"'


def _chat(chat: ChatSummary, everything: bool) -> Iterator[str]:

    skipped = f", skipped: {escape_control_characters(chat.skipped)}" if chat.skipped else ""
    title = escape_control_characters(chat.title) if chat.title else "no title"
    identity = escape_control_characters(f"{chat.kind} {chat.id}")
    yield f"  {title} ({identity}), {pluralize(chat.messages, 'message')}{skipped}"
    yield from _people(chat.people, None if everything else _PEOPLE_OF_A_CHAT_SHOWN, indent="      ")


def _people(people: list[Participant], most: int | None, indent: str) -> Iterator[str]:
    shown = people if most is None else people[:most]
    widths = [
        max((len(escape_control_characters(person.id)) for person in shown), default=0),
        max((len(f"{person.messages:,}") for person in shown), default=0),
    ]
    for person in shown:
        number = f"{person.messages:,}".rjust(widths[1])
        name = escape_control_characters(person.name) if person.name else "(no name)"
        yield f"{indent}{escape_control_characters(person.id).ljust(widths[0])}  {number}  {name}"
    if len(shown) < len(people):
        yield f"{indent}and {len(people) - len(shown):,} more"

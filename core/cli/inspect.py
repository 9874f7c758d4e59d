"""`acc inspect`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from autocakechat.display.tables import print_json, topic_line
from autocakechat.errors import ForeignLogError, ManyProblemsError, UserError
from autocakechat.interface.stage_types import SourceType
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import escape_control_characters, list_items, pluralize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autocakechat.cli.app import App
    from autocakechat.interface.chatlog import Chat
    from autocakechat.interface.run_context import RunContext
    from autocakechat.statistics.log_summary import ChatSummary, LogSummary
    from autocakechat.statistics.participants import Participant

_MAX_CHATS = 20
_MAX_PARTICIPANTS = 20
_MAX_PARTICIPANTS_PER_CHAT = 5
_MAX_TOPICS_PER_CHAT = 5


@click.command("inspect")
@click.argument("paths", metavar="PATH...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--source", "name", metavar="NAME", help="The source to read with; by default the one that recognises the log."
)
@click.option("--all", "everything", is_flag=True, help="Show all chats and all participants.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write an HTML page with tables and charts."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all chats.")
@click.option("--as", "output_format", type=click.Choice(["jsonl"]), help="Also convert the log to this format.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file for --as.")
@click.pass_obj
def command(
    app: App,
    paths: tuple[Path, ...],
    name: str | None,
    everything: bool,
    html: Path | None,
    as_json: bool,
    output_format: str | None,
    output: Path | None,
) -> None:
    """Show the chats and participants of a chat log: ids, names and numbers of messages.

    PATH is a file or a folder of chat logs; several are shown together. Put the id of the person to learn into
    `server` in pipeline.toml, and ids or names to leave out into `exclude` of [[source]].

    `--as jsonl -o FILE` writes all messages to FILE, one JSON object a line, which the source `jsonl` reads.
    """
    if (output_format is None) != (output is None):
        raise UserError("--as and -o belong together", "give both, such as --as jsonl -o log.jsonl")
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder", "give the path of an export")
    logs = [(source_for(app, path, name), path) for path in paths]
    if output is None:
        log = read_logs(app, logs)
    else:
        from autocakechat.pipeline.reading.log_writer import writing

        with writing(output) as write:
            log = read_logs(app, logs, lambda _, chat: write(chat))
        app.log.info("%s: %s written", output, pluralize(log.messages, "message"))
    if html is not None:
        from autocakechat.display.log_page import page
        from autocakechat.display.markup import write_page

        write_page(html, page(log))
        app.log.info("written to %s", html)
    if as_json:
        print_json(log)
        return
    for line in [*_summary_lines(log, everything), *_hints(log, all(can_leave_out(source) for source, _ in logs))]:
        click.echo(line)


@stdout_to_stderr()
def source_for(app: App, path: Path, name: str | None) -> SourceType:
    """Returns the source to read a chat log with.

    Args:
        app: The state of `acc`.
        path: The chat log.
        name: The name of the source; None for the one that recognises the log.

    Raises:
        UserError: There is none. If a source can say what is wrong with the log, the message is from that source.
    """
    from autocakechat.interface.log_file import LogFileOpener, is_zip
    from autocakechat.pipeline.stage_results import recognises, stage_inputs
    from autocakechat.statistics.log_summary import source_options

    manager = app.manager()
    if name is not None:
        return manager.find("source", name)  # type: ignore[no-any-return]
    if not path.is_file() and not path.is_dir():
        raise UserError(f"{path}: not a regular file", "give the path of a file or folder")
    sources = [stage for stage in manager.stages("source").values() if isinstance(stage, SourceType)]
    recognising = [source for source in sources if source.recognises]
    for source in recognising:
        if recognises(manager.owner(source), source, path):
            return source
    if is_zip(path):
        with LogFileOpener() as opener:
            opener.members(path)  # raises what is wrong with the archive
    problems: dict[str, str] = {}
    foreign = []
    for source in recognising:
        # A source that does not recognise the log may still know what is wrong with it.
        try:
            stage_inputs(manager.owner(source), source, source_options(source, path))
        except ForeignLogError:
            foreign.append(source.name)
        except UserError as error:
            problems.setdefault(error.message, str(error))  # several sources may find the same damage
    if problems:
        raise ManyProblemsError(list(problems.values()))
    if foreign:
        raise UserError(
            f"{path}: no source recognises it, of {list_items(foreign, most=None)}",
            "give the path of a chat log; --source NAME says what one of them expects",
        )
    raise UserError(
        f"{path}: no source recognises it", "give --source NAME; for the names: acc plugins list --kind source"
    )


def can_leave_out(source: SourceType) -> bool:
    """Returns whether a source has the options `include` and `exclude`, to leave out chats and people."""
    return {"include", "exclude"} <= attrs.fields_dict(source.config).keys()


@stdout_to_stderr()
def read_logs(
    app: App, logs: Sequence[tuple[SourceType, Path]], tap: Callable[[int, Chat], None] | None = None
) -> LogSummary:
    """Reads chat logs and counts their messages.

    Args:
        app: The state of `acc`.
        logs: The chat logs, each with the source to read it with.
        tap: Called with each chat before it is read, and with the index of its log.

    Raises:
        UserError: The source cannot read it.
        PluginError: The source failed.
    """
    from autocakechat.display.progress import progress_for
    from autocakechat.interface.run_context import RunContext
    from autocakechat.statistics.log_summary import summarize_log

    names = list_items(dict.fromkeys(source.name for source, _ in logs), most=None)
    with tempfile.TemporaryDirectory(prefix="acc-") as state:
        run = RunContext(app.log, progress_for(app.log), 0, Path(state))
        return summarize_log(names, _chats_of_all(app, logs, run, tap))


def _chats_of_all(
    app: App, logs: Sequence[tuple[SourceType, Path]], run: RunContext, tap: Callable[[int, Chat], None] | None
) -> Iterator[Chat]:
    for number, (source, path) in enumerate(logs):
        for chat in _chats(app, source, path, run):
            if tap is not None:
                tap(number, chat)
            yield chat


def _chats(app: App, source: SourceType, path: Path, run: RunContext) -> Iterator[Chat]:
    from autocakechat.pipeline.reading.extraction import BoundStage, read_chats
    from autocakechat.pipeline.stage_results import stage_inputs
    from autocakechat.statistics.log_summary import source_options

    options, owner = source_options(source, path), app.manager().owner(source)
    bound = BoundStage(source, options, run, owner)
    for entry in stage_inputs(owner, source, options):
        yield from read_chats(bound, entry)


def _summary_lines(log: LogSummary, everything: bool) -> Iterator[str]:
    yield f"{pluralize(log.messages, 'message')} in {pluralize(len(log.chats), 'chat')}, read by source {log.source}"
    yield ""
    yield "PEOPLE"
    yield from _participant_lines(log.people, None if everything else _MAX_PARTICIPANTS, indent="  ")
    yield ""
    yield "CHATS"
    by_size = sorted(log.chats, key=lambda chat: -chat.messages)
    shown = by_size if everything else by_size[:_MAX_CHATS]
    for chat in shown:
        yield from _chat_lines(chat, everything)
    if len(shown) < len(by_size):
        yield f"  and {pluralize(len(by_size) - len(shown), 'chat')} more; --all shows them"


def _hints(log: LogSummary, leaves_out: bool) -> Iterator[str]:
    """Yields lines that can be copied into a pipeline.toml.

    Args:
        log: The log.
        leaves_out: Whether the source has options to leave out chats and people.
    """
    from autocakechat.config.toml_writer import toml_value

    if not log.people:
        return
    yield ""
    if log.owner is not None:
        names = {participant.id: participant.name for participant in log.people}
        owner = f"{log.owner} ({names[log.owner]})" if names.get(log.owner) else log.owner
        yield f"The owner of the log is {escape_control_characters(owner)}."
    most_active = escape_control_characters(log.people[0].id)
    yield f"To learn a person, put the id into pipeline.toml: server = {toml_value(most_active)}"
    if leaves_out and len(log.chats) > 1:
        smallest = escape_control_characters(min(log.chats, key=lambda chat: chat.messages).id)
        yield f"To leave out chats or people, list ids or names in [[source]]: exclude = [{toml_value(smallest)}]"


def _chat_lines(chat: ChatSummary, everything: bool) -> Iterator[str]:
    skipped = f", skipped: {escape_control_characters(chat.skipped)}" if chat.skipped else ""
    title = escape_control_characters(chat.title) if chat.title else "no title"
    identity = escape_control_characters(f"{chat.kind} {chat.id}")
    yield f"  {title} ({identity}), {pluralize(chat.messages, 'message')}{skipped}"
    if chat.topics:
        limit = None if everything else _MAX_TOPICS_PER_CHAT
        yield f"      {topic_line(chat.topics, limit)}"
    yield from _participant_lines(chat.people, None if everything else _MAX_PARTICIPANTS_PER_CHAT, indent="      ")


def _participant_lines(participants: list[Participant], limit: int | None, indent: str) -> Iterator[str]:
    rows = [
        (
            escape_control_characters(participant.id),
            f"{participant.messages:,}",
            escape_control_characters(participant.name) if participant.name else "(no name)",
        )
        for participant in participants[:limit]
    ]
    id_width = max((len(row[0]) for row in rows), default=0)
    number_width = max((len(row[1]) for row in rows), default=0)
    for sender, number, name in rows:
        yield f"{indent}{sender.ljust(id_width)}  {number.rjust(number_width)}  {name}"
    if len(rows) < len(participants):
        yield f"{indent}and {len(participants) - len(rows):,} more"

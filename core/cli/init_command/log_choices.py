"""The choices about the chat log: the log itself, the person to learn, and what to leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from autocakechat.cli.init_command.matching import find_one, find_person
from autocakechat.cli.init_command.questions import ask, check_option
from autocakechat.cli.inspect import can_leave_out, read_log, source_for
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import SourceType
from autocakechat.text import escape_control_characters, pluralize

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.interface.chatlog import MessageBatch
    from autocakechat.statistics.log_summary import ChatSummary, LogSummary
    from autocakechat.statistics.participants import Participant

_USUAL_EXPORTS = ("tg_data", "result.json")
_MAX_SHOWN = 10
_TEXTS_PER_BATCH, _MAX_TEXTS = 50, 2000

Names = Mapping[str, str | None]
"""Names of chats and people, by id."""


@attrs.frozen
class ChatLog:
    """The chat log to learn from.

    Attributes:
        path: The file or folder.
        source: The source that reads it.
        summary: Its chats and participants.
        texts: Some of its messages.
    """

    path: Path
    source: SourceType
    summary: LogSummary
    texts: Sequence[str]

    def chats(self) -> dict[str, str | None]:
        """Returns the titles of the chats, by id."""
        return {chat.id: chat.title for chat in self.summary.chats}

    def chats_and_people(self) -> dict[str, str | None]:
        """Returns the names of the chats and participants, by id; a private chat and its person have the same id."""
        return self.chats() | {participant.id: participant.name for participant in self.summary.people}


def choose_log(app: App, given: Path | None, source_name: str | None) -> ChatLog:
    """Returns the chat log, read to its end."""

    def read(path: Path) -> ChatLog:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder", "give the path of an export")
        source = source_for(app, path, source_name)
        texts: list[str] = []
        summary = read_log(app, source, path, partial(_collect_texts, texts))
        if not summary.people:
            raise UserError(f"{path}: the chat log has no participants", "give another export")
        return ChatLog(path, source, summary, texts)

    if given is not None:
        return read(given)
    usual = next((name for name in _USUAL_EXPORTS if Path(name).exists()), None)
    question = "Which chat log (a file or a folder)?"
    return ask("--export", question, lambda answer: read(Path(answer.strip("'\"")).expanduser()), usual)


def _collect_texts(texts: list[str], batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
    """Adds some messages of each batch to a list, and yields the batches unchanged."""
    for batch in batches:
        if len(texts) < _MAX_TEXTS:
            texts.extend(text for text in batch.texts[:_TEXTS_PER_BATCH] if text)
        yield batch


def choose_person(log: LogSummary, given: str | None) -> Participant:
    """Returns the person to learn."""
    people = {participant.id: participant for participant in log.people}
    if given is not None:
        return people[check_option("--person", given.strip(), lambda entry: find_person(entry, log))]
    shown = log.people[:_MAX_SHOWN]
    for number, participant in enumerate(shown, 1):
        owner = ", the owner of the chat log" if participant.id == log.owner else ""
        click.echo(f"{number:>4}  {participant}{owner}", err=True)

    def find(answer: str) -> Participant:
        number = _number_in(shown, answer)
        return shown[number] if number is not None and answer not in people else people[find_person(answer, log)]

    mine = " or 'me'" if log.owner in people else ""
    return ask("--person", f"Which person should the bot talk like (a number, a name, an id{mine})?", find, "1")


def check_selection(log: ChatLog, include: Sequence[str], exclude: Sequence[str]) -> dict[str, Names]:
    """Returns the names of the chats and people of `--include` and `--exclude`, by option.

    Raises:
        UserError: An entry does not fit exactly one, or the source cannot leave out chats.
    """
    selection: dict[str, Names] = {}
    for name, entries, known, what in (
        ("include", include, log.chats(), "chat"),
        ("exclude", exclude, log.chats_and_people(), "chat or person"),
    ):
        if entries and not can_leave_out(log.source):
            raise UserError(f"--{name}: the source '{log.source.name}' has no such option", "leave it out")
        find = partial(find_one, names=known, what=what)
        ids = [check_option(f"--{name}", entry.strip(), find) for entry in entries]
        selection[name] = {key: known[key] for key in ids}
    return selection


def ask_excluded(log: ChatLog, person: Participant) -> Names:
    """Asks which chats and people to leave out, if the source can do that and the log has several chats."""
    chats = sorted((chat for chat in log.summary.chats if not chat.skipped), key=lambda chat: -chat.messages)
    if len(chats) < 2 or not can_leave_out(log.source):
        return {}
    shown = chats[:_MAX_SHOWN]
    for number, chat in enumerate(shown, 1):
        click.echo(f"{number:>4}  {_describe(chat)}", err=True)
    known = log.chats_and_people()

    def find(answer: str) -> Names:
        entries = [entry.strip() for entry in answer.split(",") if entry.strip()]
        numbers = {entry: _number_in(shown, entry) for entry in entries if entry not in known}
        ids = [
            find_one(entry, known, "chat or person") if (number := numbers.get(entry)) is None else shown[number].id
            for entry in entries
        ]
        excluded = {key: known[key] for key in ids}
        check_not_excluded(person, excluded)
        return excluded

    question = "Leave out chats or people (numbers, names or ids, separated by commas; Enter for none)?"
    return ask("--exclude", question, find, "")


def check_not_excluded(person: Participant, excluded: Names) -> None:
    """Checks that the person to learn is not left out.

    Raises:
        UserError: That is the case.
    """
    if person.id in excluded:
        raise UserError(f"{person.id} is the person to learn and cannot be left out", "name another chat or person")


def _describe(chat: ChatSummary) -> str:
    title = escape_control_characters(f"{chat.title or 'no title'} ({chat.kind} {chat.id})")
    return f"{title}, {pluralize(chat.messages, 'message')}"


def _number_in(shown: Sequence[object], answer: str) -> int | None:
    """Returns the index for the number of a line in a numbered list; None if the answer is not such a number."""
    number = int(answer) if answer.isdecimal() else 0
    return number - 1 if 1 <= number <= len(shown) else None

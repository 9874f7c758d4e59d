"""The choices about the chat log: the log itself, the person to learn, and what to leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from autocakechat.cli.init_command.matching import find_one, find_person
from autocakechat.cli.init_command.questions import ask, check_option
from autocakechat.cli.inspect import can_leave_out, read_logs, source_for
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import SourceType
from autocakechat.text import escape_control_characters, pluralize

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.interface.chatlog import Chat, MessageBatch
    from autocakechat.statistics.log_summary import ChatSummary, LogSummary
    from autocakechat.statistics.participants import Participant

_USUAL_EXPORTS = ("tg_data", "result.json")
_MAX_SHOWN = 10
_TEXTS_PER_BATCH, _MAX_TEXTS = 50, 2000

Names = Mapping[str, str | None]
"""Names of chats and people, by id."""


@attrs.frozen
class ChatLog:
    """The chat log to learn from; it may have several parts.

    Attributes:
        parts: The files or folders, each with the source that reads it.
        parts_of_chats: For each chat of the summary, the index of its part.
        summary: Its chats and participants.
        texts: Some of its messages.
    """

    parts: Sequence[tuple[SourceType, Path]]
    parts_of_chats: Sequence[int]
    summary: LogSummary
    texts: Sequence[str] = ()

    @property
    def not_selectable(self) -> str | None:
        """The name of a source that cannot leave out chats and people; None if all can."""
        return next((source.name for source, _ in self.parts if not can_leave_out(source)), None)

    def chats(self) -> dict[str, str | None]:
        """Returns the titles of the chats, by id."""
        return {chat.id: chat.title for chat in self.summary.chats}

    def ids_of_part(self, part: int) -> set[str]:
        """Returns the ids of the chats and participants of a part, by its index."""
        chats = list(compress(self.summary.chats, (number == part for number in self.parts_of_chats)))
        return {chat.id for chat in chats} | {participant.id for chat in chats for participant in chat.people}

    def chats_and_people(self) -> dict[str, str | None]:
        """Returns the names of the chats and participants, by id; a private chat and its person have the same id."""
        return self.chats() | {participant.id: participant.name for participant in self.summary.people}


def choose_log(app: App, given: Sequence[Path], source_name: str | None) -> ChatLog:
    """Returns the chat log, read to its end."""

    def read(*paths: Path) -> ChatLog:
        for path in paths:
            if not path.exists():
                raise UserError(f"{path}: no such file or folder", "give the path of an export")
        parts = [(source_for(app, path, source_name), path) for path in paths]
        texts: list[str] = []
        parts_of_chats: list[int] = []

        def tap(part: int, chat: Chat) -> None:
            parts_of_chats.append(part)
            chat.tap(partial(_collect_texts, texts))

        summary = read_logs(app, parts, tap)
        if not summary.people:
            raise UserError(f"{paths[0]}: the chat log has no participants", "give another export")
        return ChatLog(parts, parts_of_chats, summary, texts)

    if given:
        return read(*given)
    usual = next((name for name in _USUAL_EXPORTS if Path(name).exists()), None)
    question = "Which chat log (a file or a folder)?"
    return ask("--export", question, lambda answer: read(Path(answer.strip("'\"")).expanduser()), usual)


def _collect_texts(texts: list[str], batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
    """Adds some messages of each batch to a list, and yields the batches unchanged."""
    for batch in batches:
        if len(texts) < _MAX_TEXTS:
            texts.extend(text for text in batch.texts[:_TEXTS_PER_BATCH] if text)
        yield batch


def choose_person(log: LogSummary, given: Sequence[str]) -> list[Participant]:
    """Returns the person to learn: a participant, or several that are the same person."""
    people = {participant.id: participant for participant in log.people}
    if given:
        ids = [check_option("--person", entry.strip(), lambda entry: find_person(entry, log)) for entry in given]
        return [people[id_] for id_ in dict.fromkeys(ids)]
    shown = log.people[:_MAX_SHOWN]
    for number, participant in enumerate(shown, 1):
        owner = ", the owner of the chat log" if participant.id == log.owner else ""
        click.echo(f"{number:>4}  {participant}{owner}", err=True)

    def find(answer: str) -> Participant:
        number = _number_in(shown, answer)
        return shown[number] if number is not None and answer not in people else people[find_person(answer, log)]

    def find_all(answer: str) -> list[Participant]:
        numbers = [entry.strip() for entry in answer.split(",")]
        if all(_number_in(shown, entry) is not None for entry in numbers):
            return [find(entry) for entry in dict.fromkeys(numbers)]
        return [find(answer)]

    mine = " or 'me'" if log.owner in people else ""
    question = f"Which person should the bot talk like (a number, a name, an id{mine}; 1, 2 for one with two ids)?"
    return ask("--person", question, find_all, "1")


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
        if entries and log.not_selectable:
            raise UserError(f"--{name}: the source '{log.not_selectable}' has no such option", "leave it out")
        find = partial(find_one, names=known, what=what)
        ids = [check_option(f"--{name}", entry.strip(), find) for entry in entries]
        selection[name] = {key: known[key] for key in ids}
    return selection


def selections(log: ChatLog, chosen: Mapping[str, Names]) -> Iterator[tuple[SourceType, Path, dict[str, Names]]]:
    """Splits `include` and `exclude` by the parts of a log, because an entry must fit something in its part.

    Args:
        log: The log.
        chosen: The names of the chats and people in `include` and `exclude`, by option and id.

    Yields:
        The source, path and options of each part; not those of a part without a chat in `include`.
    """
    is_needed = len(log.parts) > 1 and any(chosen.values())
    for number, (source, path) in enumerate(log.parts):
        if not is_needed:
            yield source, path, dict(chosen)
            continue
        known = log.ids_of_part(number)
        of_part: dict[str, Names] = {
            option: {id_: names[id_] for id_ in names if id_ in known} for option, names in chosen.items()
        }
        if of_part["include"] or not chosen["include"]:
            yield source, path, of_part


def ask_excluded(log: ChatLog, person: Sequence[Participant]) -> Names:
    """Asks which chats and people to leave out, if the source can do that and the log has several chats."""
    chats = sorted((chat for chat in log.summary.chats if not chat.skipped), key=lambda chat: -chat.messages)
    if len(chats) < 2 or log.not_selectable:
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


def check_not_excluded(person: Sequence[Participant], excluded: Names) -> None:
    """Checks that the person to learn is not left out.

    Raises:
        UserError: That is the case.
    """
    for participant in person:
        if participant.id in excluded:
            problem = f"{participant.id} is the person to learn and cannot be left out"
            raise UserError(problem, "name another chat or person")


def _describe(chat: ChatSummary) -> str:
    title = escape_control_characters(f"{chat.title or 'no title'} ({chat.kind} {chat.id})")
    return f"{title}, {pluralize(chat.messages, 'message')}"


def _number_in(shown: Sequence[object], answer: str) -> int | None:
    """Returns the index for the number of a line in a numbered list; None if the answer is not such a number."""
    number = int(answer) if answer.isdecimal() else 0
    return number - 1 if 1 <= number <= len(shown) else None

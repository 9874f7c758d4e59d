"""Finds a chat or person by id, by the digits of the id, by name, or by a part of a name."""

from __future__ import annotations

from collections.abc import Mapping

from autocakechat.errors import UserError
from autocakechat.interface.selection import find_similar, fits, list_names
from autocakechat.statistics.log_summary import LogSummary

ME = "me"


def find_one(entry: str, names: Mapping[str, str | None], what: str) -> str:
    """Returns the id of the only chat or person that an entry fits.

    Args:
        entry: An id, its digits, a name, or a part of a name; upper and lower case are the same in names.
        names: The names of the chats or people to choose from, by id.
        what: What there is to choose from, for the message.

    Raises:
        UserError: The entry fits none, or several.
    """
    if entry in names:
        return entry
    found = {key: name for key, name in names.items() if fits(entry, key, name)}
    if not found and entry:
        found = {key: name for key, name in names.items() if name and entry.casefold() in name.casefold()}
    if not found:
        similar = find_similar(entry, names)
        hint = f"did you mean {list_names(similar)}?" if similar else f"there are {list_names(names)}"
        raise UserError(f"no {what} has the id or name {entry!r}", hint)
    if len(found) > 1:
        raise UserError(f"{entry!r} fits {list_names(found)}", "give one of these ids")
    return next(iter(found))


def find_person(entry: str, log: LogSummary) -> str:
    """Returns the id of a participant, given as to `find_one`, or as `me` for the owner of the log.

    Raises:
        UserError: The entry fits none, or several.
    """
    names = {participant.id: participant.name for participant in log.people}
    if entry.casefold() != ME:
        return find_one(entry, names, "participant")
    if log.owner is None:
        raise UserError("'me': the chat log does not record its owner", "give a name or an id")
    if log.owner not in names:
        raise UserError(f"the owner of the chat log, {log.owner}, wrote no message", "give a name or an id")
    return log.owner

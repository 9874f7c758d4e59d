"""The options of the extractor `turns`."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from autocakechat import option


def _at_least(least: float) -> Any:
    return attrs.validators.ge(least)


def _names_somebody(_: Any, __: attrs.Attribute[Any], server: str | int | list[str | int]) -> None:
    people = server if isinstance(server, list) else [server]
    if not people or not all(str(person).strip() for person in people):
        raise ValueError('must name the person to learn, such as "user123456789"')


@attrs.frozen(kw_only=True)
class TurnsOptions:
    """Options of `[extractor]` with `use = "turns"`."""

    server: str | int | list[str | int] = option(
        help='Id of the person to learn, or ids of all their accounts; "me" for the owner of the log.',
        check=_names_somebody,
    )
    gap_minutes: float = option(default=30.0, help="A silence longer than this ends a dialog.", check=_at_least(0))
    join: str = option(default="\n", help="What is put between the messages of a turn.")
    groups: bool = option(default=True, help="Whether to learn from groups.")
    replies: bool = option(default=True, help="Whether an answer that replies to a message is paired with it.")
    context: int = option(
        default=3, help="Lines of context that are repeated where a dialog starts anew.", check=_at_least(1)
    )
    turn_messages: int = option(
        default=10, help="A client's turn keeps no more than its newest messages.", check=_at_least(1)
    )
    dialog_turns: int = option(default=100, help="A dialog is cut after so many turns.", check=_at_least(2))
    min_length: int = option(default=1, help="Shorter messages are dropped (characters).", check=_at_least(1))
    max_length: int = option(default=2000, help="Longer messages are dropped (characters).", check=_at_least(1))
    since: date | None = option(default=None, help="Messages before this day are dropped.")
    until: date | None = option(default=None, help="Messages after this day are dropped.")

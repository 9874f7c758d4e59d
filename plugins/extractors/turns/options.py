"""The options of the extractor `turns`."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from autocakechat import option


def _at_least(minimum: float) -> Any:
    return attrs.validators.ge(minimum)


def _check_server(_: Any, __: attrs.Attribute[Any], server: str | int | list[str | int]) -> None:
    ids = server if isinstance(server, list) else [server]
    if not ids or not all(str(id_).strip() for id_ in ids):
        raise ValueError('must be the id of the person to learn, such as "user123456789"')


@attrs.frozen(kw_only=True)
class TurnsOptions:
    """Options of `[extractor]` with `use = "turns"`."""

    server: str | int | list[str | int] = option(
        help='Id of the person to learn, or a list of the ids of all their accounts; "me" for the owner of the log.',
        check=_check_server,
    )
    gap_minutes: float = option(default=30.0, help="A longer pause ends a dialog (minutes).", check=_at_least(0))
    join: str = option(default="\n", help="Separator between the messages of a turn.")
    groups: bool = option(default=True, help="Whether to learn from groups.")
    replies: bool = option(default=True, help="Whether to pair an explicit reply with the message it replies to.")
    topics: bool = option(default=True, help="Whether each topic of a group is a conversation of its own.")
    context: int = option(
        default=3, help="Turns of context to repeat where a dialog is split or resumed.", check=_at_least(1)
    )
    turn_messages: int = option(
        default=10, help="Maximum number of messages in a client's turn; the newest are kept.", check=_at_least(1)
    )
    dialog_turns: int = option(default=100, help="Longer dialogs are split (turns).", check=_at_least(2))
    min_length: int = option(default=1, help="Shorter messages are dropped (characters).", check=_at_least(1))
    max_length: int = option(default=2000, help="Longer messages are dropped (characters).", check=_at_least(1))
    since: date | None = option(default=None, help="Messages before this day are dropped.")
    until: date | None = option(default=None, help="Messages after this day are dropped.")

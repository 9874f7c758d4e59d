"""Parses updates, also those that the library cannot parse."""

from __future__ import annotations

from typing import Any

from telegram import Update

_UNPARSABLE = "unparsable"
_MAX_UPDATE_ID = 2**63 - 1  # of an integer in the database


def parse_update(update: Any) -> Update:
    """Parses an update. One that cannot be parsed becomes an update without content; see `unparsable_reason`.

    Args:
        update: The JSON value.

    Raises:
        ValueError: It has no valid id, so that it cannot be stored as an update.
    """
    parsed = Update.de_json(replace_unparsable(update), None)
    assert parsed is not None
    return parsed


def replace_unparsable(update: Any) -> dict[str, Any]:
    """Returns the JSON object of an update; one without content if the library cannot parse it.

    Raises:
        ValueError: It has no valid id.
    """
    update_id = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(update_id, int) or isinstance(update_id, bool) or abs(update_id) > _MAX_UPDATE_ID:
        raise ValueError("not an update with an id")
    try:
        Update.de_json(update, None)
    except Exception as error:  # the library raises errors of many types
        return {"update_id": update_id, _UNPARSABLE: type(error).__name__}
    return {name: value for name, value in update.items() if name != _UNPARSABLE}


def unparsable_reason(update: Update) -> str | None:
    """Returns the type of the error that parsing an update raised; None if it was parsed."""
    reason: str | None = update.api_kwargs.get(_UNPARSABLE)
    return reason

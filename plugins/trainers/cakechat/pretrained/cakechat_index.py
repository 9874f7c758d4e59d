"""Reads the token index and the condition index of an original CakeChat model (JSON)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS

_FORMAT_HINT = 'an index is a JSON object such as {"0": "_pad_", "1": "_unk_"}'


def read_index(file: Path) -> list[str]:
    """Reads an index: a JSON object that maps ids to tokens or labels.

    Returns:
        The token or label of each id.

    Raises:
        UserError: The file is missing or not a valid index.
    """
    try:
        index = json.loads(file.read_bytes())
    except OSError as error:
        raise UserError(
            f"{file}: {error.strerror}", "give the path of an index file of a CakeChat model that you may read"
        ) from None
    except ValueError as error:
        raise UserError(f"{file}: not JSON: {error}", _FORMAT_HINT) from None
    if not isinstance(index, dict) or not all(isinstance(entry, str) for entry in index.values()):
        raise UserError(f"{file}: not an index", _FORMAT_HINT)
    entries = []
    for entry_id in range(len(index)):
        if str(entry_id) not in index:
            raise UserError(f"{file}: {len(index)} entries, but no entry with the id {entry_id}", _FORMAT_HINT)
        entries.append(index[str(entry_id)])
    duplicate = next((entry for entry, count in Counter(entries).items() if count > 1), None)
    if duplicate is not None:
        raise UserError(f'{file}: several ids have the entry "{duplicate}"', _FORMAT_HINT)
    return entries


def read_token_index(file: Path) -> list[str]:
    """Reads a token index.

    Returns:
        The token of each id.

    Raises:
        UserError: The file is missing, not a valid index, or lacks a service token.
    """
    tokens = read_index(file)
    if missing := [token for token in SERVICE_TOKENS if token not in tokens]:
        raise UserError(
            f"{file}: missing service tokens: {', '.join(missing)}",
            "use the token index t_idx*.json, not the condition index",
        )
    return tokens

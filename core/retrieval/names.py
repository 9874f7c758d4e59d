"""Names of other people in the person's replies, which a bot says only to those who mention them.

The index stores where each name occurs, not the names: the model folder contains no name that its replies do not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autocakechat.interface.model_file import damaged_file
from autocakechat.retrieval.array_files import open_array
from autocakechat.retrieval.exchanges import Exchange

_FILE = "names.npy"
_FEWEST_LETTERS = 3
_WORD = re.compile(r"[^\W\d_]+")


def write_names(folder: Path, exchanges: Iterable[Exchange], report: Mapping[str, Any]) -> None:
    """Writes where the replies first mention each of the other participants.

    A word that the person more often writes in lower case is no name, such as the first one of "The Daily News".

    Args:
        folder: The folder of the index.
        exchanges: The exchanges of the index.
        report: The report of the corpus.
    """
    import numpy as np

    names = _first_names(report)
    first: dict[str, tuple[int, int, int]] = {}
    count: Counter[str] = Counter()
    if names:
        words = names | {name.lower() for name in names}
        for number, exchange in enumerate(exchanges):
            for match in _WORD.finditer(exchange.reply):
                if (word := match[0]) in words:
                    count[word] += 1
                    first.setdefault(word, (number, *match.span()))
    found = [
        first[name]
        for name in sorted(names & first.keys())
        if name == name.lower() or count[name] >= count[name.lower()]
    ]
    np.save(folder / _FILE, np.array(found, np.int64).reshape(-1, 3), allow_pickle=False)


def read_names(folder: Path, exchanges: Sequence[Exchange]) -> frozenset[str]:
    """Reads the names that the replies mention; none from a folder that was made before they were stored.

    Raises:
        UserError: The file is damaged.
    """
    import numpy as np

    file = folder / _FILE
    if not file.exists():
        return frozenset()
    places = open_array(file, np.int64, None, 3)
    if not all(0 <= number < len(exchanges) for number in places[:, 0]):
        raise damaged_file(file, "names exchanges that the index does not have")
    return frozenset(exchanges[number].reply[start:end] for number, start, end in places.tolist())


def names_others(text: str, context: Sequence[str], names: frozenset[str]) -> bool:
    """Returns whether a text contains a name, as a whole word, that its conversation does not contain in any case.

    Args:
        text: The text.
        context: The turns so far.
        names: The names of other people.
    """
    found = names.intersection(_WORD.findall(text)) if names else names
    return bool(found) and not {name.casefold() for name in found}.issubset(
        word.casefold() for line in context for word in _WORD.findall(line)
    )


def _first_names(report: Mapping[str, Any]) -> frozenset[str]:
    """Returns the first names of the participants who wrote no replies, without the person's own."""
    of_person = {participant["id"] for participant in report.get("replies_by", ())}
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for participant in report.get("people", ()):
        word = _WORD.search(participant["name"] or "")
        if word and len(word[0]) >= _FEWEST_LETTERS:
            names[participant["id"] in of_person].add(word[0][0].upper() + word[0][1:])
    return frozenset(names[False] - names[True]) if of_person else frozenset()

"""Blocks that are split at once have the same messages as blocks that are split line by line."""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from autocakechat_whatsapp.block_splitter import BlockSplitter

sys.path.insert(0, str(Path(__file__).parent))
from formats import FORMATS

TEXTS = (
    "hi",
    "",
    "two\nlines",
    "\nafter a blank line",
    "at 10:30 - or 11:30 - ok",
    "1/2/24: no",
    "(a) b: c",
    "\u200ex",
)
LINES = ("Ann created the group", "no header: 10:30 - Bob: hi", "1) 10:30 - b: c", "", "[1", "Ann:")


def lines_of(chance: random.Random, forms: list[str], count: int) -> list[str]:
    """Returns lines with headers of some forms, and others."""
    at = datetime(2024, 1, 5, 23, 50)
    lines = []
    for _ in range(count):
        at += timedelta(minutes=chance.choice((0, 0, 1, 40)))
        message = FORMATS[chance.choice(forms)](at, chance.choice(("Ann", "Bob Lee", "+1 555")), chance.choice(TEXTS))
        lines.append(chance.choice(LINES) if chance.random() < 0.02 else message)
    return lines


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_block_is_split_at_once_as_it_is_line_by_line(form: str) -> None:
    chance = random.Random(form)
    forms = [form, chance.choice(sorted(FORMATS))]
    splitter = BlockSplitter()
    for number in range(40):
        block = "\n".join(lines_of(chance, forms[: 1 + number % 2], 30)) + "\n"
        split, expected = splitter.split(block), splitter._split_lines(block, is_line_cut=False)
        assert split.before == expected.before
        assert split.hours == expected.hours
        assert split.seconds == expected.seconds
        assert split.names == expected.names
        assert split.texts == expected.texts
        assert "".join(f"\n{split.source(index)}" for index in range(len(split.texts))) == f"\n{block}"[
            len(split.before) :
        ].removesuffix("\n")

"""Exports put together from odd pieces: whatever they are, they are read or refused in one line."""

from __future__ import annotations

import os
import random
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from autocakechat_whatsapp import Options, inputs, read

from autocakechat import RunContext, UserError

sys.path.insert(0, str(Path(__file__).parent))
from formats import FORMATS, LRM

NAMES = (
    "Ann",
    "Bob: The Builder",
    'Robert "Bob" Lee',
    "~\u202fZoe",
    "+49 170 1234567",
    f"{LRM}Eve",
    "You",
    "",
    "“",
    ":",
)
TEXTS = (
    "hi", "", "null", "two\nlines", f"{LRM}image omitted", f"nice {LRM}Bild weggelassen",
    "see <This message was edited>", f"a.pdf • {LRM}1 page {LRM}document omitted", "a (b)", "<Media omitted>",
    "POLL:\nwhere?\nOPTION: here (1 vote)",
    "EVENT: x\nDATE: y", f"{LRM}x.jpg (file attached)", "@\u2068Ann\u2069", f"@{LRM}all", "call, 3 min", "x: y: z",
    "\u2068" * 9,
    'changed the group name from "a: b" to "c"', "1402/03/05, 10:00 - Bob: hi", "\0", "\u2029", "•", "." * 300,
)  # fmt: skip
NUMBERS = ("0", "1", "05", "13", "31", "99", "1402", "2024", "2567", "5784", "٢٠٢٤", "1²")


def odd_header(chance: random.Random) -> str:
    """Returns something like a header, mostly with an impossible date."""
    first, second, third = chance.choices(NUMBERS, k=3)
    separator = chance.choice("/.-年")
    return f"{first}{separator}{second}{separator}{third}, {chance.choice(NUMBERS)}:{chance.choice(NUMBERS)} - "


def odd_export(chance: random.Random) -> bytes:
    """Returns an export in one form or several, with odd lines in it and perhaps damaged bytes."""
    writers = chance.sample(sorted(FORMATS), k=chance.choice((1, 1, 2, 3)))
    at = datetime(2009, 1, 1) + timedelta(minutes=chance.randrange(40_000_000))
    lines = []
    for _ in range(chance.randrange(1, 12)):
        at += timedelta(minutes=chance.choice((0, 1, 1500, 50_000, -50_000, 4_000_000)))
        line = FORMATS[chance.choice(writers)](at, chance.choice(NAMES), chance.choice(TEXTS))
        lines.append(chance.choice((line, line, line, odd_header(chance) + line, chance.choice(TEXTS))))
    content = chance.choice(("\n", "\r\n")).join(lines).encode(chance.choice(("utf-8", "utf-8-sig", "utf-16")))
    if chance.random() < 0.2:
        start = chance.randrange(len(content) + 1)
        content = content[:start] + chance.randbytes(3) + content[start + chance.randrange(20) :]
    return content


def write_export(chance: random.Random, folder: Path) -> Path:
    """Writes an export, as a file or in an archive with other files; the archive may be damaged."""
    if chance.random() < 0.8:
        path = folder / "chat.txt"
        path.write_bytes(odd_export(chance))
        return path
    path = folder / "chat.zip"
    with zipfile.ZipFile(path, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name in chance.sample(("_chat.txt", "chat.txt", "a/b.txt", "../c.txt", "d.jpg"), k=chance.randrange(4)):
            archive.writestr(name, chance.choice((odd_export(chance), b"", b"not a chat\n")))
    if chance.random() < 0.3:
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    return path


def read_odd_exports(count: int, seed: int, folder: Path, run: RunContext) -> None:
    chance = random.Random(seed)
    refusals = []
    for number in range(count):
        path = write_export(chance, folder)
        options = Options(path=path)
        try:
            messages = [m for entry in inputs(options) for chat in read(options, entry, run) for m in chat.messages]
        except UserError as error:
            refusals.append(str(error))
        except Exception as error:
            error.add_note(f"input {number} of seed {seed}: {path.read_bytes()!r}")
            raise
        else:
            assert messages
            assert [message.id for message in messages] == list(range(len(messages)))
            assert all(message.sender or not message.text for message in messages)
    assert not any("\n" in refusal for refusal in refusals)


@pytest.fixture
def read_some(tmp_path: Path, acc_run: RunContext) -> Callable[[int, int], None]:
    return lambda count, seed: read_odd_exports(count, seed, tmp_path, acc_run)


def test_odd_exports_are_read_or_refused(read_some: Callable[[int, int], None]) -> None:
    read_some(400, 1)


@pytest.mark.skipif("ACC_SOAK" not in os.environ, reason="a soak test: make soak")
@pytest.mark.parametrize("seed", range(2, 12))
def test_more_odd_exports_are_read_or_refused(seed: int, read_some: Callable[[int, int], None]) -> None:
    read_some(10_000, seed)

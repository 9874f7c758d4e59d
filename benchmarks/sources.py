"""Measures how fast each source reads the messages of a log, compared with `json.loads`.

    python benchmarks/sources.py --megabytes 20 --only csv signal

All sources read the same messages, from logs as the messengers write them. Sources of plugins are measured if they are
installed. The sources take turns, `--runs` times each; the table shows the least processor time. `json.loads` parses
the log of `jsonl`, line by line.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from machine import machine
from reading import SERVER, write_chat
from reading import messages as demo_messages

from autocakechat import RunContext, SourceType
from autocakechat.display.progress import silent_progress
from autocakechat.registry.manager import PluginManager

MESSENGERS = Path(__file__).parents[1] / "examples/plugins/autocakechat-messengers/tests"
START, STEP = 1_700_000_000, 40  # seconds
NAMES = {True: "ann", False: "bob"}

Messages = Sequence[tuple[str, str]]
"""The sender and the text of each message."""
Writer = Callable[[Path, Messages], str]
"""Writes a log into a folder, and returns its name there."""


class Log(NamedTuple):
    """A log of one source.

    Attributes:
        form: The name of the source, and what tells several forms of its logs apart.
        source: The source.
        path: The log.
        size: The size of its files in bytes.
    """

    form: str
    source: SourceType
    path: Path
    size: int


def write_jsonl(folder: Path, messages: Messages) -> str:
    """Writes JSON Lines."""
    with (folder / "log.jsonl").open("w", encoding="utf-8") as file:
        for number, (sender, text) in enumerate(messages):
            record = {"chat": "c1", "id": number, "sender": sender, "time": START + STEP * number, "text": text}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return "log.jsonl"


def write_csv(folder: Path, messages: Messages) -> str:
    """Writes a table."""
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("chat", "id", "sender", "time", "text"))
        for number, (sender, text) in enumerate(messages):
            writer.writerow(("c1", number, sender, datetime.fromtimestamp(START + STEP * number, UTC), text))
    return "log.csv"


def write_whatsapp(folder: Path, messages: Messages) -> str:
    """Writes the text that WhatsApp exports on Android."""
    with (folder / "WhatsApp Chat with Ann.txt").open("w", encoding="utf-8") as file:
        for number, (sender, text) in enumerate(messages):
            file.write(f"{datetime.fromtimestamp(START + STEP * number, UTC):%d/%m/%Y, %H:%M} - {sender}: {text}\n")
    return "WhatsApp Chat with Ann.txt"


def write_telegram(folder: Path, messages: Messages) -> str:
    """Writes an export of Telegram."""
    size = sum(len(text.encode()) for _, text in messages) * 6
    with (folder / "result.json").open("w", encoding="utf-8") as file:
        write_chat(file, size, iter(messages), "user2000001")
    return "result.json"


def writers() -> dict[str, Writer]:
    """Returns a writer of logs for each form; those of messengers are the writers of their tests."""
    sys.path.insert(0, str(MESSENGERS))
    from forms import WRITERS

    own = {"telegram": write_telegram, "jsonl": write_jsonl, "csv": write_csv, "whatsapp": write_whatsapp}
    return own | {form: write for form, write in WRITERS.items() if form != "instagram" and "zip" not in form}


def write_logs(folder: Path, messages: Messages, only: Sequence[str]) -> list[Log]:
    """Writes a log for each installed source."""
    sources = PluginManager.load().stages("source")
    logs = []
    for form, write in writers().items():
        name = form.partition(" ")[0]
        if name in sources and (not only or name in only):
            (folder / form).mkdir()
            path = folder / form / write(folder / form, messages)
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            logs.append(Log(form, sources[name], path, sum(file.stat().st_size for file in files)))
    return logs


def read(log: Log, run: RunContext) -> int:
    """Reads all messages of a log; returns their number."""
    options = log.source.config(path=log.path)
    chats = (chat for entry in log.source.inputs(options) for chat in log.source.read(options, entry, run))
    return sum(len(batch) for chat in chats for batch in chat.batches)


def processor_seconds(action: Callable[[], object]) -> float:
    """Returns the processor time of an action."""
    started = time.process_time()
    action()
    return time.process_time() - started


def parse_lines(path: Path) -> None:
    """Parses JSON Lines with `json.loads`."""
    with path.open("rb") as file:
        for line in file:
            json.loads(line)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description="Measure how fast each source reads.")
    parser.add_argument("--megabytes", type=float, default=20, help="size of the texts (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each source (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=(), help="measure only these sources")
    options = parser.parse_args()
    pairs = list(islice(demo_messages(), int(options.megabytes * 20_000)))  # texts have about 50 bytes
    messages = [(NAMES[sender == SERVER], " ".join(text.split())) for sender, text in pairs]
    log = logging.getLogger("benchmark")
    print(machine())
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as name:
        folder = Path(name)
        run = RunContext(log, silent_progress, 0, folder)
        reference = folder / write_jsonl(folder, messages)
        logs = write_logs(folder, messages, options.only)
        gc.freeze()  # the messages in memory would slow all sources down
        seconds: dict[str, list[float]] = {}
        for _ in range(options.runs):
            seconds.setdefault("json.loads", []).append(processor_seconds(lambda: parse_lines(reference)))
            for entry in logs:
                seconds.setdefault(entry.form, []).append(processor_seconds(lambda entry=entry: read(entry, run)))  # type: ignore[misc]
        print(f"\n{len(messages):,} messages, least processor time of {options.runs} runs")
        print(f"{'':24}{'MB':>8}{'MB/s':>8}{'µs/message':>12}")
        sizes = {"json.loads": reference.stat().st_size, **{entry.form: entry.size for entry in logs}}
        for form, runs in seconds.items():
            least, size = min(runs), sizes[form] / 1e6
            print(f"{form:24}{size:8.0f}{size / least:8.0f}{least / len(messages) * 1e6:12.2f}")


if __name__ == "__main__":
    main()

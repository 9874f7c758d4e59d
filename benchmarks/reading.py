"""Measures how long an export takes to become a corpus, compared with `json.load` and with other readers.

    python benchmarks/reading.py --megabytes 1000 --files 8

Each program runs in a separate process. The programs take turns, `--runs` times each. The table shows the median time
and the highest peak memory; if a program starts several processes, its peak memory is that of its largest process.
chat-miner and chatpack are measured if they are installed (`pip install chat-miner chatpack`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.resources import files
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from machine import machine

SERVER, CLIENT = "user1000001", "user2000001"

MESSAGE = """  {{
   "id": {id},
   "type": "message",
   "date": "{date}",
   "date_unixtime": "{seconds}",
   "from": "{name}",
   "from_id": "{sender}",
   "text": {text},
   "text_entities": [
    {{
     "type": "plain",
     "text": {text}
    }}
   ]
  }}"""

PIPELINE = f"""
[[source]]
use = "telegram"
path = "export"
[extractor]
use = "turns"
server = "{SERVER}"
"""

# Programs that run in a separate process, with the paths of the exports as arguments.
JSON_LOAD = """
import json, sys
for path in sys.argv[1:]:
    json.load(open(path, encoding='utf-8'))
"""
LOAD_AND_PAIR = """
import json, sys
for path in sys.argv[1:]:
    pairs, last = [], None
    for message in json.load(open(path, encoding='utf-8'))['messages']:
        if message['type'] == 'message' and isinstance(message['text'], str):
            if last and last['from_id'] != message['from_id']:
                pairs.append((last['text'], message['text']))
            last = message
"""
CHAT_MINER = """
import sys
from chatminer.chatparsers import TelegramJsonParser
for path in sys.argv[1:]:
    parser = TelegramJsonParser(path)
    parser.parse_file()
    parser.parsed_messages.get_df()
"""
CHATPACK = """
import sys, chatpack
for path in sys.argv[1:]:
    chatpack.parse_telegram(path)
"""

MESSAGE_SECONDS, PAUSE_SECONDS, DIALOG_MESSAGES = 40, 3000, 50
"""Messages are 40 seconds apart, and every 50th one follows a longer pause, so that it begins a new dialog."""


class Measurement(NamedTuple):
    """One run of a program.

    Attributes:
        seconds: Time from start to end.
        memory: Peak memory in MiB.
    """

    seconds: float
    memory: float


def messages() -> Iterator[tuple[str, str]]:
    """Yields sender and text of the messages of real conversations.

    The conversations are then repeated for each word that occurs in them, with this word appended to every message, so
    that no message is a duplicate.
    """
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    conversation_messages = []
    for conversation in dataset.values():
        for turn, sender in zip(conversation["messages"], cycle((CLIENT, SERVER))):
            conversation_messages += [(sender, message["text"]) for message in turn]
    yield from conversation_messages
    # Words, not numbers: masking takes more time for numbers.
    for word in dict.fromkeys(" ".join(text for _, text in conversation_messages).split()):
        for sender, text in conversation_messages:
            yield sender, f"{text} {word}"


def write_export(path: Path, size: int, senders_and_texts: Iterator[tuple[str, str]], client: str) -> int:
    """Writes the export of one chat in the layout of the desktop application; returns the number of messages."""
    seconds, number = 1_500_000_000, 0
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f'{{\n "name": "You",\n "type": "personal_chat",\n "id": {client.removeprefix("user")},\n "messages": ['
        )
        while file.tell() < size:
            rows = []
            for sender, text in islice(senders_and_texts, 1000):
                number += 1
                seconds += MESSAGE_SECONDS + PAUSE_SECONDS * (number % DIALOG_MESSAGES == 0)
                date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
                quoted = json.dumps(text, ensure_ascii=False)
                name, sender_id = ("You", client) if sender == CLIENT else ("Me", SERVER)
                rows.append(
                    MESSAGE.format(id=number, date=date, seconds=seconds, name=name, sender=sender_id, text=quoted)
                )
            file.write(("\n" if number == len(rows) else ",\n") + ",\n".join(rows))
        file.write("\n ]\n}")
    return number


def write_exports(folder: Path, megabytes: int, count: int) -> tuple[list[Path], int]:
    """Writes exports with a total size; returns their paths, and the number of messages."""
    exports = [folder / f"ChatExport_{number}" / "result.json" for number in range(count)]
    senders_and_texts = messages()
    total = 0
    for number, path in enumerate(exports):
        path.parent.mkdir(parents=True)
        # A different client in each, since several exports of one chat are merged.
        total += write_export(path, megabytes * 1_000_000 // count, senders_and_texts, f"user{2_000_001 + number}")
    return exports, total


def measure(command: list[str], folder: Path) -> Measurement:
    """Runs a command in a folder, and measures it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed:\n{errors.decode()}")
    return Measurement(time.perf_counter() - started, usage.ru_maxrss / 1024)  # ru_maxrss is in KiB on Linux


def programs(exports: list[Path]) -> dict[str, list[str]]:
    """Returns the commands to measure, by name."""
    paths = [str(path) for path in exports]
    commands = {
        "json.load": [sys.executable, "-c", JSON_LOAD, *paths],
        "acc run --until corpus": [sys.executable, "-m", "autocakechat", "-q", "run", "--until", "corpus"],
        "acc inspect": [sys.executable, "-m", "autocakechat", "-q", "inspect", "export"],
        "json.load and a loop": [sys.executable, "-c", LOAD_AND_PAIR, *paths],
    }
    if find_spec("chatminer"):
        commands["chat-miner"] = [sys.executable, "-c", CHAT_MINER, *paths]
    if find_spec("chatpack"):
        commands["chatpack"] = [sys.executable, "-c", CHATPACK, *paths]
    return commands


def compare(folder: Path, megabytes: int, count: int, runs: int, name_filter: str) -> None:
    """Writes exports, runs the programs on them, and prints a table."""
    # In another process, since a process inherits the peak memory of its parent.
    with ProcessPoolExecutor(1) as pool:
        exports, message_count = pool.submit(write_exports, folder / "export", megabytes, count).result()
    (folder / "pipeline.toml").write_text(PIPELINE)
    size = sum(path.stat().st_size for path in exports) / 1e6
    measurements: dict[str, list[Measurement]] = {}
    for _ in range(runs):
        for name, command in programs(exports).items():
            if name_filter not in name and name != "json.load":
                continue
            shutil.rmtree(folder / ".acc", ignore_errors=True)
            measurements.setdefault(name, []).append(measure(command, folder))
    print(f"\n{size:,.0f} MB, {message_count:,} messages, {count} file(s), median of {runs}")
    print(f"{'':24}{'seconds':>9}{'MB/s':>8}{'µs/message':>12}{'json.load ×':>13}{'memory MiB':>12}")
    baseline = statistics.median(run.seconds for run in measurements["json.load"])
    for name, program_runs in measurements.items():
        seconds = statistics.median(run.seconds for run in program_runs)
        memory = max(run.memory for run in program_runs)
        microseconds = seconds / message_count * 1e6
        print(
            f"{name:24}{seconds:9.2f}{size / seconds:8.0f}{microseconds:12.2f}{baseline / seconds:13.2f}{memory:12,.0f}"
        )


def main() -> None:
    """Prints two tables: for one chat in one file, and for several chats in several files."""
    parser = argparse.ArgumentParser(description="Measure how long an export takes to become a corpus.")
    parser.add_argument("--megabytes", type=int, default=1000, help="total size of the exports (default: %(default)s)")
    parser.add_argument(
        "--files", type=int, default=8, help="number of files in the second table (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each program (default: %(default)s)")
    parser.add_argument("--only", default="", help="run only programs whose name contains this, and json.load")
    options = parser.parse_args()
    print(machine())
    for count in (1, options.files):
        with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
            compare(Path(folder), options.megabytes, count, options.runs, options.only)


if __name__ == "__main__":
    main()

"""Measures how long an export takes to become a corpus, compared with `json.load` and with other readers.

    python benchmarks/reading.py --megabytes 1000 --files 8 --chats 300

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
from itertools import count, cycle, islice
from pathlib import Path
from typing import NamedTuple, TextIO

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

ACCOUNT = """{{
 "about": "An export",
 "personal_information": {{
  "user_id": {owner},
  "first_name": "Me"
 }},
 "chats": {{
  "about": "Its chats",
  "list": ["""

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
    export = json.load(open(path, encoding='utf-8'))
    chats = export['chats']['list'] if 'chats' in export else [export]
    for message in (message for chat in chats for message in chat['messages']):
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


class Layout(NamedTuple):
    """The exports to write.

    Attributes:
        megabytes: Their total size.
        files: The number of files, each with one chat.
        chats: The number of chats in one file, the export of an account; 0 if each file is the export of one chat.
    """

    megabytes: int
    files: int = 1
    chats: int = 0

    def __str__(self) -> str:
        return f"an account with {self.chats} chats" if self.chats else f"{self.files} file(s)"


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


def write_chat(
    file: TextIO, size: int, senders_and_texts: Iterator[tuple[str, str]], client: str, *, indentation: int = 0
) -> int:
    """Writes a chat in the layout of the desktop application; returns the number of messages.

    Args:
        file: Receives the chat.
        size: Its size in bytes.
        senders_and_texts: Where its messages are taken from.
        client: Id of the person the server talks to.
        indentation: Number of spaces before each line.
    """
    margin = " " * indentation
    message = margin + MESSAGE.replace("\n", f"\n{margin}")
    start, seconds, number = file.tell(), 1_500_000_000, 0
    header = {"name": "You", "type": "personal_chat", "id": int(client.removeprefix("user"))}
    lines = "".join(f'\n{margin} "{key}": {json.dumps(value)},' for key, value in header.items())
    file.write(f'{{{lines}\n{margin} "messages": [')
    while file.tell() - start < size:
        rows = []
        for sender, text in islice(senders_and_texts, 200):
            number += 1
            seconds += MESSAGE_SECONDS + PAUSE_SECONDS * (number % DIALOG_MESSAGES == 0)
            date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
            quoted = json.dumps(text, ensure_ascii=False)
            name, sender_id = ("You", client) if sender == CLIENT else ("Me", SERVER)
            rows.append(message.format(id=number, date=date, seconds=seconds, name=name, sender=sender_id, text=quoted))
        file.write(("\n" if number == len(rows) else ",\n") + ",\n".join(rows))
    file.write(f"\n{margin} ]\n{margin}}}")
    return number


def write_exports(folder: Path, layout: Layout) -> tuple[list[Path], int]:
    """Writes exports with a total size; returns their paths, and the number of messages."""
    exports = [folder / f"ChatExport_{number}" / "result.json" for number in range(layout.files)]
    senders_and_texts = messages()
    size = layout.megabytes * 1_000_000 // max(layout.files, layout.chats)
    # A different client in each chat, since several exports of one chat are merged.
    clients = (f"user{number}" for number in count(2_000_001))
    total = 0
    for path in exports:
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8") as file:
            if not layout.chats:
                total += write_chat(file, size, senders_and_texts, next(clients))
                continue
            file.write(ACCOUNT.format(owner=SERVER.removeprefix("user")))
            for number in range(layout.chats):
                file.write(",\n   " if number else "\n   ")
                total += write_chat(file, size, senders_and_texts, next(clients), indentation=3)
            file.write("\n  ]\n }\n}")
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


def compare(folder: Path, layout: Layout, runs: int, name_filter: str) -> None:
    """Writes exports, runs the programs on them, and prints a table."""
    # In another process, since a process inherits the peak memory of its parent.
    with ProcessPoolExecutor(1) as pool:
        exports, message_count = pool.submit(write_exports, folder / "export", layout).result()
    (folder / "pipeline.toml").write_text(PIPELINE)
    size = sum(path.stat().st_size for path in exports) / 1e6
    measurements: dict[str, list[Measurement]] = {}
    for _ in range(runs):
        for name, command in programs(exports).items():
            if name_filter not in name and name != "json.load":
                continue
            shutil.rmtree(folder / ".acc", ignore_errors=True)
            measurements.setdefault(name, []).append(measure(command, folder))
    print(f"\n{size:,.0f} MB, {message_count:,} messages, {layout}, median of {runs}")
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
    """Prints three tables: for one chat in one file, several chats in several files, and an account in one file."""
    parser = argparse.ArgumentParser(description="Measure how long an export takes to become a corpus.")
    parser.add_argument("--megabytes", type=int, default=1000, help="total size of the exports (default: %(default)s)")
    parser.add_argument(
        "--files", type=int, default=8, help="number of files in the second table (default: %(default)s)"
    )
    parser.add_argument(
        "--chats", type=int, default=300, help="number of chats in the third table (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each program (default: %(default)s)")
    parser.add_argument("--only", default="", help="run only programs whose name contains this, and json.load")
    options = parser.parse_args()
    print(machine())
    size = options.megabytes
    for layout in (Layout(size), Layout(size, files=options.files), Layout(size, chats=options.chats)):
        with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
            compare(Path(folder), layout, options.runs, options.only)


if __name__ == "__main__":
    main()

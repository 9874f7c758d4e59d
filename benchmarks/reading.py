"""Times reading: from an export to a finished corpus, beside `json.load` and other readers on the same file.

    python benchmarks/reading.py --megabytes 1000 --files 8

Each program runs as a process of its own, several times in turn; medians are printed, with the peak of memory (the
largest process). Other readers are measured where they are installed (`pip install chat-miner chatpack`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
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

ME, YOU = "user1000001", "user2000001"

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
server = "{ME}"
"""

JSON_LOAD = "import json, sys\nfor path in sys.argv[1:]: json.load(open(path, encoding='utf-8'))"
LOOP = """
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
CHATPACK = "import sys, chatpack\nfor path in sys.argv[1:]: chatpack.parse_telegram(path)"


def lines() -> Iterator[tuple[str, str]]:
    """Lines of human conversations with their speaker, again and again, never quite the same."""
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    talk = [
        (speaker, message["text"])
        for conversation in dataset.values()
        for turn, speaker in zip(conversation["messages"], cycle((YOU, ME)))
        for message in turn
    ]
    yield from talk
    # A word more each time, not a number: numbers are looked at by what masks them.
    for word in dict.fromkeys(" ".join(text for _, text in talk).split()):
        for speaker, text in talk:
            yield speaker, f"{text} {word}"


def write_export(path: Path, size: int, speech: Iterator[tuple[str, str]], partner: str) -> int:
    """Writes the export of one chat as the desktop application lays it out; returns the number of messages."""
    seconds, number = 1_500_000_000, 0
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{\n "name": "You",\n "type": "personal_chat",\n "id": {partner[4:]},\n "messages": [')
        while file.tell() < size:
            rows = []
            for speaker, text in islice(speech, 1000):
                number += 1
                seconds += 40 + 3000 * (number % 50 == 0)
                date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
                sender = partner if speaker == YOU else ME
                quoted = json.dumps(text, ensure_ascii=False)
                name = "You" if speaker == YOU else "Me"
                rows.append(
                    MESSAGE.format(id=number, date=date, seconds=seconds, name=name, sender=sender, text=quoted)
                )
            file.write(("\n" if number == len(rows) else ",\n") + ",\n".join(rows))
        file.write("\n ]\n}")
    return number


def write_exports(folder: Path, megabytes: int, count: int) -> tuple[list[Path], int]:
    """Writes exports of that many megabytes in all; returns them, and the number of messages."""
    exports = [folder / f"ChatExport_{number}" / "result.json" for number in range(count)]
    speech = lines()
    messages = 0
    for number, path in enumerate(exports):
        path.parent.mkdir(parents=True)
        # Another partner in each: several exports of one chat are read as one.
        messages += write_export(path, megabytes * 1_000_000 // count, speech, f"user{2_000_001 + number}")
    return exports, messages


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Runs a command; returns seconds and megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed:\n{errors.decode()}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def programs(exports: list[Path]) -> dict[str, list[str]]:
    """What is measured."""
    paths = [str(path) for path in exports]
    found = {
        "json.load": [sys.executable, "-c", JSON_LOAD, *paths],
        "acc run --until corpus": [sys.executable, "-m", "autocakechat", "-q", "run", "--until", "corpus"],
        "acc inspect": [sys.executable, "-m", "autocakechat", "-q", "inspect", "export"],
        "json.load and a loop": [sys.executable, "-c", LOOP, *paths],
    }
    if find_spec("chatminer"):
        found["chat-miner"] = [sys.executable, "-c", CHAT_MINER, *paths]
    if find_spec("chatpack"):
        found["chatpack"] = [sys.executable, "-c", CHATPACK, *paths]
    return found


def compare(folder: Path, megabytes: int, count: int, runs: int, wanted: str) -> None:
    """Writes exports, runs everything on them, and prints a table."""
    # In another process: a process starts with the peak of memory of the one that started it.
    with ProcessPoolExecutor(1) as pool:
        exports, messages = pool.submit(write_exports, folder / "export", megabytes, count).result()
    (folder / "pipeline.toml").write_text(PIPELINE)
    size = sum(path.stat().st_size for path in exports) / 1e6
    figures: dict[str, list[tuple[float, float]]] = {}
    for _ in range(runs):
        for name, command in programs(exports).items():
            if wanted not in name and name != "json.load":
                continue
            shutil.rmtree(folder / ".acc", ignore_errors=True)
            figures.setdefault(name, []).append(measure(command, folder))
    print(f"\n{size:,.0f} MB, {messages:,} messages, {count} file(s), median of {runs}")
    print(f"{'':24}{'seconds':>9}{'MB/s':>8}{'µs/message':>12}{'json.load ×':>13}{'memory MB':>11}")
    baseline = statistics.median(seconds for seconds, _ in figures["json.load"])
    for name, measured in figures.items():
        seconds = statistics.median(seconds for seconds, _ in measured)
        memory = max(memory for _, memory in measured)
        print(
            f"{name:24}{seconds:9.2f}{size / seconds:8.0f}{seconds / messages * 1e6:12.2f}{baseline / seconds:13.2f}"
            f"{memory:11,.0f}"
        )


def main() -> None:
    """Reads the command line and compares."""
    parser = argparse.ArgumentParser(description="Time reading, beside json.load and other readers.")
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the exports in all (default: %(default)s)")
    parser.add_argument("--files", type=int, default=8, help="how many files in the second part (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how often each program runs (default: %(default)s)")
    parser.add_argument("--only", default="", help="only programs with this in their name, and json.load")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    for count in (1, options.files):
        with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
            compare(Path(folder), options.megabytes, count, options.runs, options.only)


if __name__ == "__main__":
    main()

"""Times replies, starts and memory of a model with the network sizes of the original CakeChat.

    python benchmarks/replies.py
    python benchmarks/replies.py --against /path/to/another/checkout/.venv/bin/python
    python benchmarks/replies.py --model MODEL --corpus CORPUS

`--against` measures another version of autocakechat in the same run: both take turns, so that other load on the machine
affects both. Without `--model`, the weights are random, and the bias of the end token makes every reply as long as
allowed; starts, memory and `acc evaluate` are then also measured with a model of the demo's size. Contexts are those of
real conversations.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import attrs
import conversations
from bot_process import bot_memory
from machine import machine
from reply_models import copy_for_version_0, make_model, write_demo_corpus

from autocakechat.plugins.trainers.cakechat.training.presets import PRESETS

WORKER = Path(__file__).parent / "workers" / "replies.py"
MODES: dict[str, dict[str, Any]] = {
    "ranked, 32 past, 10 x 16 tokens": {"mode": "ranked", "max_tokens": 16},
    "sampling, 16 tokens": {"mode": "sampling", "max_tokens": 16},
    "sampling-reranking, 10 x 16 tokens": {"mode": "sampling-reranking", "max_tokens": 16},
    "beamsearch, beam 10, 40 steps": {"mode": "beamsearch", "max_tokens": 40},
    "beamsearch-reranking, beam 10, 40 steps": {"mode": "beamsearch-reranking", "max_tokens": 40},
}
"""The options of `[reply]` for each mode."""
CHATS = 64
SAMPLES = "300"
"""Samples of `acc evaluate`; these are its default."""
DEMO = "demo's size: "
"""Begins the names of the measurements of a model of the demo's size."""

Measurements = dict[str, list[float]]
"""The values of each measurement, by its name with its unit."""


def milliseconds(
    python: Path, model: Path, requests: Path, batch: int, options: dict[str, Any], runs: int
) -> list[float]:
    """Returns the time of each run of `workers/replies.py` with a version of autocakechat."""
    arguments = [python, WORKER, model, requests, str(batch), json.dumps(options), str(runs)]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    result: list[float] = json.loads(done.stdout)
    return result


def seconds(command: list[Any], stdin: str = "") -> float:
    """Returns the time that a command takes."""
    started = time.perf_counter()
    subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)
    return time.perf_counter() - started


def measure_replies(python: Path, model: Path, requests: Path, runs: int) -> Measurements:
    """Measures the replies of a model once, with one version."""
    lacking = () if (model / "reverse.safetensors").exists() else ("reranking",)
    lacking += () if (model / "past_replies").exists() else ("ranked",)
    values: Measurements = {
        f"{name}, ms": milliseconds(python, model, requests, 1, reply, runs)
        for name, reply in MODES.items()
        if not reply["mode"].endswith(lacking)
    }
    batches = milliseconds(python, model, requests, CHATS, MODES["sampling, 16 tokens"], max(2, runs // 2))
    values[f"{CHATS} chats at once, replies/s"] = [1000 * CHATS / batch for batch in batches]
    return values


def measure_processes(python: Path, model: Path, texts: list[str]) -> Measurements:
    """Measures the processes of commands with a model once, with one version: their time and memory."""
    acc = [python, "-m", "autocakechat"]
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
        memory = bot_memory(python, model, texts, Path(folder) / "bot")
    return {
        "acc chat MODEL, ready, s": [seconds([*acc, "chat", model])],
        "acc chat MODEL, one reply, end, s": [seconds([*acc, "chat", model], "hello\n")],
        "bot on Telegram, memory at rest, MB": [memory.at_rest / 1e6],
        f"bot on Telegram, after {len(texts):,} messages, MB": [memory.at_end / 1e6],
    }


def measure_evaluation(python: Path, model: Path, corpus: Path) -> Measurements:
    """Measures `acc evaluate` once, with one version."""
    command = [python, "-m", "autocakechat", "evaluate", model, "--corpus", corpus, "--samples", SAMPLES]
    return {f"acc evaluate, {SAMPLES} samples, s": [seconds(command)]}


def print_table(versions: dict[str, Measurements]) -> None:
    """Prints a line for each measurement: the median of each version, and their ratio if there are two."""
    print(f"{'':52}" + "".join(f"{version:>12}" for version in versions))
    for name in next(iter(versions.values())):
        medians = [statistics.median(values[name]) for values in versions.values() if name in values]
        ratio = f"{medians[0] / medians[1]:11.2f}x" if len(medians) == 2 else ""
        print(f"{name:52}" + "".join(f"{median:12.4g}" for median in medians) + ratio)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description="Time replies of a model of the original's size.")
    parser.add_argument("--against", type=Path, help="interpreter of an environment with another version")
    parser.add_argument("--model", type=Path, help="model folder (default: one of the size, one of the demo's size)")
    parser.add_argument("--corpus", type=Path, help="corpus for `acc evaluate` (default: like the demo's)")
    parser.add_argument("--hidden", type=int, default=768, help="hidden size of each GRU (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="maximum vocabulary size (default: %(default)s)")
    parser.add_argument("--past-replies", type=int, default=10_000, help="past replies (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each reply in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--messages", type=int, default=1000, help="messages before memory is measured")
    parser.add_argument("--json", action="store_true", help="also print all values as JSON")
    options = parser.parse_args()

    dialogs = [dialog for dialog in conversations.conversations() if len(dialog) > conversations.CONTEXT_LINES]
    contexts = [[line.text for line in dialog[: conversations.CONTEXT_LINES]] for dialog in islice(dialogs, 4 * CHATS)]
    texts = [context[-1] for context in islice(cycle(contexts), options.messages)]
    pythons = {"this": Path(sys.executable)} | ({"other": options.against} if options.against else {})
    versions: dict[str, Measurements] = {version: defaultdict(list) for version in pythons}
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as temporary:
        folder = Path(temporary)
        requests, corpus = folder / "requests.json", options.corpus or folder / "corpus"
        requests.write_text(json.dumps(contexts), "utf-8")
        if not options.corpus:
            write_demo_corpus(corpus)
        models = {"": options.model or folder / "model"}
        if not options.model:
            sizes = attrs.evolve(PRESETS["cakechat"], hidden=options.hidden, vocabulary=options.tokens)
            make_model(models[""], sizes, options.past_replies)
            models[DEMO] = folder / "demo"
            make_model(models[DEMO], PRESETS["tiny"], options.past_replies)
        for label, model in models.items():
            copies = {"this": model, "other": folder / f"{model.name}_by_rows"}
            if options.against:
                copy_for_version_0(model, copies["other"])
            size = json.loads((model / "settings.json").read_bytes())["network"]
            print(f"{label or 'model: '}hidden {size['hidden']}, {size['tokens']:,} tokens")
            for version, python in islice(cycle(pythons.items()), options.rounds * len(pythons)):
                values = measure_processes(python, copies[version], texts)
                if label != DEMO:
                    values |= measure_replies(python, copies[version], requests, options.runs)
                if label == DEMO or options.model:
                    values |= measure_evaluation(python, copies[version], corpus)
                for name, times in values.items():
                    versions[version][label + name] += times
    print(f"{machine()}, medians")
    print_table(versions)
    if options.json:
        print(json.dumps(versions))


if __name__ == "__main__":
    main()

"""Times the replies of a model with the network sizes of the original CakeChat.

    python benchmarks/replies.py

The weights are random, and the bias of the end token makes every reply as long as allowed. Contexts are those of real
conversations.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import conversations
import numpy as np
from machine import machine

from autocakechat import Request, finalize_model_folder
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.inference.responder import load
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER

MODES: dict[str, dict[str, Any]] = {
    "sampling, 16 tokens": {"mode": "sampling", "max_tokens": 16},
    "sampling-reranking, 10 x 16 tokens": {"mode": "sampling-reranking", "max_tokens": 16},
    "beamsearch, beam 10, 40 steps": {"mode": "beamsearch", "max_tokens": 40},
    "beamsearch-reranking, beam 10, 40 steps": {"mode": "beamsearch-reranking", "max_tokens": 40},
}
"""The options of `[reply]` for each row of the table."""
IMPORT_COMMAND = [sys.executable, "-c", "import tensorflow, keras"]


def make_model(folder: Path, vocabulary: Vocabulary, hidden: int) -> None:
    """Writes a model folder with random weights and a reverse model."""
    network = NetworkSettings(
        tokens=len(vocabulary),
        conditions=1,
        embedding=128,
        condition_embedding=128,
        hidden=hidden,
        recurrent_activation="sigmoid",
    )
    settings = ModelSettings(
        network=network,
        padding="masked",
        context_lines=conversations.CONTEXT_LINES,
        text="cakechat",
        line_tokens=conversations.LINE_TOKENS,
        reply_tokens=conversations.REPLY_TOKENS,
    )
    networks = [Network(network, seed) for seed in (1, 2)]
    bias = np.zeros(len(vocabulary), np.float32)
    bias[[vocabulary.end, vocabulary.pad]] = -50.0  # no reply ends early
    for instance in networks:
        instance.output_bias.assign(bias)
    folder.mkdir()
    save_model(Model(settings, vocabulary, Conditions.from_labels(()), *networks), folder)
    finalize_model_folder(folder, TRAINER, Options(), {})


def median_milliseconds(call: Callable[[], object], runs: int) -> float:
    """Returns the median time of a number of calls, after one call that is not counted."""
    call()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def time_replies(folder: Path, requests: list[Request], runs: int, **options: Any) -> float:
    """Loads a model with the options of `[reply]`; returns the milliseconds for replies to a batch of requests."""
    responder = load(folder, ReplyOptions(seed=1, choose_among=1, **options))
    return median_milliseconds(lambda: responder.respond(requests), runs)


def time_modes(folder: Path, requests: list[Request], runs: int) -> dict[str, float]:
    """Returns the milliseconds for one reply in each mode, and the replies a second for a batch of all requests."""
    results = {name: time_replies(folder, requests[:1], runs, **options) for name, options in MODES.items()}
    batch_milliseconds = time_replies(folder, requests, max(2, runs // 2), mode="sampling", max_tokens=16)
    return results | {"batch": 1000 * len(requests) / batch_milliseconds}


def time_starts(folder: Path, runs: int) -> dict[str, float]:
    """Returns the seconds that `acc chat` takes without and with one reply, and those to import its libraries."""
    chat = [sys.executable, "-m", "autocakechat", "chat", str(folder)]
    commands = {"import": (IMPORT_COMMAND, ""), "ready": (chat, ""), "one reply": (chat, "hello\n")}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, (command, stdin) in commands.items():
            started = time.perf_counter()
            subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def print_table(results: dict[str, float], chats: int) -> None:
    """Prints a line for each measurement."""
    for name in MODES:
        print(f"{name:42}{results[name]:8.0f} ms")
    print(f"{f'{chats} chats at once, sampling, 16 tokens':42}{results['batch']:8.0f} replies/s")
    if "ready" in results:
        print(f"{'import tensorflow, keras':42}{results['import']:8.2f} s")
        print(f"{'acc chat MODEL, ready':42}{results['ready']:8.2f} s    {results['ready'] / results['import']:.2f} x")
        print(f"{'acc chat MODEL, one reply, end':42}{results['one reply']:8.2f} s")


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description="Time replies of a model of the original's size.")
    parser.add_argument("--hidden", type=int, default=768, help="hidden size of each GRU (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="maximum vocabulary size (default: %(default)s)")
    parser.add_argument("--chats", type=int, default=64, help="chats of the batched reply (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each reply (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=3, help="starts of acc chat (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="also print the measurements as JSON")
    options = parser.parse_args()

    batcher = conversations.read(options.tokens).batcher
    dialogs = [dialog for dialog in conversations.conversations() if len(dialog) > conversations.CONTEXT_LINES]
    first_dialogs = islice(dialogs, options.chats)
    requests = [Request([line.text for line in dialog[: conversations.CONTEXT_LINES]]) for dialog in first_dialogs]
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
        model = Path(folder) / "model"
        make_model(model, batcher.vocabulary, options.hidden)
        results = time_modes(model, requests, options.runs)
        if options.starts:
            results |= time_starts(model, options.starts)
    print(f"{machine()}; hidden {options.hidden}, {len(batcher.vocabulary):,} tokens, medians")
    print_table(results, len(requests))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

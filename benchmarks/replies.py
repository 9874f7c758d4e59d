"""Times replies, starts and memory of a model with the network sizes of the original CakeChat.

    python benchmarks/replies.py
    python benchmarks/replies.py --against /path/to/another/checkout/.venv/bin/python
    python benchmarks/replies.py --model MODEL --corpus CORPUS

`--against` measures another version of autocakechat in the same run: both take turns, so that other load on the machine
affects both. Without `--model`, the weights are random, and the bias of the end token makes every reply as long as
allowed. Contexts are those of real conversations.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import Any

import conversations
import msgspec
import numpy as np
from machine import machine

from autocakechat import Corpus, RunContext, finalize_model_folder
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_weights, write_arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.ranking.past_replies import PastReplies
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER

WORKER = Path(__file__).with_name("replies_worker.py")
MODES: dict[str, dict[str, Any]] = {
    "ranked, 32 past, 10 x 16 tokens": {"mode": "ranked", "max_tokens": 16},
    "sampling, 16 tokens": {"mode": "sampling", "max_tokens": 16},
    "sampling-reranking, 10 x 16 tokens": {"mode": "sampling-reranking", "max_tokens": 16},
    "beamsearch, beam 10, 40 steps": {"mode": "beamsearch", "max_tokens": 40},
    "beamsearch-reranking, beam 10, 40 steps": {"mode": "beamsearch-reranking", "max_tokens": 40},
}
"""The options of `[reply]` for each mode."""
CHATS = 64

Measurements = dict[str, list[float]]
"""The values of each measurement, by its name with its unit."""


def make_model(folder: Path, vocabulary: Vocabulary, hidden: int, past_replies: int) -> None:
    """Writes a model folder with random weights, a reverse model and past replies."""
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
    networks = [Network(network, random_weights(network, vocabulary, seed)) for seed in (1, 2)]
    folder.mkdir()
    model = Model(settings, vocabulary, Conditions.from_labels(()), *networks)
    save_model(model, folder)
    # The mode ranked uses the reverse network if the ranker weighs it. It is fitted without the network here.
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as corpus:
        run = RunContext(log=logging.getLogger("benchmark"), progress=silent_progress, seed=1, state=folder)
        PastReplies.write(model, make_corpus(Path(corpus), past_replies), (), Options(), folder, run)
    finalize_model_folder(folder, TRAINER, Options(), {})


def make_corpus(folder: Path, replies: int) -> Corpus:
    """Writes a corpus with so many replies: those of real conversations, again and again."""
    dialogs = itertools.cycle(conversations.conversations())
    written = 0
    with (folder / "train.jsonl").open("wb") as file:
        while written < replies:
            dialog = next(dialogs)
            dialog = dialog[: len(dialog) // 2 * 2]
            file.write(msgspec.json.encode(dialog) + b"\n")
            written += len(dialog) // 2
    return Corpus(folder)


def copy_for_version_0(model: Path, folder: Path) -> None:
    """Copies a model folder in the format of the first version, whose kernels are stored by rows."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("past_replies"))
    for file in folder.glob("*.safetensors"):
        write_arrays(file, {name: np.ascontiguousarray(weight) for name, weight in read_weights(file).items()})
    settings = json.loads((folder / "settings.json").read_bytes())
    (folder / "settings.json").write_text(json.dumps(settings | {"form": 1}))
    (folder / "model.json").unlink()
    finalize_model_folder(folder, TRAINER, Options(), {})


def random_weights(settings: NetworkSettings, vocabulary: Vocabulary, seed: int) -> dict[str, Any]:
    """Returns weights as before a training, but no reply ends early."""
    random = np.random.default_rng(seed)
    weights = {
        name: (shape[0] ** -0.5 * random.standard_normal(shape)).astype(np.float32)
        for name, shape in weight_shapes(settings).items()
    }
    weights["output.bias"][:] = 0.0
    weights["output.bias"][[vocabulary.end, vocabulary.pad]] = -50.0
    return weights


def worker(python: Path, model: Path, requests: Path, batch: int, options: dict[str, Any], runs: int) -> dict[str, Any]:
    """Runs `replies_worker.py` with a version of autocakechat."""
    arguments = [python, WORKER, model, requests, str(batch), json.dumps(options), str(runs)]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def seconds(command: list[Any], stdin: str = "") -> float:
    """Returns the time that a command takes."""
    started = time.perf_counter()
    subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)
    return time.perf_counter() - started


def measure(
    python: Path, model: Path, requests: Path, corpus: Path | None, options: argparse.Namespace
) -> Measurements:
    """Measures everything once with one version."""
    values: Measurements = {}
    lacking = ("-reranking",) * (not (model / "reverse.safetensors").exists())
    lacking += ("ranked",) * (not (model / "past_replies").exists())
    for name, reply in MODES.items():
        if not reply["mode"].endswith(lacking):
            values[f"{name}, ms"] = worker(python, model, requests, 1, reply, options.runs)["milliseconds"]
    sampling = MODES["sampling, 16 tokens"]
    batches = worker(python, model, requests, CHATS, sampling, max(2, options.runs // 2))["milliseconds"]
    values[f"{CHATS} chats at once, replies/s"] = [1000 * CHATS / milliseconds for milliseconds in batches]
    acc = [python, "-m", "autocakechat"]
    values["acc chat MODEL, ready, s"] = [seconds([*acc, "chat", model])]
    values["acc chat MODEL, one reply, end, s"] = [seconds([*acc, "chat", model], "hello\n")]
    memory = worker(python, model, requests, 1, sampling, options.messages)
    values["memory at rest, MB"] = [memory["at_rest"] / 1e6]
    values[f"memory after {options.messages:,} messages, MB"] = [memory["at_end"] / 1e6]
    if corpus:
        values["acc evaluate, s"] = [seconds([*acc, "evaluate", model, "--corpus", corpus])]
    return values


def print_table(versions: dict[str, Measurements]) -> None:
    """Prints a line for each measurement: the median of each version, and their ratio if there are two."""
    print(f"{'':44}" + "".join(f"{version:>12}" for version in versions))
    for name in next(iter(versions.values())):
        medians = [statistics.median(measurements[name]) for measurements in versions.values() if name in measurements]
        ratio = f"{medians[0] / medians[1]:11.2f}x" if len(medians) == 2 else ""
        print(f"{name:44}" + "".join(f"{median:12.4g}" for median in medians) + ratio)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description="Time replies of a model of the original's size.")
    parser.add_argument("--against", type=Path, help="interpreter of an environment with another version")
    parser.add_argument("--model", type=Path, help="model folder (default: random weights)")
    parser.add_argument("--corpus", type=Path, help="corpus of the model, to time `acc evaluate`")
    parser.add_argument("--hidden", type=int, default=768, help="hidden size of each GRU (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="maximum vocabulary size (default: %(default)s)")
    parser.add_argument("--past-replies", type=int, default=30_000, help="past replies (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each reply in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--messages", type=int, default=1000, help="messages before memory is measured")
    parser.add_argument("--json", action="store_true", help="also print all values as JSON")
    options = parser.parse_args()

    dialogs = [dialog for dialog in conversations.conversations() if len(dialog) > conversations.CONTEXT_LINES]
    contexts = [[line.text for line in dialog[: conversations.CONTEXT_LINES]] for dialog in islice(dialogs, 4 * CHATS)]
    pythons = {"this": Path(sys.executable)} | ({"other": options.against} if options.against else {})
    versions: dict[str, Measurements] = {version: defaultdict(list) for version in pythons}
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as folder:
        requests = Path(folder) / "requests.json"
        requests.write_text(json.dumps(contexts), "utf-8")
        model = options.model or Path(folder) / "model"
        if not options.model:
            make_model(
                model, conversations.read(options.tokens).batcher.vocabulary, options.hidden, options.past_replies
            )
        models = {"this": model, "other": Path(folder) / "by_rows"}
        copy_for_version_0(model, models["other"])
        size = json.loads((model / "settings.json").read_bytes())["network"]
        for _ in range(options.rounds):
            for version, python in pythons.items():
                for name, values in measure(python, models[version], requests, options.corpus, options).items():
                    versions[version][name] += values
    print(f"{machine()}; hidden {size['hidden']}, {size['tokens']:,} tokens, medians")
    print_table(versions)
    if options.json:
        print(json.dumps(versions))


if __name__ == "__main__":
    main()

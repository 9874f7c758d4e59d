"""Times training, compared with the same network built from Keras' layers, on the same mini-batches.

    python benchmarks/training.py

Each implementation runs in a separate process; they take turns, so that other load on the machine affects both. The
mini-batches are those of an epoch over the conversations of `chitchat-dataset`, evenly chosen from the cheapest to the
most expensive. A step of the Keras network costs the same for all of them, so fewer are measured.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import conversations
import numpy as np
from baselines.keras_baseline import keras_batch, keras_network
from machine import machine

from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig, TrainStep
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision

EPOCH_SEED = (1, 0)
IMPLEMENTATIONS = ["keras", "autocakechat"]

Indices = np.ndarray[Any, Any]
Step = Callable[[Indices], float]
"""Takes a gradient step with the samples of some indices; returns the loss."""


def training_config(batch_size: int) -> TrainingConfig:
    """Returns the default configuration."""
    options = Options()
    return TrainingConfig(
        epochs=1,
        patience=1,
        batch_size=batch_size,
        optimizer="adam",
        learning_rate=0.001,
        decay=True,
        warm_up=options.warm_up,
        clip_norm=options.clip_norm,
        clip_value=options.clip_value,
        dropout=options.dropout,
        seed=1,
        checkpoint_seconds=1e9,
    )


def autocakechat_step(
    data: conversations.Data, settings: NetworkSettings, batch_size: int, precision: Precision = "float32"
) -> Step:
    """Returns the gradient step of this project."""
    train_step = TrainStep(TrainableNetwork(settings, 1, precision), training_config(batch_size), total_steps=1000)
    return lambda indices: train_step(data.batcher.batch(data.samples, indices))


def keras_step(data: conversations.Data, settings: NetworkSettings, batch_size: int) -> Step:
    """Returns the gradient step of the Keras network."""
    model = keras_network(
        settings, conversations.CONTEXT_LINES, data.batcher.line_tokens, data.batcher.reply_tokens + 2
    )
    return lambda indices: float(model.train_on_batch(*keras_batch(data.batcher, data.samples, indices)))


def serve_steps(implementation: str, options: argparse.Namespace) -> None:
    """Runs in the worker process: takes a step for each line of standard input, and prints its measurements as JSON.

    A line holds the position of a mini-batch among all of the epoch, from 0 (cheapest) to 1 (most expensive).
    """
    data = conversations.read(options.tokens)
    settings = NetworkSettings(
        tokens=len(data.batcher.vocabulary),
        conditions=1,
        embedding=options.embedding,
        condition_embedding=options.embedding,
        hidden=options.hidden,
        recurrent_activation="sigmoid",
    )
    step = {"autocakechat": autocakechat_step, "keras": keras_step}[implementation](data, settings, options.batch)
    batches = data.batcher.epoch(data.samples, options.batch, EPOCH_SEED)
    batches.sort(key=lambda indices: (len(indices), int(data.samples.reply_lengths[indices].sum())))
    for line in sys.stdin:
        indices = batches[int(float(line) * len(batches))]
        started, cpu_started = time.perf_counter(), time.process_time()
        step(indices)
        measurements = {
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - cpu_started,
            "samples": len(indices),
            "tokens": int(np.minimum(data.samples.reply_lengths[indices] + 1, options.reply_tokens + 1).sum()),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(measurements), flush=True)


class Worker:
    """A process with one implementation, which takes steps on request."""

    def __init__(self, implementation: str, arguments: list[str]) -> None:
        command = [sys.executable, __file__, "--worker", implementation, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self, position: float) -> dict[str, float]:
        """Takes a step with the mini-batch at a position from 0 (cheapest) to 1 (most expensive)."""
        assert self._process.stdin
        assert self._process.stdout
        print(position, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a worker process ended early; its error is above")
        return json.loads(line)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def compare(options: argparse.Namespace, arguments: list[str]) -> dict[str, list[dict[str, float]]]:
    """Lets the implementations take steps in turn; returns the measurements of each step."""
    positions = [(number + 0.5) / options.batches for number in range(options.batches)]
    shuffled = np.random.default_rng(1).permutation(positions).tolist()
    workers = {implementation: Worker(implementation, arguments) for implementation in options.only}
    measurements: dict[str, list[dict[str, float]]] = {implementation: [] for implementation in workers}
    for worker in workers.values():
        worker.step(0.99)  # compiles, and reaches the peak of memory
        worker.step(0.5)
    for number, position in enumerate(shuffled):
        for implementation, worker in workers.items():
            if implementation == "autocakechat" or number % options.keras_every == 0:
                measurements[implementation].append(worker.step(position))
    for worker in workers.values():
        worker.close()
    return measurements


def print_table(measurements: dict[str, list[dict[str, float]]]) -> None:
    """Prints a line for each implementation."""
    print(
        f"{'':14}{'samples/s':>11}{'× Keras':>9}{'target tokens/s':>17}{'s a step':>10}{'CPU s':>7}{'memory MiB':>12}"
    )
    rates = {}
    for implementation, steps in measurements.items():
        seconds = sum(step["seconds"] for step in steps)
        rates[implementation] = sum(step["samples"] for step in steps) / seconds
        ratio = f"{rates[implementation] / rates['keras']:9.2f}" if "keras" in rates else f"{'':9}"
        token_rate = sum(step["tokens"] for step in steps) / seconds
        print(
            f"{implementation:14}{rates[implementation]:11.1f}{ratio}{token_rate:17.0f}"
            f"{statistics.median(step['seconds'] for step in steps):10.2f}"
            f"{statistics.median(step['cpu'] for step in steps):7.1f}{max(step['memory'] for step in steps):12,.0f}"
        )


def main() -> None:
    """Compares and prints a table."""
    parser = argparse.ArgumentParser(description="Time training, compared with the same network in Keras.")
    parser.add_argument("--hidden", type=int, default=768, help="hidden size of each GRU (default: %(default)s)")
    parser.add_argument("--embedding", type=int, default=128, help="embedding dimension (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="maximum vocabulary size (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=196, help="mini-batch size (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=12, help="mini-batches to measure (default: %(default)s)")
    parser.add_argument(
        "--keras-every", type=int, default=4, help="Keras steps on each n-th batch (default: %(default)s)"
    )
    parser.add_argument(
        "--only", nargs="+", default=IMPLEMENTATIONS, choices=IMPLEMENTATIONS, help="implementations to measure"
    )
    parser.add_argument("--json", action="store_true", help="also print the measurements of each step")
    parser.add_argument("--worker", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.reply_tokens = conversations.REPLY_TOKENS
    if options.worker:
        serve_steps(options.worker, options)
        return
    arguments = []
    for name in ("hidden", "embedding", "tokens", "batch"):
        arguments += [f"--{name}", str(getattr(options, name))]
    measurements = compare(options, arguments)
    print(f"{machine()}; hidden {options.hidden}, batches of {options.batch}")
    print_table(measurements)
    if options.json:
        print(json.dumps(measurements))


if __name__ == "__main__":
    main()

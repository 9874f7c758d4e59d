"""Times training, compared with the same network built from Keras' layers, on the same mini-batches.

    python benchmarks/training.py
    python benchmarks/training.py --without-keras --precision float32 --workers 1 2

This project's trainer is measured in each number format, and with each number of processes that train together. Each
row has its own processes; the rows take turns, so that other load on the machine affects all. The mini-batches are
those of an epoch over the conversations of `chitchat-dataset`, evenly chosen from the cheapest to the most expensive. A
step of the Keras network costs the same for all of them, so fewer are measured.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import socket
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
from autocakechat.plugins.trainers.cakechat.training.workers.cluster import join_group
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision

EPOCH_SEED = (1, 0)
KERAS = "keras"
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")

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
    data: conversations.Data, settings: NetworkSettings, batch_size: int, precision: Precision
) -> Step:
    """Returns the gradient step of this project; that of all workers, if `TF_CONFIG` lists several."""
    group = join_group(logging.getLogger())
    network = TrainableNetwork(settings, 1, precision)
    train_step = TrainStep(network, training_config(batch_size), total_steps=1000, group=group)
    return lambda indices: train_step(data.batcher.batch(data.samples, group.part(indices)))


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
    data = conversations.read(options.tokens, options.conversations)
    settings = NetworkSettings(
        tokens=len(data.batcher.vocabulary),
        conditions=1,
        embedding=options.embedding,
        condition_embedding=options.embedding,
        hidden=options.hidden,
        recurrent_activation="sigmoid",
    )
    if implementation == KERAS:
        step = keras_step(data, settings, options.batch)
    else:
        step = autocakechat_step(
            data, settings, options.batch, "bfloat16" if implementation == "bfloat16" else "float32"
        )
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


class Trainer:
    """One or several processes with one implementation, which take steps together on request.

    Args:
        implementation: "keras", or the precision of this project's trainer.
        arguments: The arguments of the benchmark.
        workers: Number of processes. They share the cores.
    """

    def __init__(self, implementation: str, arguments: list[str], workers: int = 1) -> None:
        command = [sys.executable, __file__, "--worker", implementation, *arguments]
        addresses = _free_addresses(workers)
        self._processes = []
        for rank in range(workers):
            environment = dict(os.environ)
            if workers > 1:
                task = {"type": "worker", "index": rank}
                environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
                environment["TF_NUM_INTRAOP_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
            pipe = subprocess.PIPE
            self._processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment))

    def step(self, position: float) -> dict[str, float]:
        """Takes a step with the mini-batch at a position from 0 (cheapest) to 1 (most expensive).

        Returns:
            The measurements: of several processes, CPU seconds and memory are those of all together.
        """
        for process in self._processes:
            assert process.stdin
            print(position, file=process.stdin, flush=True)
        lines = [process.stdout.readline() for process in self._processes if process.stdout]
        if not all(lines):
            raise SystemExit("a worker process ended early; its error is above")
        measured: list[dict[str, float]] = [json.loads(line) for line in lines]
        sums = {name: sum(measurements[name] for measurements in measured) for name in ("cpu", "memory")}
        return max(measured, key=lambda measurements: measurements["seconds"]) | sums

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            if process.stdin:
                process.stdin.close()
        for process in self._processes:
            process.wait()


def _free_addresses(number: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{free.getsockname()[1]}" for free in sockets]
    for free in sockets:
        free.close()
    return addresses


def compare(options: argparse.Namespace, arguments: list[str]) -> dict[str, list[dict[str, float]]]:
    """Lets the implementations take steps in turn; returns the measurements of each step."""
    positions = [(number + 0.5) / options.batches for number in range(options.batches)]
    shuffled = np.random.default_rng(1).permutation(positions).tolist()
    trainers = {} if options.without_keras else {KERAS: Trainer(KERAS, arguments)}
    for precision in options.precision:
        for workers in options.workers:
            name = precision if workers == 1 else f"{precision}, {workers} workers"
            trainers[name] = Trainer(precision, arguments, workers)
    measurements: dict[str, list[dict[str, float]]] = {name: [] for name in trainers}
    for trainer in trainers.values():
        trainer.step(0.99)  # compiles, and reaches the peak of memory
        trainer.step(0.5)
    for number, position in enumerate(shuffled):
        for name, trainer in trainers.items():
            if name != KERAS or number % options.keras_every == 0:
                measurements[name].append(trainer.step(position))
    for trainer in trainers.values():
        trainer.close()
    return measurements


def print_table(measurements: dict[str, list[dict[str, float]]]) -> None:
    """Prints a line for each implementation."""
    print(
        f"{'':22}{'samples/s':>11}{'× Keras':>9}{'target tokens/s':>17}{'s a step':>10}{'CPU s':>7}{'memory MiB':>12}"
    )
    rates = {}
    for implementation, steps in measurements.items():
        seconds = sum(step["seconds"] for step in steps)
        rates[implementation] = sum(step["samples"] for step in steps) / seconds
        ratio = f"{rates[implementation] / rates[KERAS]:9.2f}" if KERAS in rates else f"{'':9}"
        token_rate = sum(step["tokens"] for step in steps) / seconds
        print(
            f"{implementation:22}{rates[implementation]:11.1f}{ratio}{token_rate:17.0f}"
            f"{statistics.median(step['seconds'] for step in steps):10.2f}"
            f"{statistics.median(step['cpu'] for step in steps):7.1f}{max(step['memory'] for step in steps):12,.0f}"
        )


def main() -> None:
    """Compares and prints a table."""
    parser = argparse.ArgumentParser(description="Time training, compared with the same network in Keras.")
    parser.add_argument("--hidden", type=int, default=768, help="hidden size of each GRU (default: %(default)s)")
    parser.add_argument("--embedding", type=int, default=128, help="embedding dimension (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="maximum vocabulary size (default: %(default)s)")
    parser.add_argument("--conversations", type=int, help="number of conversations (default: all)")
    parser.add_argument("--batch", type=int, default=196, help="mini-batch size (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=12, help="mini-batches to measure (default: %(default)s)")
    parser.add_argument(
        "--keras-every", type=int, default=4, help="Keras steps on each n-th batch (default: %(default)s)"
    )
    parser.add_argument("--without-keras", action="store_true", help="do not measure the Keras network")
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=PRECISIONS,
        help="number formats of matrix products to measure (default: both)",
    )
    parser.add_argument(
        "--workers", nargs="+", type=int, default=[1], help="numbers of processes to measure (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="also print the measurements of each step")
    parser.add_argument("--worker", choices=(KERAS, *PRECISIONS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.reply_tokens = conversations.REPLY_TOKENS
    if options.worker:
        serve_steps(options.worker, options)
        return
    arguments = []
    for name in ("hidden", "embedding", "tokens", "batch"):
        arguments += [f"--{name}", str(getattr(options, name))]
    if options.conversations:
        arguments += ["--conversations", str(options.conversations)]
    measurements = compare(options, arguments)
    print(f"{machine()}; hidden {options.hidden}, batches of {options.batch}")
    print_table(measurements)
    if options.json:
        print(json.dumps(measurements))


if __name__ == "__main__":
    main()

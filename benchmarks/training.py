"""Times training, beside a plain Keras build of the same network on the same batches.

    python benchmarks/training.py

Both live in processes of their own and take turns, so that both meet the same machine. The batches are those of an
epoch over the conversations of `chitchat-dataset`, chosen evenly from the cheapest to the dearest. A plain step costs
the same for all of them, so it is measured fewer times.
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
from machine import machine
from plain import plain_batch, plain_network

from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.training.loop import Plan, Teacher

EPOCH = (1, 0)


def plan(batch: int) -> Plan:
    """The default way of training."""
    options = Options()
    return Plan(
        epochs=1,
        patience=1,
        batch_size=batch,
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


def ours(data: conversations.Data, settings: NetworkSettings, batch: int) -> Callable[[np.ndarray[Any, Any]], float]:
    """Returns what takes a step of this project's training with some samples."""
    teacher = Teacher(Network(settings, seed=1), plan(batch), steps=1000)
    return lambda chosen: float(teacher.train(data.batcher.batch(data.samples, chosen)))


def plain(data: conversations.Data, settings: NetworkSettings, batch: int) -> Callable[[np.ndarray[Any, Any]], float]:
    """Returns what takes a step of plain Keras."""
    model = plain_network(
        settings, conversations.CONTEXT_LINES, data.batcher.line_tokens, data.batcher.reply_tokens + 2
    )
    return lambda chosen: float(model.train_on_batch(*plain_batch(data.batcher, data.samples, chosen)))


def learn(who: str, options: argparse.Namespace) -> None:
    """Takes a step for each number of a batch on standard input, and tells its seconds, its CPU seconds and memory."""
    data = conversations.read(options.tokens)
    settings = NetworkSettings(
        tokens=len(data.batcher.vocabulary),
        conditions=1,
        embedding=options.embedding,
        condition_embedding=options.embedding,
        hidden=options.hidden,
        recurrent_activation="sigmoid",
    )
    take = {"ours": ours, "plain": plain}[who](data, settings, options.batch)
    batches = data.batcher.epoch(data.samples, options.batch, EPOCH)
    batches.sort(key=lambda chosen: (len(chosen), int(data.samples.reply_lengths[chosen].sum())))
    for line in sys.stdin:
        chosen = batches[int(float(line) * len(batches))]
        started, worked = time.perf_counter(), time.process_time()
        take(chosen)
        figures = {
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - worked,
            "samples": len(chosen),
            "tokens": int(np.minimum(data.samples.reply_lengths[chosen] + 1, options.reply_tokens + 1).sum()),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(figures), flush=True)


class Learner:
    """A process that takes steps when it is asked to."""

    def __init__(self, who: str, arguments: list[str]) -> None:
        self.steps: list[dict[str, float]] = []
        command = [sys.executable, __file__, "--learn", who, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self, place: float) -> dict[str, float]:
        """Takes a step with the batch at a place between the cheapest, 0, and the dearest, 1."""
        assert self._process.stdin
        assert self._process.stdout
        print(place, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a learner ended early, see above")
        return json.loads(line)  # type: ignore[no-any-return]

    def end(self) -> None:
        """Ends the process."""
        self._process.communicate()


def compare(options: argparse.Namespace, arguments: list[str]) -> dict[str, list[dict[str, float]]]:
    """Lets both take steps in turn; returns the figures of each step."""
    places = [(number + 0.5) / options.batches for number in range(options.batches)]
    shuffled = np.random.default_rng(1).permutation(places).tolist()
    learners = {who: Learner(who, arguments) for who in options.only}
    figures: dict[str, list[dict[str, float]]] = {who: [] for who in learners}
    for learner in learners.values():
        learner.step(0.99)  # what is made once is made here, and as much memory is taken as ever is
        learner.step(0.5)
    for number, place in enumerate(shuffled):
        for who, learner in learners.items():
            if who == "ours" or number % options.plain_every == 0:
                figures[who].append(learner.step(place))
    for learner in learners.values():
        learner.end()
    return figures


def table(figures: dict[str, list[dict[str, float]]]) -> None:
    """Prints a line for each learner."""
    print(f"{'':14}{'samples/s':>11}{'× plain':>9}{'target tokens/s':>17}{'s a step':>10}{'CPU s':>7}{'memory MB':>11}")
    rates = {}
    for who, steps in figures.items():
        seconds = sum(step["seconds"] for step in steps)
        rates[who] = sum(step["samples"] for step in steps) / seconds
        ratio = f"{rates[who] / rates['plain']:9.2f}" if "plain" in rates else f"{'':9}"
        print(
            f"{who:14}{rates[who]:11.1f}{ratio}{sum(step['tokens'] for step in steps) / seconds:17.0f}"
            f"{statistics.median(step['seconds'] for step in steps):10.2f}"
            f"{statistics.median(step['cpu'] for step in steps):7.1f}{max(step['memory'] for step in steps):11,.0f}"
        )


def main() -> None:
    """Reads the command line, compares and prints."""
    parser = argparse.ArgumentParser(description="Time training, beside a plain Keras build of the same network.")
    parser.add_argument("--hidden", type=int, default=768, help="units of each GRU (default: %(default)s)")
    parser.add_argument("--embedding", type=int, default=128, help="numbers for a token (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=50_000, help="most tokens to know (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=196, help="samples in a step (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=12, help="batches to measure (default: %(default)s)")
    parser.add_argument("--plain-every", type=int, default=4, help="plain steps on each n-th (default: %(default)s)")
    parser.add_argument("--only", nargs="+", default=["plain", "ours"], choices=["plain", "ours"], help="who learns")
    parser.add_argument("--json", action="store_true", help="print the figures of each step")
    parser.add_argument("--learn", choices=["plain", "ours"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.reply_tokens = conversations.REPLY_TOKENS
    if options.learn:
        learn(options.learn, options)
        return
    named = ("hidden", "embedding", "tokens", "batch")
    figures = compare(options, [text for name in named for text in (f"--{name}", str(getattr(options, name)))])
    print(f"{machine()}; hidden {options.hidden}, batches of {options.batch}")
    table(figures)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()

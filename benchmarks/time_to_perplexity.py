"""Times training until it reaches a target perplexity: by default that of the original CakeChat after one epoch.

    python benchmarks/time_to_perplexity.py
    python benchmarks/time_to_perplexity.py --precision float32 bfloat16 --conversations 2000

The second command compares validation curves: the mean and the standard deviation over three seeds for each number
format of matrix products.

Hidden size 256, the 10,000 most frequent lower-case tokens, random initial weights. The original (Adadelta, batches of
196) had a perplexity of 131 after its epoch of 1,572 s. That time was measured on another machine with two cores, so
the ratio to it is only a rough comparison. Perplexity is measured on 500 validation samples; the time for measuring is
not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import conversations
import numpy as np
from machine import machine
from training import PRECISIONS, training_config

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.data.unigram import token_frequencies
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training.presets import PRESETS
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainStep
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.scorer import BatchScorer

ORIGINAL_SECONDS, ORIGINAL_PERPLEXITY = 1572, 131
"""The original's first epoch, on another machine with two cores."""
PRESET = PRESETS["small"]


def perplexity(scorer: BatchScorer, batcher: Batcher, samples: Samples) -> float:
    """Returns exp(-1/N Σ log p) over the N target tokens."""
    scores = [scorer(batch) for batch in batcher.batches_by_length(samples, 128)]
    return math.exp(-sum(log_p for log_p, _ in scores) / sum(tokens for _, tokens in scores))


def train(options: argparse.Namespace) -> Iterator[dict[str, float]]:
    """Trains; yields step, seconds of training, loss and perplexity every `options.every` steps."""
    data = conversations.read(options.tokens, options.conversations)
    settings = NetworkSettings(
        tokens=len(data.batcher.vocabulary),
        conditions=1,
        embedding=PRESET.embedding,
        condition_embedding=PRESET.condition_embedding,
        hidden=PRESET.hidden,
        recurrent_activation="sigmoid",
    )
    network = TrainableNetwork(settings, options.seed, options.precision[0])
    network.output_bias.assign(np.log(token_frequencies(data.batcher, data.samples)))
    total_steps = math.ceil(len(data.samples) / options.batch) * options.epochs
    config = attrs.evolve(training_config(options.batch), learning_rate=options.learning_rate, epochs=options.epochs)
    train_step = TrainStep(network, config, total_steps)
    scorer = BatchScorer(network, data.batcher.vocabulary.pad)
    seconds, step = 0.0, 0
    for epoch in range(options.epochs):
        started = time.perf_counter()
        for indices in data.batcher.epoch(data.samples, options.batch, (options.seed, epoch)):
            loss = train_step(data.batcher.batch(data.samples, indices))
            step += 1
            if step % options.every == 0:
                seconds += time.perf_counter() - started
                measured = perplexity(scorer, data.batcher, data.validation)
                yield {"step": step, "seconds": seconds, "loss": loss, "perplexity": measured}
                started = time.perf_counter()
        seconds += time.perf_counter() - started


def curves(options: argparse.Namespace) -> dict[str, dict[int, list[float]]]:
    """Trains with each precision and seed; returns the perplexities of all seeds, by precision and step."""
    found: dict[str, dict[int, list[float]]] = {precision: {} for precision in options.precision}
    for seed in range(options.seed, options.seed + options.seeds):
        for precision, by_step in found.items():
            chosen = argparse.Namespace(**vars(options) | {"precision": [precision], "seed": seed})
            for measurement in train(chosen):
                by_step.setdefault(int(measurement["step"]), []).append(measurement["perplexity"])
    return found


def print_curves(found: dict[str, dict[int, list[float]]], seeds: int) -> None:
    """Prints mean and standard deviation at each measured step, and the difference, also in standard errors."""
    first, *_ = found.values()
    print(f"{'step':>6}" + "".join(f"{precision:>18}" for precision in found) + f"{'difference':>20}")
    for step in first:
        values = [by_step[step] for by_step in found.values()]
        means = [statistics.mean(value) for value in values]
        deviations = [statistics.stdev(value) for value in values]
        error = math.hypot(*deviations) / math.sqrt(seeds)
        columns = (f"{mean:9.1f} ± {deviation:6.2f}" for mean, deviation in zip(means, deviations, strict=True))
        print(f"{step:6}" + "".join(f"{column:>18}" for column in columns), end="")
        print(f"{means[-1] - means[0]:9.2f} ({(means[-1] - means[0]) / error:5.1f} SE)")


def main() -> None:
    """Trains and prints a line for each measurement."""
    parser = argparse.ArgumentParser(description="Time training until it reaches a perplexity.")
    parser.add_argument("--tokens", type=int, default=PRESET.vocabulary, help="vocabulary size (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=PRESET.batch_size, help="mini-batch size (default: %(default)s)")
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=PRESET.learning_rate,
        help="peak learning rate of Adam (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the cosine decay (default: %(default)s)")
    parser.add_argument("--every", type=int, default=50, help="steps between measurements (default: %(default)s)")
    parser.add_argument(
        "--target-perplexity",
        type=float,
        default=ORIGINAL_PERPLEXITY,
        help="perplexity at which to stop (default: %(default)s)",
    )
    parser.add_argument("--conversations", type=int, help="number of conversations (default: all)")
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=PRECISIONS[:1],
        help="number formats of matrix products; several are compared, each with `--seeds` (default: float32)",
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and shuffling (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of a comparison, at least 2 (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to write the measurements to")
    options = parser.parse_args()
    print(f"{machine()}; batches of {options.batch}, learning rate {options.learning_rate}", flush=True)
    if len(options.precision) > 1:
        print_curves(curves(options), options.seeds)
        return
    measurements = []
    for measurement in train(options):
        measurements.append(measurement)
        step, seconds, reached = measurement["step"], measurement["seconds"], measurement["perplexity"]
        print(f"{step:6.0f} steps {seconds:7.0f} s   perplexity {reached:7.1f}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(measurements))
        if reached <= options.target_perplexity:
            print(f"perplexity {options.target_perplexity:g} reached after {seconds:.0f} s of training")
            if options.target_perplexity == ORIGINAL_PERPLEXITY:
                print(f"{seconds / ORIGINAL_SECONDS:.2f} of the original's time, which is of another machine")
            break


if __name__ == "__main__":
    main()

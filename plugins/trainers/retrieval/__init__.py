"""A trainer that generates nothing: it replies with the person's own past reply that fits a conversation best.

`trainer` indexes the corpus and fits the ranker. `responder` searches the index and ranks what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import Input, TrainerType, TrainingEstimate, UserError, hookimpl
from autocakechat.plugins.trainers.retrieval.options import Options, ReplyOptions

if TYPE_CHECKING:
    from autocakechat import Corpus, Responder, RunContext


def inputs(options: Options) -> Sequence[Input]:
    """Checks that the embedder is installed; a training reads no files besides the corpus.

    Raises:
        UserError: It is not.
    """
    if options.embedder != "none" and find_spec(options.embedder) is None:
        raise UserError(
            f"trainer.embedder = {options.embedder!r} needs {options.embedder}",
            "run: pip install 'autocakechat[meaning]'",
        )
    return []


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the replies of a corpus and fits the ranker; see `training.train`."""
    from autocakechat.plugins.trainers.retrieval import training

    return training.train(options, corpus, into, run)


def load(path: Path, reply: ReplyOptions, run: RunContext) -> Responder:
    """Loads a model folder; see `responder.load`."""
    from autocakechat.plugins.trainers.retrieval import responder

    return responder.load(path, reply)


def estimate(replies: int, texts: Sequence[str]) -> TrainingEstimate:
    """Estimates time and quality, from measurements with 6,354 and 33,075 replies."""
    remark = "past replies of the person, word for word; nothing new"
    return TrainingEstimate(seconds=5 + replies / 1000, quality=0.7 * replies / (replies + 200), remark=remark)


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer `retrieval`."""
    yield TrainerType(
        name="retrieval",
        summary="replies with the person's own past reply that fits best",
        config=Options,
        reply=ReplyOptions,
        train=train,
        load=load,
        inputs=inputs,
        requires=("bm25s", "numpy"),
        install="pip install 'autocakechat[retrieval]'",
        estimate=estimate,
    )

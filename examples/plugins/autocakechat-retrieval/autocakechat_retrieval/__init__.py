"""A trainer that retrieves replies: it answers with the person's own best-matching past reply.

`terms` splits text into search terms. `index` indexes every reply of the corpus by the lines around it. `responder`
finds the replies whose lines match a conversation best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs.validators import and_, ge, le, optional

from autocakechat import Corpus, Responder, RunContext, TrainerType, hookimpl, option


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[trainer]`."""

    context_lines: int = option(default=3, check=ge(1), help="Number of lines before a reply that are indexed.")
    k1: float = option(default=0.9, check=ge(0.0), help="BM25 parameter k1: influence of repeated terms.")
    b: float = option(default=0.75, check=and_(ge(0.0), le(1.0)), help="BM25 parameter b: penalty for long lines.")


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    earlier_weight: float = option(
        default=0.3, check=ge(0.0), help="Weight of the lines before the last line; the last line has weight 1."
    )
    answer_weight: float = option(default=0.25, check=ge(0.0), help="Weight of terms that the reply itself contains.")
    choose_among: int = option(default=1, check=ge(1), help="Number of best replies to choose from at random.")
    banned: tuple[str, ...] = option(default=(), help="Words and phrases that never occur in a reply.")
    fallback: str = option(default="🙊", help="Reply if all others are banned.")
    seed: int | None = option(default=None, check=optional(ge(0)), help="Random seed, for reproducible replies.")


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the replies of a corpus; see `index.build`."""
    from autocakechat_retrieval import index

    return index.build(options, corpus, into, run)


def load(path: Path, reply: ReplyOptions, run: RunContext) -> Responder:
    """Loads a model folder; see `responder.Retriever`."""
    from autocakechat_retrieval import index, responder

    return responder.Retriever(index.open_index(path), reply)


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer `retrieval`."""
    yield TrainerType(
        name="retrieval",
        summary="answers with the person's own best-matching past reply (BM25)",
        config=Options,
        reply=ReplyOptions,
        train=train,
        load=load,
        requires=("bm25s", "numpy"),
        install="pip install autocakechat-retrieval",
    )

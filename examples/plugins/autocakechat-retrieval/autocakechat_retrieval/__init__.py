"""A trainer that learns nothing by heart but finds it again: it answers with the person's own best-matching past reply.

The way of the data: `terms` cuts text into what can match, `index` keeps every answer of the corpus under the terms of
the lines around it, `responder` finds the answers whose lines come nearest to those of a conversation.
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

    context_lines: int = option(default=3, check=ge(1), help="lines before an answer that it is found by")
    k1: float = option(default=0.9, check=ge(0.0), help="BM25: how much a word counts that comes again and again")
    b: float = option(default=0.75, check=and_(ge(0.0), le(1.0)), help="BM25: how much long lines are held back")


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    earlier_weight: float = option(
        default=0.3, check=ge(0.0), help="how much the lines before the last one count; the last one counts 1"
    )
    answer_weight: float = option(
        default=0.25, check=ge(0.0), help="how much it counts that an answer itself has words of the last line"
    )
    choose_among: int = option(default=1, check=ge(1), help="best answers of which one is said at random")
    banned: tuple[str, ...] = option(default=(), help="words and phrases never to say")
    fallback: str = option(default="🙊", help="what to say when nothing may be said")
    seed: int | None = option(default=None, check=optional(ge(0)), help="for the same answers every time")


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Indexes the answers of a corpus; see `index.build`."""
    from autocakechat_retrieval import index

    return index.build(options, corpus, into, run)


def load(path: Path, reply: ReplyOptions, run: RunContext) -> Responder:
    """Loads a model folder to answer with; see `responder.Retriever`."""
    from autocakechat_retrieval import index, responder

    return responder.Retriever(index.open_index(path), reply)


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer."""
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

"""Moments that a ranker is fitted on: true replies among others."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b

import attrs

from autocakechat.interface.corpus import Corpus, Utterance
from autocakechat.interface.model import Request
from autocakechat.ranking.features import Candidate
from autocakechat.retrieval.exchanges import Exchange, exchanges_of
from autocakechat.retrieval.reply_index import ReplyIndex, unseen_exchanges

FEWEST_MOMENTS = 50
"""With fewer, weights are not fitted."""

_MOMENTS = 1000
_SHARE_SET_ASIDE = 0.08
_OTHERS = 9
_CONTEXT_LINES = 20  # of a moment; more than the index uses, for repetitions


@attrs.frozen
class Moment:
    """A true reply among others.

    Attributes:
        request: The conversation before it.
        candidates: The true reply, then replies of other dialogs.
        own_dialog: The numbers of the exchanges of its dialog.
    """

    request: Request
    candidates: Sequence[Candidate]
    own_dialog: range


def draw_moments(index: ReplyIndex, corpus: Corpus, seed: int, dialogs: Collection[int] | None) -> Iterator[Moment]:
    """Draws true replies, each with replies of other dialogs.

    Args:
        index: The index of the corpus.
        corpus: The corpus.
        seed: The seed of the draw.
        dialogs: The positions of the dialogs with the true replies; None for all that nothing was learnt from.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    numbers = range(len(index))
    usable = index.unseen if dialogs is None else [*_numbers(corpus, dialogs)]
    # A network knows the replies of the dialogs that it learnt. Other replies must be as strange to it as the true one.
    pool = numbers if dialogs is None else usable
    drawn = set(rng.sample(usable, min(_MOMENTS, len(usable))))
    for _, dialog, own in _numbered(corpus):
        if drawn.isdisjoint(own) or len(own) > len(numbers) // 2:
            continue
        for number, exchange in zip(own, exchanges_of(dialog, _CONTEXT_LINES), strict=True):
            if number in drawn:
                others = _draw_others(index, pool, exchange, own, rng)
                if len(others) == _OTHERS:
                    true = Candidate(exchange.reply, exchange.label, number)
                    yield Moment(Request(exchange.context, exchange.label), [true, *others], own)


def _draw_others(
    index: ReplyIndex, pool: Sequence[int], exchange: Exchange, own: range, rng: random.Random
) -> list[Candidate]:
    """Draws different replies of other dialogs; fewer than asked for if the person has few."""
    others: dict[str, Candidate] = {}
    for number in rng.sample(pool, min(4 * _OTHERS, len(pool))):
        other = index.exchanges[number]
        if number not in own and other.reply != exchange.reply and len(others) < _OTHERS:
            others.setdefault(other.reply, Candidate(other.reply, other.label, number))
    return list(others.values())


def set_aside(corpus: Corpus, by_meaning: bool) -> frozenset[int]:
    """Chooses the dialogs of the training part that a ranker is fitted on and a network does not learn.

    They have about 8 % of the replies, or 1,000. The choice depends on the words of a dialog only, so that a network
    that learnt an earlier version of the corpus does not know them either.

    Args:
        corpus: The corpus.
        by_meaning: Whether the index has an embedder.

    Returns:
        The positions of the dialogs; none if the corpus has so few replies that the weights are not fitted.
    """
    total = sum(len(dialog) // 2 for dialog in corpus.dialogs("train"))
    wanted = min(_MOMENTS, int(_SHARE_SET_ASIDE * total))
    if wanted < FEWEST_MOMENTS:
        return frozenset()
    unseen = unseen_exchanges(total, by_meaning)
    share = wanted / len(unseen)
    return frozenset(
        position for position, dialog, own in _numbered(corpus) if own.start in unseen and _fraction(dialog) < share
    )


def _fraction(dialog: Sequence[Utterance]) -> float:
    """Returns a number from 0 to 1 that depends on the first words of a dialog."""
    first = "\n".join(turn.text for turn in dialog[:2])
    return int.from_bytes(blake2b(first.encode(), digest_size=4).digest(), "big") / 2**32


def _numbered(corpus: Corpus) -> Iterator[tuple[int, Sequence[Utterance], range]]:
    """Yields each dialog with its position and the numbers of its exchanges in the index."""
    start = 0
    for position, dialog in enumerate(corpus.dialogs("train")):
        own = range(start, start + len(dialog) // 2)
        yield position, dialog, own
        start = own.stop


def _numbers(corpus: Corpus, dialogs: Collection[int]) -> Iterator[int]:
    """Yields the numbers of the exchanges of dialogs."""
    for position, _, own in _numbered(corpus):
        if position in dialogs:
            yield from own

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
        is_set_aside: Whether a network learnt none of the candidates.
    """

    request: Request
    candidates: Sequence[Candidate]
    own_dialog: range
    is_set_aside: bool


def draw_moments(
    index: ReplyIndex, corpus: Corpus, seed: int, dialogs: Collection[int] | None = None
) -> Iterator[Moment]:
    """Draws true replies, each with replies of other dialogs.

    Args:
        index: The index of the corpus.
        corpus: The corpus.
        seed: The seed of the draw.
        dialogs: The positions of the dialogs that are set aside; None for all. Moments of other dialogs are drawn if
            these are not enough.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    numbers = range(len(index))
    aside = numbers if dialogs is None else [*_numbers(corpus, dialogs)]
    drawn = _draw(index.unseen, aside, rng)
    for position, dialog, own in _numbered(corpus):
        if drawn.isdisjoint(own) or len(own) > len(numbers) // 2:
            continue
        is_set_aside = dialogs is None or position in dialogs
        for number, exchange in zip(own, exchanges_of(dialog, _CONTEXT_LINES), strict=True):
            if number in drawn:
                # A network prefers what it learnt, so the other replies must be as strange to it as the true one.
                others = _draw_others(index, aside if is_set_aside else numbers, exchange, own, rng)
                if len(others) == _OTHERS:
                    true = Candidate(exchange.reply, exchange.label, number)
                    yield Moment(Request(exchange.context, exchange.label), [true, *others], own, is_set_aside)


def _draw(unseen: range, aside: Sequence[int], rng: random.Random) -> set[int]:
    """Draws the numbers of true replies: those set aside first."""
    first = [number for number in aside if number in unseen]
    drawn = set(rng.sample(first, min(_MOMENTS, len(first))))
    if len(drawn) < min(_MOMENTS, len(unseen)):
        others = sorted(set(unseen).difference(first))
        drawn.update(rng.sample(others, min(_MOMENTS - len(drawn), len(others))))
    return drawn


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

    They have about 8 % of the replies, at most about 1,000. The order in which dialogs are chosen depends on their
    words only, so that a network that learnt an earlier version of the corpus hardly knows them either.

    Args:
        corpus: The corpus.
        by_meaning: Whether the index has an embedder.

    Returns:
        The positions of the dialogs; none if the corpus has so few replies that the weights are not fitted.
    """
    total = sum(len(dialog) // 2 for dialog in corpus.dialogs("train"))
    wanted = min(_MOMENTS, int(_SHARE_SET_ASIDE * total))
    unseen = unseen_exchanges(total, by_meaning)
    in_order = sorted(
        (_order(dialog), position, len(own))
        for position, dialog, own in _numbered(corpus)
        if own.start in unseen and len(own) <= wanted
    )
    chosen = set()
    replies = 0
    for _, position, of_dialog in in_order:
        if replies >= wanted:
            break
        chosen.add(position)
        replies += of_dialog
    return frozenset(chosen) if replies >= FEWEST_MOMENTS else frozenset()


def _order(dialog: Sequence[Utterance]) -> bytes:
    """Returns bytes that depend on the first words of a dialog, to sort dialogs in an order without meaning."""
    return blake2b("\n".join(turn.text for turn in dialog[:2]).encode(), digest_size=8).digest()


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

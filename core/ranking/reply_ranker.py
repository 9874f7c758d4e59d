"""The ranker: orders candidate replies by weighted features, and tells why."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import Request
from autocakechat.interface.run_context import OpenProgress
from autocakechat.ranking.features import Candidate, CandidateFeatures, MoreFeatures, no_more_features
from autocakechat.ranking.rules import is_allowed
from autocakechat.ranking.weights import DEFAULT_WEIGHTS, RankerWeights
from autocakechat.retrieval.exchanges import Exchange, exchanges_of
from autocakechat.retrieval.reply_index import ReplyIndex

_MOMENTS = 1000
_FEWEST_MOMENTS = 50
_OTHERS = 9
_PAST_MESSAGE = "once answered a similar message"
_PAST_MESSAGE_WEIGHT = 5.0
_CONTEXT_LINES = 20  # of a moment; more than the index uses, for repetitions


@attrs.frozen
class RankedReply:
    """A candidate with its score.

    Attributes:
        text: The candidate.
        score: How well it fits; the higher, the better. Scores are compared within one context only.
        reasons: What each feature adds to the score.
    """

    text: str
    score: float
    reasons: Mapping[str, float]


class ReplyRanker:
    """Orders candidate replies by how well they fit.

    Args:
        index: The person's past replies.
        weights: The weights of the features.
        more: Computes further features of the candidates, such as the log probability of a network.
    """

    def __init__(self, index: ReplyIndex, weights: RankerWeights, more: MoreFeatures = no_more_features) -> None:
        self.weights = weights
        self._features = CandidateFeatures(index, more)

    @classmethod
    def open(cls, index: ReplyIndex, file: Path, more: MoreFeatures = no_more_features) -> ReplyRanker:
        """Opens a ranker that `save` wrote."""
        return cls(index, RankerWeights.read(file), more)

    @classmethod
    def fit(
        cls,
        index: ReplyIndex,
        corpus: Corpus,
        seed: int,
        progress: OpenProgress,
        more: MoreFeatures = no_more_features,
    ) -> ReplyRanker:
        """Fits the weights on the training part of a corpus: which of ten replies did the person give here?

        The index ignores the dialog that a reply is from, so that it does not find the reply itself, and the map to
        replies was fitted on others. A network that computes further features must not have learnt these dialogs.

        Args:
            index: The index of this part of the corpus.
            corpus: The corpus.
            seed: The seed of the draw of replies.
            progress: Opens a progress display.
            more: Computes further features.

        Returns:
            The ranker. It has default weights if there are too few replies.
        """
        moments = list(_draw_moments(index, corpus, seed))
        if len(moments) < _FEWEST_MOMENTS:
            return cls(index, DEFAULT_WEIGHTS, more)
        features = CandidateFeatures(index, more)
        columns = []
        with progress("learning to rank", total=len(moments)) as display:
            for moment in moments:
                columns.append(features.columns(moment.request, moment.candidates, moment.own_dialog))
                display.advance()
        return cls(index, RankerWeights.fit(columns), more)

    def save(self, file: Path) -> None:
        """Writes the weights as a table in JSON."""
        self.weights.write(file)

    def rank(self, request: Request, candidates: Sequence[Candidate]) -> list[RankedReply]:
        """Scores candidates; they stay in order.

        Args:
            request: The conversation.
            candidates: The candidates.
        """
        if not candidates:
            return []
        contributions = self.weights.contributions(self._features.columns(request, candidates))
        similar = self._features.past_message(request, candidates)
        reasons = [
            found | {_PAST_MESSAGE: _PAST_MESSAGE_WEIGHT * likeness}
            for found, likeness in zip(contributions, similar, strict=True)
        ]
        return [
            RankedReply(candidate.text, math.fsum(found.values()), found)
            for candidate, found in zip(candidates, reasons, strict=True)
        ]

    def best(self, request: Request, candidates: Sequence[Candidate]) -> list[RankedReply]:
        """Returns the candidates that may be sent, best first, each text once.

        A candidate may not be sent if it repeats the message or what the bot said before, or contains a placeholder of
        masked data.
        """
        distinct = {found.text: found for found in reversed(candidates)}
        allowed = [found for found in distinct.values() if is_allowed(found.text, request.context)]
        return sorted(self.rank(request, allowed), key=lambda found: -found.score)


@attrs.frozen
class _Moment:
    """A true reply among others.

    Attributes:
        request: The conversation before it.
        candidates: The true reply, then replies of other dialogs.
        own_dialog: The numbers of the exchanges of its dialog.
    """

    request: Request
    candidates: Sequence[Candidate]
    own_dialog: range


def _draw_moments(index: ReplyIndex, corpus: Corpus, seed: int) -> Iterator[_Moment]:
    """Draws true replies, each with replies of other dialogs."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    numbers = range(len(index))
    drawn = set(rng.sample(index.unseen, min(_MOMENTS, len(index.unseen))))
    start = 0
    for dialog in corpus.dialogs("train"):
        own = range(start, start + len(dialog) // 2)
        start = own.stop
        if drawn.isdisjoint(own) or len(own) > len(numbers) // 2:
            continue
        for number, exchange in zip(own, exchanges_of(dialog, _CONTEXT_LINES), strict=True):
            if number in drawn:
                others = _draw_others(index, exchange, own, rng)
                if len(others) == _OTHERS:
                    true = Candidate(exchange.reply, exchange.label, number)
                    yield _Moment(Request(exchange.context, exchange.label), [true, *others], own)


def _draw_others(index: ReplyIndex, exchange: Exchange, own: range, rng: random.Random) -> list[Candidate]:
    """Draws different replies of other dialogs; fewer than asked for if the person has few."""
    others: dict[str, Candidate] = {}
    for number in rng.sample(range(len(index)), min(4 * _OTHERS, len(index))):
        other = index.exchanges[number]
        if number not in own and other.reply != exchange.reply and len(others) < _OTHERS:
            others.setdefault(other.reply, Candidate(other.reply, other.label, number))
    return list(others.values())

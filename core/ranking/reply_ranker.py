"""The ranker: orders candidate replies by weighted features, and tells why."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import attrs
import msgspec

from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import Request
from autocakechat.interface.run_context import OpenProgress
from autocakechat.ranking.features import OVERLAP, Candidate, CandidateFeatures, MoreFeatures, no_more_features
from autocakechat.ranking.moments import FEWEST_MOMENTS, Moment, draw_moments
from autocakechat.ranking.overlap import Choice, fit_penalty
from autocakechat.ranking.rules import is_allowed
from autocakechat.ranking.weights import DEFAULT_WEIGHTS, RankerWeights
from autocakechat.retrieval.reply_index import ReplyIndex

_PAST_MESSAGE = "once answered a similar message"
_PAST_MESSAGE_WEIGHT = 5.0
_OVERLAP = "repeats words of the last lines"
_CHOICES = 200


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
        self._index = index
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
        dialogs: Collection[int] | None = None,
    ) -> ReplyRanker:
        """Fits the weights on the training part of a corpus: which of ten replies did the person give here?

        The index ignores the dialog that a reply is from, so that it does not find the reply itself, and the map to
        replies was fitted on others. A network that computes further features must not have learnt these dialogs; see
        `set_aside`.

        Args:
            index: The index of this part of the corpus.
            corpus: The corpus.
            seed: The seed of the draw of replies.
            progress: Opens a progress display.
            more: Computes further features.
            dialogs: The positions of the dialogs that are set aside; None for all. If these are few, the weights of the
                features of the index are fitted on others, too.

        Returns:
            The ranker. It has default weights if there are too few replies.
        """
        moments = list(draw_moments(index, corpus, seed, dialogs))
        if len(moments) < FEWEST_MOMENTS:
            return cls(index, DEFAULT_WEIGHTS, more)
        features = CandidateFeatures(index, more)
        columns = []
        with progress("learning to rank", total=len(moments)) as display:
            for moment in moments:
                known = features.columns(moment.request, moment.candidates, moment.own_dialog)
                further = features.more_columns(moment.request, moment.candidates) if moment.is_set_aside else {}
                columns.append({**known, **further})
                display.advance()
        ranker = cls(index, RankerWeights.fit(columns), more)
        chosen = moments[:: -(-len(moments) // _CHOICES)]
        penalty = fit_penalty([choice for moment in chosen if (choice := ranker._choice(moment))])
        return cls(index, msgspec.structs.replace(ranker.weights, overlap_penalty=penalty), more)

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
        columns = self._features.columns(request, candidates)
        return self._with_more(request, candidates, self._known_reasons(request, candidates, columns))

    def best(self, request: Request, candidates: Sequence[Candidate], limit: int = 10) -> list[RankedReply]:
        """Returns the best candidates that may be sent, best first, each text once.

        A candidate may not be sent if it repeats the message or what the bot said before, contains a placeholder of
        masked data, or names another person whom the conversation does not mention. Candidates with the requested label
        come before others. Sharing words with the last lines counts a little less than in `rank`, so that the best one
        does not share more than the person's replies do. The further features are computed only for those that are best
        by the other ones.

        Args:
            request: The conversation.
            candidates: The candidates.
            limit: The largest number to return.
        """
        distinct = {found.text: found for found in reversed(candidates)}
        allowed = [found for found in distinct.values() if is_allowed(found.text, request.context, self._index.names)]
        if not allowed:
            return []
        columns = self._features.columns(request, allowed)
        penalty = self.weights.overlap_penalty
        reasons = [
            found | {_OVERLAP: 0.0 - penalty * overlap}
            for found, overlap in zip(self._known_reasons(request, allowed, columns), columns[OVERLAP], strict=True)
        ]
        order = sorted(range(len(allowed)), key=lambda place: _order(request, allowed[place], reasons[place]))[:limit]
        short_list = [allowed[place] for place in order]
        ranked = self._with_more(request, short_list, [reasons[place] for place in order])
        pairs = zip(short_list, ranked, strict=True)
        return [found for _, found in sorted(pairs, key=lambda pair: _order(request, pair[0], pair[1].reasons))]

    @staticmethod
    def choose(ranked: Sequence[RankedReply], temperature: float, rng: random.Random) -> RankedReply:
        """Draws one of several ranked replies: its probability is the softmax of the scores divided by the temperature.

        Args:
            ranked: The replies, best first; at least one.
            temperature: 0 chooses the first.
            rng: The random numbers.
        """
        if not temperature:
            return ranked[0]
        highest = max(found.score for found in ranked)
        (chosen,) = rng.choices(ranked, [math.exp((found.score - highest) / temperature) for found in ranked])
        return chosen

    def _choice(self, moment: Moment) -> Choice | None:
        """Returns what a bot would choose from at a moment; None if it finds nothing."""
        request = moment.request
        matches = self._index.search(request.context, without=moment.own_dialog)
        found = map(Candidate.from_match, matches)
        allowed = [candidate for candidate in found if is_allowed(candidate.text, request.context, self._index.names)]
        if not allowed:
            return None
        candidates = [moment.candidates[0], *allowed]
        columns = self._features.columns(request, candidates, moment.own_dialog)
        reasons = self._known_reasons(request, candidates, columns)
        scores = [math.fsum(reason.values()) for reason in reasons]
        own, *others = columns[OVERLAP]
        return Choice(scores[1:], others, own)

    def _known_reasons(
        self, request: Request, candidates: Sequence[Candidate], columns: Mapping[str, Sequence[float]]
    ) -> list[dict[str, float]]:
        """Returns what each feature adds to the score of each candidate, without the further features."""
        contributions = self.weights.contributions(columns)
        similar = self._features.past_message(request, candidates)
        return [
            found | {_PAST_MESSAGE: _PAST_MESSAGE_WEIGHT * likeness}
            for found, likeness in zip(contributions, similar, strict=True)
        ]

    def _with_more(
        self, request: Request, candidates: Sequence[Candidate], reasons: Sequence[Mapping[str, float]]
    ) -> list[RankedReply]:
        """Scores candidates by the reasons that are known and the further features."""
        columns = self._features.more_columns(request, candidates)
        more = self.weights.contributions(columns) or [{}] * len(candidates)
        all_reasons = [{**known, **further} for known, further in zip(reasons, more, strict=True)]
        return [
            RankedReply(candidate.text, math.fsum(found.values()), found)
            for candidate, found in zip(candidates, all_reasons, strict=True)
        ]


def _order(request: Request, candidate: Candidate, reasons: Mapping[str, float]) -> tuple[bool, float]:
    """Returns the key that sorts candidates: those with the requested label first, then by their score."""
    return candidate.label != request.emotion, -math.fsum(reasons.values())

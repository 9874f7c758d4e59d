"""What a network says about candidates: features for the ranker.

With context x, reply y and a mean context x', the features are

    log p(y | x) - log p(y | x')      what the reply gains from its context: pointwise mutual information, if x' were
                                      all contexts
    log p(x | y)                      by the reverse network, if there is one

x' is the mean of the thought vectors of many contexts, so that one more pass of the decoder takes the place of many.
Both probabilities are among the most frequent tokens only. The output layer of a large vocabulary would take nearly all
of the time of a reply, and what is left out is nearly the same in both contexts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autocakechat import Exchange, Request
from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.context_encoder import ContextEncoder
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import swap_context_and_response
from autocakechat.plugins.trainers.cakechat.inference.text_arrays import context_arrays, reply_array
from autocakechat.plugins.trainers.cakechat.inference.token_rules import TokenRules
from autocakechat.plugins.trainers.cakechat.network.model_files import Model
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer

GAIN = "is likelier here, by the network"
MESSAGE_GAIN = "leads to the message, by the reverse network"

_FREQUENT_TOKENS = 2048
_CONTEXTS = 256


class NetworkFeatures:
    """Computes the features of a network.

    Args:
        model: The model.
        mean_thought: (thought size,) the mean thought vector of many contexts; see `mean_thought`.
        encoder: Encodes contexts.
    """

    def __init__(self, model: Model, mean_thought: Floats, encoder: ContextEncoder) -> None:
        self._model = model
        self._encoder = encoder
        self._mean_thought = mean_thought
        self._packer = model.batcher.packer
        self._rules = TokenRules.from_vocabulary(model.vocabulary)
        self._scorer = Scorer(model.network, model.vocabulary.pad, _FREQUENT_TOKENS)
        self._reverse = None
        if model.reverse is not None:
            self._reverse = Scorer(model.reverse, model.vocabulary.pad, _FREQUENT_TOKENS)

    def __call__(self, request: Request, candidates: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Computes the features of candidates: one value per candidate by the name of the feature."""
        replies = reply_array(self._model, candidates)
        condition = np.full(len(candidates), self._model.conditions.id(request.emotion), np.int32)
        (thought,) = self._encoder.encode([request.context])
        columns = {GAIN: self._gains(thought, condition, replies).tolist()}
        if self._reverse:
            lines, context = context_arrays(self._model, [request.context])
            columns[MESSAGE_GAIN] = self._message_gains(self._reverse, lines[context], condition, replies).tolist()
        return columns

    def _gains(self, thought: Floats, condition: Ints, replies: Ints) -> Floats:
        """Returns what replies gain from a context: (replies,)."""
        number = len(replies)
        thoughts = np.repeat(np.stack([thought, self._mean_thought]), number, axis=0)
        packed = self._packer.pack_replies(np.tile(condition, 2), np.tile(replies, (2, 1)))
        log_p, _ = self._scorer.score_replies(thoughts, packed)
        gains: Floats = log_p[:number] - log_p[number:]
        return gains

    def _message_gains(self, reverse: Scorer, context: Ints, condition: Ints, replies: Ints) -> Floats:
        """Returns how likely replies make the last line of a context, compared with their mean: (replies,)."""
        contexts = np.repeat(context, len(replies), axis=0)
        swapped, messages = swap_context_and_response(contexts, replies, self._rules, self._packer)
        batch = self._packer.pack_batch(self._packer.pack_context_ids(swapped), condition, messages)
        log_p, _ = reverse.score(batch)
        gains: Floats = log_p - log_p.mean()
        return gains


def mean_thought(model: Model, exchanges: Sequence[Exchange]) -> Floats:
    """Returns the mean thought vector of contexts at equal distances: (thought size,)."""
    chosen = range(0, len(exchanges), -(-len(exchanges) // _CONTEXTS))
    thoughts = ContextEncoder(model).encode([exchanges[number].context for number in chosen])
    mean: Floats = thoughts.mean(axis=0)
    return mean

"""What holds for every answer, and what is known of each token when answers are looked for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

UNPENALISED = frozenset(["a", "an", "the", "*", ".", ",", "?", "!", "'", '"', "^", "`", "\n"])
"""Tokens that may be said again and again."""


@attrs.frozen(kw_only=True)
class DecodingOptions:
    """What holds for every answer.

    Attributes:
        max_tokens: Longest answer, without the start token.
        temperature: What logits are divided by when answers are drawn.
        repetition_penalty: What the probability of a token is divided by once it is said, at temperature 1.
    """

    max_tokens: int
    temperature: float
    repetition_penalty: float

    @property
    def penalty(self) -> float:
        """What is taken from the log-probability of a token once it is said."""
        return float(np.log(self.repetition_penalty))


@attrs.frozen(eq=False)
class TokenRules:
    """What is known of each token when answers are looked for.

    Attributes:
        start: Id of the start token.
        end: Id of the end token.
        pad: Id of the pad token.
        logit_bias: (vocabulary,) minus infinity for tokens never to be said, zero for others.
        penalty_mask: (vocabulary,) 1 for tokens that become less likely once they are said, 0 for others.
    """

    start: int
    end: int
    pad: int
    logit_bias: np.ndarray[Any, Any]
    penalty_mask: np.ndarray[Any, Any]

    @classmethod
    def from_vocabulary(
        cls, vocabulary: Vocabulary, banned: Collection[str] = (), plain: Callable[[str], str] = lambda token: token
    ) -> TokenRules:
        """Looks the tokens of a vocabulary up.

        Args:
            vocabulary: The vocabulary.
            banned: Plain tokens never to be said; the unknown token is one anyway.
            plain: What tokens are called in `banned`.
        """
        tokens = [plain(token) for token in vocabulary.tokens]
        unsayable = {vocabulary.tokens[vocabulary.unknown], *banned}
        return cls(
            start=vocabulary.start,
            end=vocabulary.end,
            pad=vocabulary.pad,
            logit_bias=np.array([-np.inf if token in unsayable else 0.0 for token in tokens], np.float32),
            penalty_mask=np.array([token not in UNPENALISED for token in tokens], np.float32),
        )

    def apply_repetition_penalty(self, logits: Tensor, said: Tensor, penalty: Tensor) -> Tensor:
        """Takes the penalty from the logits of tokens that were said.

        Args:
            logits: (rows, vocabulary).
            said: (rows, tokens) ids.
            penalty: What to take.

        Returns:
            (rows, vocabulary).
        """
        rows, tokens = tf.unstack(tf.shape(said))
        said = tf.reshape(said, [-1])
        places = tf.stack([tf.repeat(tf.range(rows), tokens), said], 1)
        lowered = tf.gather_nd(logits, places) - penalty * tf.gather(self.penalty_mask, said)
        return tf.tensor_scatter_nd_update(logits, places, lowered)  # a token said twice is lowered once

"""Decoding options, and the rules that decoding applies to the logits: banned tokens and the repetition penalty."""

from __future__ import annotations

from collections.abc import Callable, Collection

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary

UNPENALISED = frozenset(["a", "an", "the", "*", ".", ",", "?", "!", "'", '"', "^", "`", "\n"])
"""Tokens that a reply may repeat without a penalty."""


@attrs.frozen(kw_only=True)
class DecodingOptions:
    """The options of a decoding call.

    Attributes:
        max_tokens: Maximum number of tokens of a reply, without the start token.
        temperature: T in softmax(l / T); only sampling uses it.
        repetition_penalty: The factor by which the probability of a token is divided once the reply contains it, at
            T = 1 and before renormalisation. This is a presence penalty: log(penalty) is subtracted from the logit
            once, however often the token occurs. CTRL's penalty (Keskar et al. 2019, arXiv 1909.05858) divides the
            logit instead.
    """

    max_tokens: int
    temperature: float
    repetition_penalty: float

    @property
    def log_penalty(self) -> float:
        """The natural logarithm of the repetition penalty."""
        return float(np.log(self.repetition_penalty))


@attrs.frozen(eq=False)
class TokenRules:
    """The service tokens of a vocabulary, and the changes to the logits of its tokens.

    Attributes:
        start: Id of the start token.
        end: Id of the end token.
        pad: Id of the pad token.
        banned: (banned tokens,) ids of the tokens that are never generated.
        penalty_mask: (vocabulary,) 1 for tokens that the repetition penalty applies to, 0 for others.
        sampled: The number of tokens, by rising id, that sampling draws from; None for all.
    """

    start: int
    end: int
    pad: int
    banned: Ints
    penalty_mask: Floats
    sampled: int | None = None

    @classmethod
    def from_vocabulary(
        cls,
        vocabulary: Vocabulary,
        banned: Collection[str] = (),
        normalise_token: Callable[[str], str] = lambda token: token,
        sampled: int | None = None,
    ) -> TokenRules:
        """Makes the rules of a vocabulary. The unknown token is always banned.

        Args:
            vocabulary: The vocabulary.
            banned: Other banned tokens, in their normalised form.
            normalise_token: Returns the normalised form of a token, in which it is looked up in `banned` and
                `UNPENALISED`.
            sampled: The number of the most frequent tokens that sampling draws from; None for all. Ids are ordered by
                frequency. A vocabulary whose end token is not among them is used as a whole.
        """
        if sampled is not None and not vocabulary.end < sampled < len(vocabulary):
            sampled = None
        tokens = [normalise_token(token) for token in vocabulary.tokens]
        banned = {vocabulary.tokens[vocabulary.unknown], *banned}
        return cls(
            start=vocabulary.start,
            end=vocabulary.end,
            pad=vocabulary.pad,
            banned=np.array([token_id for token_id, token in enumerate(tokens) if token in banned], np.int32),
            penalty_mask=np.array([token not in UNPENALISED for token in tokens], np.float32),
            sampled=sampled,
        )

    def apply(self, logits: Floats, previous: Ints, log_penalty: float) -> None:
        """Applies the rules to logits, in place: banned tokens become -inf, and repetitions are penalised.

            l'_v = l_v - log(penalty) m_v  if v is one of y_1 .. y_{t-1}, where m is the penalty mask

        Args:
            logits: (rows, tokens) l of all tokens or the first ones; l' afterwards.
            previous: (rows, tokens) ids of y_1 .. y_{t-1}.
            log_penalty: log(penalty).
        """
        rows = np.arange(len(logits))[:, None]
        # Overwrites logits instead of subtracting from them, so a token that occurs twice is penalised once.
        logits[rows, previous] = logits[rows, previous] - log_penalty * self.penalty_mask[previous]
        logits[:, self.banned[self.banned < logits.shape[1]]] = -np.inf

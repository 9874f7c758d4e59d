"""Vocabulary and conditions: the strings behind the ids in the network's arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

SERVICE_TOKENS = ("_pad_", "_unk_", "_start_", "_end_")
"""Tokens of the original CakeChat for padding, unknown tokens, and the start and the end of a reply."""

NEUTRAL = "neutral"
"""The default condition."""

Variants = Callable[[str], Iterable[str]]


class Vocabulary:
    """Tokens and their ids.

    Args:
        tokens: The token of each id. The service tokens may have any ids.
        variants: Returns replacements for an out-of-vocabulary token, the nearest first.

    Attributes:
        tokens: The token of each id.
        pad: Id of the pad token.
        unknown: Id of the token that replaces out-of-vocabulary tokens.
        start: Id of the token at the start of a reply.
        end: Id of the token at the end of a reply.

    Raises:
        KeyError: A service token is missing.
    """

    def __init__(self, tokens: Sequence[str], variants: Variants = lambda token: ()) -> None:
        self.tokens = tuple(tokens)
        self._variants = variants
        self._ids = {token: token_id for token_id, token in enumerate(self.tokens)}
        self.pad, self.unknown, self.start, self.end = (self._ids[token] for token in SERVICE_TOKENS)

    @classmethod
    def from_counts(
        cls, counts: Counter[str], limit: int, min_count: int, variants: Variants = lambda token: ()
    ) -> Vocabulary:
        """Builds a vocabulary of the most frequent tokens.

        Args:
            counts: Occurrences of each token. Service tokens that occur in the text are ignored.
            limit: Maximum size of the vocabulary, service tokens included.
            min_count: Minimum occurrences of a token. The occurrences of rarer tokens count for their first variant.
            variants: Returns replacements for an out-of-vocabulary token, the nearest first.

        Returns:
            Service tokens first, then tokens by falling frequency, ties in code point order.
        """
        counts = counts.copy()
        for token, count in list(counts.items()):
            variant = next(iter(variants(token)), token)
            if count < min_count and variant != token:
                counts[variant] += count
        frequent = [token for token, count in counts.items() if count >= min_count and token not in SERVICE_TOKENS]
        frequent.sort(key=lambda token: (-counts[token], token))
        return cls([*SERVICE_TOKENS, *frequent[: max(0, limit - len(SERVICE_TOKENS))]], variants)

    def with_tokens(self, tokens: Sequence[str]) -> Vocabulary:
        """Returns a vocabulary with more tokens appended; existing ids do not change."""
        return Vocabulary([*self.tokens, *tokens], self._variants)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Returns the id of each token, or of its first known variant, or else of the unknown token.

        Service tokens in the text become the unknown token.
        """
        return [self._id(token) for token in tokens]

    def _id(self, token: str) -> int:
        if token not in SERVICE_TOKENS:
            for candidate in (token, *self._variants(token)):
                if candidate in self._ids:
                    return self._ids[candidate]
        return self.unknown

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Returns the tokens of a reply: up to the first end or pad token, without service tokens."""
        tokens = []
        for token_id in ids:
            if token_id in (self.end, self.pad):
                break
            if self.tokens[token_id] not in SERVICE_TOKENS:
                tokens.append(self.tokens[token_id])
        return tokens


class Conditions:
    """The conditions of a network, which the corpus calls labels.

    Args:
        labels: The label of each condition id.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._ids = {label: condition_id for condition_id, label in enumerate(self.labels)}

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> Conditions:
        """Numbers the labels of a corpus; `neutral` is always included and is first."""
        return cls([NEUTRAL, *sorted(set(labels) - {NEUTRAL})])

    def id(self, label: str) -> int:
        """Returns the id of a label, or that of `neutral` if the label is unknown."""
        return self._ids.get(label, self._ids.get(NEUTRAL, 0))

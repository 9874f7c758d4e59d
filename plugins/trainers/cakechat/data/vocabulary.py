"""The vocabulary: what stands for what in the arrays of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

PAD, UNKNOWN, START, END = SERVICE_TOKENS = ("_pad_", "_unk_", "_start_", "_end_")

NEUTRAL = "neutral"


Variants = Callable[[str], Iterable[str]]


class Vocabulary:
    """Tokens and their ids.

    Args:
        tokens: The token of each id; the service tokens are among them, anywhere.
        variants: What may stand for a token that is not among them.

    Attributes:
        tokens: The token of each id.
        pad: Id of what fills lines up.
        unknown: Id of what stands for all other tokens.
        start: Id of what begins an answer.
        end: Id of what ends one.
    """

    def __init__(self, tokens: Sequence[str], variants: Variants = lambda token: ()) -> None:
        self.tokens = tuple(tokens)
        self._variants = variants
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        self.pad, self.unknown, self.start, self.end = (self._ids[token] for token in SERVICE_TOKENS)

    @classmethod
    def from_counts(
        cls, counts: Counter[str], limit: int, min_count: int, variants: Variants = lambda token: ()
    ) -> Vocabulary:
        """Makes a vocabulary of the most frequent tokens.

        Args:
            counts: How often each token occurs. The service tokens themselves are no words even if somebody wrote them.
            limit: Most tokens to know, service tokens included.
            min_count: How often a token must occur to be known. Rarer ones count for their first variant.
            variants: What may stand for a token that the vocabulary lacks.

        Returns:
            Service tokens first, then the most frequent; equally frequent ones in the order of the alphabet.
        """
        counts = counts.copy()
        for token, count in list(counts.items()):
            variant = next(iter(variants(token)), token)
            if count < min_count and variant != token:
                counts[variant] += count
        words = [token for token, count in counts.items() if count >= min_count and token not in SERVICE_TOKENS]
        words.sort(key=lambda token: (-counts[token], token))
        return cls([*SERVICE_TOKENS, *words[: max(0, limit - len(SERVICE_TOKENS))]], variants)

    def with_tokens(self, tokens: Sequence[str]) -> Vocabulary:
        """Returns a vocabulary that has more tokens behind its own, whose ids stay what they are."""
        return Vocabulary([*self.tokens, *tokens], self._variants)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Returns the id of each token: of a variant if it lacks the token itself, of the unknown token if all fails.

        What somebody wrote is never a service token.
        """
        return [self._id(token) for token in tokens]

    def _id(self, token: str) -> int:
        if token not in SERVICE_TOKENS:
            for known in (token, *self._variants(token)):
                if known in self._ids:
                    return self._ids[known]
        return self.unknown

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Returns the token of each id up to the end of the answer, without service tokens."""
        words = []
        for number in ids:
            if number in (self.end, self.pad):
                break
            if self.tokens[number] not in SERVICE_TOKENS:
                words.append(self.tokens[number])
        return words


class Conditions:
    """The labels an answer can be given with.

    Args:
        labels: The label of each id.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._ids = {label: number for number, label in enumerate(self.labels)}

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> Conditions:
        """Makes the labels of a corpus, `neutral` first and always there."""
        return cls([NEUTRAL, *sorted(set(labels) - {NEUTRAL})])

    def id(self, label: str) -> int:
        """Returns the id of a label; that of `neutral` for one it does not know."""
        return self._ids.get(label, self._ids.get(NEUTRAL, 0))

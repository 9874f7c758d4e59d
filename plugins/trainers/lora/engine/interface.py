"""The interface of engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs


@attrs.frozen
class Sampling:
    """How replies are sampled.

    Attributes:
        temperature: Divides the logits; 0 always takes the most likely token.
        min_p: Tokens less likely than this share of the most likely one are never drawn.
        repetition_penalty: Factor by which the tokens of the reply so far become less likely; 1 for none.
        max_tokens: Maximum number of tokens of a reply.
        seed: The seed of the draw. The same prompts, sampling and seed give the same replies on one machine.
    """

    temperature: float
    min_p: float
    repetition_penalty: float
    max_tokens: int
    seed: int


class Engine(Protocol):
    """Runs a base with an adapter."""

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """Generates one reply to each prompt. Equal prompts get independent draws.

        Args:
            prompts: Texts of `prompts.prompt.build_prompt`. Special tokens in them are parsed.
            sampling: How to sample.

        Returns:
            One reply per prompt, without its end token.
        """
        ...

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[float]]:
        """Computes log p of replies.

        Args:
            prompts: Texts of `prompts.prompt.build_prompt`.
            replies: For each prompt, any number of replies without special tokens. A reply that is too long for the
                window is cut.

        Returns:
            For each prompt, one number per reply: the sum of log p of its tokens and its end token, in nats.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of texts. Special tokens in them are not parsed."""
        ...

    def close(self) -> None:
        """Frees the memory of the model."""
        ...

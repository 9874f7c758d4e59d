"""The interface of engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from autocakechat import Score


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
            prompts: Texts of `prompts.prompt.PromptBuilder`. Special tokens in them are parsed.
            sampling: How to sample.

        Returns:
            One reply per prompt, without its end token.
        """
        ...

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes log p of replies, each with its end token.

        A reply and its prompt are made to fit into the window by `fit_into_window`.

        Args:
            prompts: Texts of `prompts.prompt.PromptBuilder`.
            replies: For each prompt, any number of replies without special tokens.

        Returns:
            For each prompt, one score per reply, in nats. It counts the tokens that were scored.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of texts. Special tokens in them are not parsed."""
        ...

    def count_prompt_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of prompts or parts of them. Special tokens in them are parsed."""
        ...

    def close(self) -> None:
        """Frees the memory of the model."""
        ...


def fit_into_window(prompt: int, reply: int, window: int) -> tuple[int, int]:
    """Divides a window between a prompt and a reply: the reply comes first, but half of the window is the prompt's.

    Args:
        prompt: The number of tokens of the prompt.
        reply: The number of tokens of the reply and its end.
        window: The maximum number of tokens of both.

    Returns:
        How many tokens to keep: the last ones of the prompt, and the first ones of the reply.
    """
    kept = min(prompt, max(window - reply, window // 2))
    return kept, min(reply, window - kept)

"""Draws tokens from logits: repetition penalty, temperature, min-p."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autocakechat.plugins.trainers.lora.engine.interface import Sampling

if TYPE_CHECKING:
    import torch


class TokenSampler:
    """Draws the tokens of several replies. The draws of a reply do not depend on the other replies.

    Args:
        sampling: How to sample.
        rows: The number of replies.
        first: The number of the first reply in the whole batch; each number has its own random draws.

    Attributes:
        drawn: The tokens of each reply so far, without the end token.
    """

    def __init__(self, sampling: Sampling, rows: int, first: int) -> None:
        import torch

        self.drawn: list[list[int]] = [[] for _ in range(rows)]
        self._sampling = sampling
        self._ended = [False] * rows
        self._generators = [
            torch.Generator().manual_seed((sampling.seed + 1_000_003 * (first + row)) % 2**63) for row in range(rows)
        ]

    @property
    def all_ended(self) -> bool:
        """Whether every reply has its end token."""
        return all(self._ended)

    def draw(self, logits: torch.Tensor, end: int) -> torch.Tensor:
        """Draws the next token of each reply.

        Args:
            logits: The logits, shape (rows, vocabulary).
            end: The end token. A reply that has ended gets it again.

        Returns:
            The tokens, on the device of the logits.
        """
        import torch

        chosen = [
            end if ended else self._draw(row, generator, tokens)
            for row, generator, tokens, ended in zip(
                logits.float().cpu(), self._generators, self.drawn, self._ended, strict=True
            )
        ]
        for number, token in enumerate(chosen):
            if token == end:
                self._ended[number] = True
            else:
                self.drawn[number].append(token)
        return torch.tensor(chosen, device=logits.device)

    def _draw(self, logits: torch.Tensor, generator: torch.Generator, drawn: list[int]) -> int:
        import torch

        sampling = self._sampling
        if drawn and sampling.repetition_penalty != 1:
            used = torch.tensor(sorted(set(drawn)))
            values = logits[used]
            penalty = sampling.repetition_penalty
            logits[used] = torch.where(values > 0, values / penalty, values * penalty)
        if not sampling.temperature:
            return int(logits.argmax())
        p = (logits / sampling.temperature).softmax(-1)
        p[p < sampling.min_p * p.max()] = 0.0
        return int(torch.multinomial(p, 1, generator=generator))

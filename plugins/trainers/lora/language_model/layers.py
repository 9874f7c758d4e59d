"""Layers for training, faster on processors than those of the libraries. Imports torch: import this module on use."""

from __future__ import annotations

from typing import Any

import torch

_CHUNK = 1 << 20
"""Logits that are handled at once: few enough to stay in the cache of a processor."""


class VariationalDropout(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """Drops the same features at every token of a row: x * m / (1 - p), with m ~ Bernoulli(1 - p).

    A mask for each token would take a fifth of the time of a training on a processor, for its random numbers.

    Args:
        rate: The share of features that are dropped, p.

    Source: Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Drops features of inputs, in training only.

        Args:
            inputs: Shape (rows, width, features). Some architectures pass (tokens, features): each token has its mask.
        """
        if not self.training:
            return inputs
        mask = torch.empty_like(inputs[:, :1] if inputs.dim() > 2 else inputs).bernoulli_(1 - self._rate)
        return inputs * mask.div_(1 - self._rate)


class CrossEntropy(torch.autograd.Function):  # type: ignore[misc,unused-ignore]
    """Computes -log softmax(z)_t of each row z of logits; dL/dz = softmax(z) - one_hot(t).

    The logits are the largest tensor of a training. They are read in chunks, and only dL/dz is kept.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Computes the losses in float32.

        Args:
            ctx: Keeps dL/dz.
            logits: z, shape (rows, tokens).
            targets: t, shape (rows,).

        Returns:
            Shape (rows,).
        """
        losses = logits.new_empty(len(logits), dtype=torch.float32)
        derivative = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        rows = max(1, _CHUNK // logits.shape[1])
        for start in range(0, len(logits), rows):
            part = slice(start, start + rows)
            places = targets[part, None]
            log_p = logits[part].log_softmax(1, dtype=torch.float32)
            losses[part] = -log_p.gather(1, places)[:, 0]
            if derivative is not None:  # the difference is rounded, and not the softmax: it is small for a likely token
                derivative[part] = log_p.exp_().scatter_add_(1, places, log_p.new_full(places.shape, -1.0))
        ctx.save_for_backward(derivative)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Computes the gradient of the logits, in place of dL/dz: it can be computed only once."""
        (derivative,) = ctx.saved_tensors
        (gradient,) = gradients
        return derivative.mul_(gradient[:, None].to(derivative.dtype)), None


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Computes -log p of targets in float32; see `CrossEntropy`.

    Args:
        logits: Shape (rows, tokens).
        targets: Shape (rows,).

    Returns:
        Shape (rows,).
    """
    losses: torch.Tensor = CrossEntropy.apply(logits, targets)  # type: ignore[no-untyped-call,unused-ignore]
    return losses

"""Causal attention in blocks, for training on processors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

BLOCKWISE = "autocakechat_blocks"
"""The name of this attention in the configuration of a model."""
WIDEST = 1024
"""The largest number of queries that are handled in blocks. Their weights are kept for the backward pass, which takes
memory that is quadratic in the number; for more queries, PyTorch's kernels are as fast, and keep no weights."""
_BLOCK = 256
"""Queries that are handled at once. With smaller blocks fewer masked scores are computed, in smaller products."""


def attend_in_blocks(model: Any) -> None:
    """Makes a model compute causal attention in blocks, in every layer.

    The kernels of PyTorch for processors multiply in their own loops. Batched matrix products are faster there, above
    all in bfloat16, and each block of queries needs the keys up to its end only.

    Args:
        model: A causal language model of transformers. One that does not support this keeps its attention.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(BLOCKWISE, _attention)
    AttentionMaskInterface.register(BLOCKWISE, sdpa_mask)
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(BLOCKWISE)


def causal_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float, block: int = _BLOCK
) -> torch.Tensor:
    """Computes softmax(c Q K^T + M) V, where M is 0 for a key that is not after the query, and -inf for others.

    Args:
        query: Q, shape (rows, width, size).
        key: K, of the same shape.
        value: V, shape (rows, width, size of a value).
        scaling: c.
        block: The number of queries that are handled at once.

    Returns:
        The outputs, of the same shape as `value`.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.
    """
    import torch

    rows, width, _ = query.shape
    mask = torch.full((width, width), float("-inf"), dtype=query.dtype, device=query.device).triu(1)
    outputs = []
    for start in range(0, width, block):
        end = min(width, start + block)
        scores = torch.baddbmm(
            mask[start:end, :end].expand(rows, -1, -1), query[:, start:end], key[:, :end].mT, alpha=scaling
        )
        outputs.append(scores.softmax(-1) @ value[:, :end])
    return torch.cat(outputs, 1)


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Computes the attention of a layer. Whatever is more than causal attention is left to PyTorch's kernels.

    Args:
        module: The layer.
        query: Shape (rows, heads, width, size).
        key: Shape (rows, groups, width of the keys, size); each group is for several heads.
        value: Shape (rows, groups, width of the keys, size of a value).
        attention_mask: What may be attended to; None for causal attention.
        scaling: The factor of the scores; by default 1 / sqrt(size).
        dropout: The dropout rate of the weights.
        options: What some architectures pass.

    Returns:
        The outputs, shape (rows, width, heads, size of a value), and no weights.
    """
    rows, heads, width, size = query.shape
    causal = options.pop("is_causal", None)
    causal = getattr(module, "is_causal", True) if causal is None else causal
    more = attention_mask is not None or dropout or options.get("position_bias") is not None
    if more or not causal or not 1 < width <= WIDEST or width != key.shape[2]:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, causal, **options
        )
        return found
    flat = (rows * heads, width, -1)
    repeats = heads // key.shape[1]
    outputs = causal_attention(
        query.reshape(flat),
        key.repeat_interleave(repeats, 1).reshape(flat),
        value.repeat_interleave(repeats, 1).reshape(flat),
        size**-0.5 if scaling is None else scaling,
    )
    return outputs.reshape(rows, heads, width, -1).transpose(1, 2).contiguous(), None

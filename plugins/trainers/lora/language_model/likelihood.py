"""Log-likelihood of tokens, with logits at the places that are needed only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    LogitsAt = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """Takes token ids (rows, width) and a mask of the same shape, and returns the logits at the places of the mask."""

_CHECKED_TOKENS = 8
_TOLERANCE = 0.05


def logits_function(model: Any) -> LogitsAt:
    """Returns a function that computes logits at some places.

    The output layer is a quarter of the work for a small base, and its logits most of the memory. So it is applied to
    the places of the mask only. Some architectures change the logits after the output layer; for these, all are
    computed.

    Args:
        model: A causal language model of transformers, with or without an adapter.
    """
    import torch

    causal: Any = getattr(model, "base_model", model)
    causal = getattr(causal, "model", causal) if hasattr(model, "peft_config") else model
    decoder, head = causal.base_model, causal.get_output_embeddings()

    def at_places(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = decoder(input_ids=ids, use_cache=False).last_hidden_state
        logits: torch.Tensor = head(hidden[mask])
        return logits

    def everywhere(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=ids, use_cache=False).logits
        return logits[mask]

    was_training = model.training
    model.eval()
    with torch.inference_mode():
        ids = torch.arange(_CHECKED_TOKENS, device=causal.device)[None]
        mask = torch.ones_like(ids, dtype=torch.bool)
        same = torch.allclose(at_places(ids, mask).float(), everywhere(ids, mask).float(), atol=_TOLERANCE)
    model.train(was_training)
    return at_places if same else everywhere


def negative_log_likelihood(logits_at: LogitsAt, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns -log p of target tokens, each given the tokens before it in its row; in nats, one number per target.

    Args:
        logits_at: Computes logits at some places.
        ids: Token ids, shape (rows, width); padded at the end. A causal model needs no mask for that.
        targets: Which tokens are targets; never the first of a row.
    """
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import cross_entropy

    places = torch.zeros_like(targets)
    places[:, :-1] = targets[:, 1:]
    logits = logits_at(ids, places)
    return cross_entropy(logits, ids[targets])

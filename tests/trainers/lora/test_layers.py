"""Layers of our own: causal attention in blocks gives what PyTorch's kernels give; dropout drops whole features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.language_model import attention
from autocakechat.plugins.trainers.lora.language_model.attention import causal_attention
from autocakechat.plugins.trainers.lora.language_model.loading import load_base
from autocakechat.plugins.trainers.lora.language_model.precision import choose_device
from autocakechat.plugins.trainers.lora.training.memory import estimate_training_memory


@pytest.mark.parametrize("width", [1, 7, 8, 9, 30])
def test_outputs_and_gradients_are_those_of_pytorch(width: int) -> None:
    import torch

    torch.manual_seed(0)
    inputs = [torch.randn(3, width, 16, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    weights = torch.randn(3, width, 16, dtype=torch.float64)
    query, key, value = inputs
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=0.3)
    found = causal_attention(query, key, value, 0.3, block=8)
    torch.testing.assert_close(found, expected)
    gradients = torch.autograd.grad((found * weights).sum(), inputs)
    for gradient, other in zip(gradients, torch.autograd.grad((expected * weights).sum(), inputs), strict=True):
        torch.testing.assert_close(gradient, other)


@pytest.mark.parametrize("padded", [False, True])
def test_a_base_computes_what_it_computes_with_the_kernels(tiny_base: Path, padded: bool) -> None:
    import torch

    base = load_base(find_local(tiny_base), "float32", choose_device()).eval()
    ids = torch.arange(40).reshape(2, 20) % 7
    mask = torch.ones_like(ids)
    mask[1, :5] = not padded
    with torch.inference_mode():
        assert base.config._attn_implementation == "autocakechat_blocks"
        found = base(input_ids=ids, attention_mask=mask).logits
        base.set_attn_implementation("sdpa")
        expected = base(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()])


def test_wide_inputs_are_left_to_the_kernels(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of attention in blocks take memory that is quadratic in the width."""
    import torch

    widths = []

    def record(query: torch.Tensor, *arguments: Any) -> torch.Tensor:
        widths.append(query.shape[1])
        return causal_attention(query, *arguments)

    monkeypatch.setattr(attention, "causal_attention", record)
    base = load_base(find_local(tiny_base), "float32", choose_device()).eval()
    with torch.inference_mode():
        for width in (attention.WIDEST, attention.WIDEST + 1):
            base(input_ids=torch.ones(1, width, dtype=torch.long))
    assert set(widths) == {attention.WIDEST}


def test_the_estimate_of_memory_contains_the_attention(tiny_base: Path) -> None:
    base = load_base(find_local(tiny_base), "float32", choose_device())
    small, large = (estimate_training_memory(base, 0, 1024, window, 4) for window in (256, 512))
    layers, heads = 2, 4
    assert large - small == layers * heads * 1024 * 256 * 4
    assert estimate_training_memory(base, 0, 1024, 4096, 4) == estimate_training_memory(base, 0, 1024, 2048, 4)


def test_variational_dropout_drops_the_same_features_at_every_token() -> None:
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import VariationalDropout

    torch.manual_seed(0)
    layer = VariationalDropout(0.25)
    outputs = layer(torch.ones(64, 5, 100))
    assert (outputs == outputs[:, :1]).all()
    assert sorted(outputs.unique().tolist()) == [0.0, pytest.approx(4 / 3)]
    assert float((outputs == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert (layer.eval()(torch.ones(2, 3, 4)) == 1).all()


def test_variational_dropout_takes_the_tokens_of_all_rows_as_one_matrix() -> None:
    """OPT and some mixtures of experts flatten what their linear layers get."""
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import VariationalDropout

    torch.manual_seed(0)
    outputs = VariationalDropout(0.25)(torch.ones(64, 100))
    assert not (outputs == outputs[:1]).all()
    assert float((outputs == 0).float().mean()) == pytest.approx(0.25, abs=0.02)


def test_the_cross_entropy_and_its_gradient_are_those_of_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from autocakechat.plugins.trainers.lora.language_model import layers

    monkeypatch.setattr(layers, "_CHUNK", 150)  # three rows at once
    torch.manual_seed(0)
    logits = torch.randn(10, 50, requires_grad=True)
    targets, weights = torch.randint(50, (10,)), torch.randn(10)
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    losses = layers.cross_entropy(logits, targets)
    torch.testing.assert_close(losses, expected)
    (gradient,) = torch.autograd.grad((losses * weights).sum(), logits)
    torch.testing.assert_close(gradient, *torch.autograd.grad((expected * weights).sum(), logits))


def test_the_gradient_of_a_likely_token_is_not_rounded_to_zero() -> None:
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import cross_entropy

    logits = torch.tensor([[8.0, 0.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    (gradient,) = torch.autograd.grad(cross_entropy(logits, torch.tensor([0])).sum(), logits)
    expected = logits.detach().float().softmax(1) - torch.tensor([[1.0, 0.0, 0.0]])
    torch.testing.assert_close(gradient.float(), expected, rtol=0.01, atol=0.0)


def test_a_loss_without_gradient_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import cross_entropy

    monkeypatch.delattr(torch, "empty_like")
    with torch.inference_mode():
        assert cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3])).tolist() == pytest.approx([1.3863] * 2, abs=1e-4)

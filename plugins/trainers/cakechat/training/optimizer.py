"""Optimizers, learning-rate schedule and gradient clipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autocakechat.plugins.trainers.cakechat.training_network.backend import keras, tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Tensor

_FINAL_LR_FRACTION = 0.05


class Adam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam (Kingma and Ba 2015, arXiv 1412.6980) as one fused operation.

    Keras updates each weight in about ten passes over memory, this class in one. With gradient g_t, parameters θ and
    learning rate α:

        m_t = β₁ m_(t-1) + (1 - β₁) g_t
        v_t = β₂ v_(t-1) + (1 - β₂) g_t²
        θ_t = θ_(t-1) - α √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m_t / (√v_t + ε)
    """

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Updates a variable and its moments m and v in place."""
        t = tf.cast(self.iterations.value, tf.float32) + 1.0
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**t,
            beta2_power=self.beta_2**t,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


def make_optimizer(name: str, learning_rate: float, decay: bool, warm_up: int, total_steps: int) -> Any:
    """Makes a Keras optimizer.

    Args:
        name: "adam", or "adadelta" (Zeiler 2012, arXiv 1212.5701):

                E[g²]_t  = ρ E[g²]_(t-1) + (1 - ρ) g_t²
                Δθ_t     = -√(E[Δθ²]_(t-1) + ε) / √(E[g²]_t + ε) · g_t
                E[Δθ²]_t = ρ E[Δθ²]_(t-1) + (1 - ρ) Δθ_t²
                θ_t      = θ_(t-1) + α Δθ_t

        learning_rate: α; with `decay` its maximum.
        decay: Whether the learning rate follows `warm_up_and_cosine_decay`.
        warm_up: Warm-up steps.
        total_steps: Maximum number of gradient steps of the training.
    """
    rate = warm_up_and_cosine_decay(learning_rate, warm_up, total_steps) if decay else learning_rate
    if name == "adadelta":
        return keras.optimizers.Adadelta(rate, rho=0.95, epsilon=1e-7)
    return Adam(rate)


def warm_up_and_cosine_decay(learning_rate: float, warm_up: int, total_steps: int) -> Any:
    """Makes a learning-rate schedule: linear warm-up, then cosine decay (Loshchilov and Hutter 2017, arXiv 1608.03983).

    With maximum α, warm-up steps W and total steps T, at step t (from 0):

        α(t) = α t / W                                                for t < W
        α(t) = α (f + (1 - f) (1 + cos(π (t - W) / (T - W))) / 2)     for W ≤ t ≤ T, final fraction f = 0.05

    Args:
        learning_rate: α.
        warm_up: W; at most half of `total_steps` is used.
        total_steps: T.
    """
    warm_up = min(warm_up, total_steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, total_steps - warm_up),
        alpha=_FINAL_LR_FRACTION,
    )


def clip_gradients(gradients: Sequence[Tensor], max_value: float | None, max_norm: float | None) -> Sequence[Tensor]:
    """Clips gradients by value, then by global norm (Pascanu et al. 2013, arXiv 1211.5063).

        g ← max(-c, min(c, g))               c = `max_value`, each component
        g ← g · min(1, n / ‖g‖₂)             n = `max_norm`, ‖g‖₂ over all gradients together

    Args:
        gradients: One per variable.
        max_value: None: not clipped by value.
        max_norm: None: not clipped by norm.
    """
    if max_value is not None:
        gradients = [tf.clip_by_value(gradient, -max_value, max_value) for gradient in gradients]
    if max_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, max_norm)
    return gradients

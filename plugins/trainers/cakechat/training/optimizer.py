"""What turns gradients into learning."""

from __future__ import annotations

from typing import Any

from autocakechat.plugins.trainers.cakechat.network.backend import keras, tf
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class Adam(keras.optimizers.Adam):  # type: ignore[misc]
    """Keras' Adam, with all that it does to a weight in one pass over memory instead of ten."""

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Changes a weight and its two moments."""
        step = tf.cast(self.iterations.value, tf.float32) + 1.0
        moments = (self._momentums, self._velocities)
        m, v = (moment[self._get_variable_index(variable)].value for moment in moments)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


def make_optimizer(name: str, learning_rate: float, decay: bool, warm_up: int, steps: int) -> Any:
    """Makes an optimizer.

    Args:
        name: "adam" or "adadelta".
        learning_rate: Length of a step.
        decay: Whether it rises in the first steps, and falls along a cosine in the others.
        warm_up: Steps in which it rises; at most half of all.
        steps: All steps.
    """
    rate: Any = learning_rate
    if decay:
        rising = min(warm_up, steps // 2)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            warmup_target=learning_rate,
            warmup_steps=rising,
            decay_steps=max(1, steps - rising),
            alpha=0.05,
        )
    if name == "adadelta":
        return keras.optimizers.Adadelta(rate, rho=0.95, epsilon=1e-7)
    return Adam(rate)

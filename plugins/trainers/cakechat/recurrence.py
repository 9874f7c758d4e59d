"""The loop over time of a GRU, forwards and backwards, over sequences of different lengths.

Sequences are packed: those of a batch stand in order of their length, longest first, and only real steps are stored:
first the first step of all sequences, then the second step of all that have one, and so on. `counts` says how many
sequences have a step at each time. So nothing is ever computed for padding, and nothing needs a mask.

Everything that does not depend on the step before is computed for all steps at once, outside of the loop. What is left
in the loop is one matrix product and a few sums a step. TensorFlow's own gradient of a loop would compute the gradient
of the recurrent kernel step by step too; here it is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from autocakechat.plugins.trainers.cakechat.backend import tf

Tensor = Any
Activation = Literal["sigmoid", "hard-sigmoid"]


def _hard_sigmoid(x: Tensor) -> Tensor:
    """Keras 2's; the function of that name in Keras 3 has another slope."""
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


GATES: dict[Activation, Callable[[Tensor], Tensor]] = {"sigmoid": tf.sigmoid, "hard-sigmoid": _hard_sigmoid}

_SLOPES: dict[Activation, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda gate: gate * (1.0 - gate),
    "hard-sigmoid": lambda gate: 0.2 * tf.cast((gate > 0.0) & (gate < 1.0), gate.dtype),
}
"""Slope of each activation at the place where it gave a value."""


def step(
    projected: Tensor, state: Tensor, kernel: Tensor, bias: Tensor, activation: Activation
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Goes one step.

    Args:
        projected: (n, 3 units) the input's part of update gate, reset gate and candidate.
        state: (n, units).
        kernel: (units, 3 units) recurrent kernel.
        bias: (3 units,) recurrent bias.
        activation: That of the gates.

    Returns:
        The new state (n, units), the gates (n, 2 units), the candidate (n, units), and the recurrent part of the
        candidate before the reset gate (n, units).
    """
    units = kernel.shape[0]
    recurrent = tf.matmul(state, kernel) + bias
    gates = GATES[activation](projected[:, : 2 * units] + recurrent[:, : 2 * units])
    update, reset = gates[:, :units], gates[:, units:]
    remembered = recurrent[:, 2 * units :]
    candidate = tf.tanh(projected[:, 2 * units :] + reset * remembered)
    return candidate + update * (state - candidate), gates, candidate, remembered


def scan(
    projected: Tensor, counts: Tensor, kernel: Tensor, bias: Tensor, activation: Activation, reverse: bool
) -> tuple[Tensor, Tensor]:
    """Goes through packed sequences from a state of zeros.

    Args:
        projected: (steps, 3 units) the input's part of update gate, reset gate and candidate.
        counts: (time,) sequences that have a step at each time; never more than before.
        kernel: (units, 3 units) recurrent kernel.
        bias: (3 units,) recurrent bias.
        activation: That of the gates.
        reverse: Each sequence from its last step to its first.

    Returns:
        (steps, units) the state after each step, at the place of its input, and (sequences, units) the last states.
    """
    starts = tf.cumsum(counts, exclusive=True)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def differentiable(projected: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Any, Any]:
        states, last, inner = _forward(projected, starts, counts, kernel, bias, activation, reverse)
        return (states, last), lambda of_states, of_last: _backward(
            of_states, of_last, inner, starts, counts, kernel, activation, reverse
        )

    return differentiable(projected, kernel, bias)  # type: ignore[no-any-return]


def _forward(
    projected: Tensor,
    starts: Tensor,
    counts: Tensor,
    kernel: Tensor,
    bias: Tensor,
    activation: Activation,
    reverse: bool,
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Returns all states, the last states, and what `_backward` wants to know of each step."""
    units = kernel.shape[0]
    time = tf.size(counts)

    def body(done: Tensor, state: Tensor, *arrays: Tensor) -> tuple[Tensor, ...]:
        t = time - 1 - done if reverse else done
        n = counts[t]
        before = state[:n]
        after, *inner = step(projected[starts[t] : starts[t] + n], before, kernel, bias, activation)
        written = (array.write(t, value) for array, value in zip(arrays, (after, before, *inner), strict=True))
        return done + 1, _same_shape(tf.concat([after, state[n:]], 0), state), *written

    arrays = [
        tf.TensorArray(projected.dtype, time, infer_shape=False, element_shape=[None, width])
        for width in (units, units, 2 * units, units, units)
    ]
    start = tf.zeros([counts[0], units], projected.dtype)
    _, last, *arrays = tf.while_loop(lambda done, *_: done < time, body, (0, start, *arrays), maximum_iterations=time)
    states, before, gates, candidates, remembered = (array.concat() for array in arrays)
    return states, last, (before, gates, candidates, remembered)


def _backward(
    of_states: Tensor,
    of_last: Tensor,
    inner: tuple[Tensor, Tensor, Tensor, Tensor],
    starts: Tensor,
    counts: Tensor,
    kernel: Tensor,
    activation: Activation,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of `projected`, `kernel` and `bias`.

    With h' = c + z (h - c) and c = tanh(x + r m), the gradient of each gate's input is that of h' times a factor that
    is known before the loop begins.
    """
    of_states, of_last = tf.convert_to_tensor(of_states), tf.convert_to_tensor(of_last)  # they may be sparse
    before, gates, candidates, remembered = inner
    units = kernel.shape[0]
    time = tf.size(counts)
    update, reset = gates[:, :units], gates[:, units:]
    to_candidate = (1.0 - update) * (1.0 - candidates * candidates)
    to_update = (before - candidates) * _SLOPES[activation](update)
    to_reset = to_candidate * remembered * _SLOPES[activation](reset)
    to_recurrent = tf.stack([to_update, to_reset, to_candidate * reset], 1)
    transposed = tf.transpose(kernel)

    def body(done: Tensor, gradient: Tensor, gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = done if reverse else time - 1 - done
        n = counts[t]
        here = slice(starts[t], starts[t] + n)
        after = gradient[:n] + of_states[here]
        recurrent = tf.reshape(after[:, None] * to_recurrent[here], [-1, 3 * units])
        passed_on = after * update[here] + tf.matmul(recurrent, transposed)
        passed_on = _same_shape(tf.concat([passed_on, gradient[n:]], 0), gradient)
        return done + 1, passed_on, gradients.write(t, after)

    gradients = tf.TensorArray(before.dtype, time, infer_shape=False, element_shape=[None, units])
    _, _, gradients = tf.while_loop(
        lambda done, *_: done < time, body, (0, of_last, gradients), maximum_iterations=time
    )
    of_after = gradients.concat()
    of_recurrent = tf.reshape(of_after[:, None] * to_recurrent, [-1, 3 * units])
    of_projected = tf.concat([of_recurrent[:, : 2 * units], of_after * to_candidate], 1)
    return of_projected, tf.matmul(before, of_recurrent, transpose_a=True), tf.reduce_sum(of_recurrent, 0)


def starts_of_steps(counts: Tensor) -> Tensor:
    """Returns, for each packed step, the place where the steps of its time begin: (time,) -> (steps,)."""
    return tf.repeat(tf.cumsum(counts, exclusive=True), counts)


def _same_shape(tensor: Tensor, as_that: Tensor) -> Tensor:
    """Tells TensorFlow what it cannot see: that a shape does not change in a loop."""
    tensor.set_shape(as_that.shape)
    return tensor

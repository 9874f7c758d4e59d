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


def step(projected: Tensor, state: Tensor, kernel: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """Goes one step: h' = c + z (h - c), with c = tanh(x + r m).

    Args:
        projected: (n, 3 units) the input's part of update gate z, reset gate r and candidate c.
        state: (n, units) h.
        kernel: (units, 3 units) recurrent kernel.
        bias: (3 units,) recurrent bias.
        activation: That of the gates.

    Returns:
        (n, units) the new state.
    """
    update, _, candidate, _ = _inside(projected, state, kernel, bias, activation)
    return candidate + update * (state - candidate)


def _inside(
    projected: Tensor, state: Tensor, kernel: Tensor, bias: Tensor, activation: Activation
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns update gate, reset gate, candidate, and the recurrent part of the candidate before the reset gate."""
    units = kernel.shape[0]
    recurrent = tf.matmul(state, kernel) + bias
    gates = GATES[activation](projected[:, : 2 * units] + recurrent[:, : 2 * units])
    update, reset = gates[:, :units], gates[:, units:]
    remembered = recurrent[:, 2 * units :]
    return update, reset, tf.tanh(projected[:, 2 * units :] + reset * remembered), remembered


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

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def differentiable(projected: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Any, Any]:
        states, last = _forward(projected, counts, kernel, bias, activation, reverse)

        def gradient(of_states: Tensor, of_last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return _backward(of_states, of_last, states, projected, counts, kernel, bias, activation, reverse)

        return (states, last), gradient

    # Variables must be read outside of a function with a gradient of its own.
    return differentiable(*map(tf.convert_to_tensor, (projected, kernel, bias)))  # type: ignore[no-any-return]


def _forward(
    projected: Tensor, counts: Tensor, kernel: Tensor, bias: Tensor, activation: Activation, reverse: bool
) -> tuple[Tensor, Tensor]:
    time = tf.size(counts)
    inputs = _by_time(projected, counts)

    def body(done: Tensor, state: Tensor, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = time - 1 - done if reverse else done
        after = step(inputs.read(t), state[: counts[t]], kernel, bias, activation)
        return done + 1, _replace_first(state, after, counts[t]), states.write(t, after)

    start = tf.zeros([counts[0], kernel.shape[0]], projected.dtype)
    return _loop(body, time, start)


def _backward(
    of_states: Tensor,
    of_last: Tensor,
    states: Tensor,
    projected: Tensor,
    counts: Tensor,
    kernel: Tensor,
    bias: Tensor,
    activation: Activation,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of `projected`, `kernel` and `bias`.

    What a step knew is computed once more from the states, for all steps in one product: keeping it would cost more.
    The gradient of each gate's input is that of the new state times a factor that is known before the loop begins.
    """
    of_states, of_last = tf.convert_to_tensor(of_states), tf.convert_to_tensor(of_last)  # they may be sparse
    units = kernel.shape[0]
    time = tf.size(counts)
    before = _states_before(states, counts, reverse)
    update, reset, candidate, remembered = _inside(projected, before, kernel, bias, activation)
    to_candidate = (1.0 - update) * (1.0 - candidate * candidate)
    to_update = (before - candidate) * _SLOPES[activation](update)
    to_reset = to_candidate * remembered * _SLOPES[activation](reset)
    to_recurrent = tf.concat([to_update, to_reset, to_candidate * reset], 1)
    transposed = tf.transpose(kernel)
    known = _by_time(tf.concat([of_states, update, to_recurrent], 1), counts)

    def body(done: Tensor, gradient: Tensor, gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = done if reverse else time - 1 - done
        here = known.read(t)
        after = gradient[: counts[t]] + here[:, :units]
        recurrent = tf.tile(after, [1, 3]) * here[:, 2 * units :]
        passed_on = after * here[:, units : 2 * units] + tf.matmul(recurrent, transposed)
        return done + 1, _replace_first(gradient, passed_on, counts[t]), gradients.write(t, after)

    of_after, _ = _loop(body, time, of_last)
    of_recurrent = tf.tile(of_after, [1, 3]) * to_recurrent
    of_projected = tf.concat([of_recurrent[:, : 2 * units], of_after * to_candidate], 1)
    return of_projected, tf.matmul(before, of_recurrent, transpose_a=True), tf.reduce_sum(of_recurrent, 0)


def _loop(body: Callable[..., Any], time: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Runs a body of (steps done, carried rows, what was written); returns what was written, and the last rows."""
    written = tf.TensorArray(start.dtype, time, infer_shape=False, element_shape=[None, start.shape[1]])
    _, last, written = tf.while_loop(lambda done, *_: done < time, body, (0, start, written), maximum_iterations=time)
    return written.concat(), last


def _by_time(packed: Tensor, counts: Tensor) -> Any:
    """Cuts packed steps into those of each time."""
    pieces = tf.TensorArray(packed.dtype, tf.size(counts), infer_shape=False, element_shape=[None, packed.shape[1]])
    return pieces.split(packed, counts)


def _replace_first(rows: Tensor, by: Tensor, number: Tensor) -> Tensor:
    replaced = tf.concat([by, rows[number:]], 0)
    replaced.set_shape(rows.shape)  # which TensorFlow cannot see
    return replaced


def _states_before(states: Tensor, counts: Tensor, reverse: bool) -> Tensor:
    """Returns the state each step began with: that of the same sequence one step before, zeros at its beginning."""
    places = tf.range(tf.shape(states)[0])
    if reverse:
        there = tf.repeat(tf.concat([counts[1:], [0]], 0), counts) > places - starts_of_steps(counts)
        before = places + tf.repeat(counts, counts)
    else:
        earlier = tf.repeat(tf.concat([[0], counts[:-1]], 0), counts)
        there, before = earlier > 0, places - earlier
    return tf.where(there[:, None], tf.gather(states, tf.where(there, before, 0)), 0.0)


def starts_of_steps(counts: Tensor) -> Tensor:
    """Returns, for each packed step, the place where the steps of its time begin: (time,) -> (steps,)."""
    return tf.repeat(tf.cumsum(counts, exclusive=True), counts)

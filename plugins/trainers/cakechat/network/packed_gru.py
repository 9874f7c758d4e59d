"""The loop over time of a GRU, forwards and backwards, over sequences of different lengths.

Sequences are packed: those of a batch stand in order of their length, longest first, and only real steps are stored:
first the first step of all sequences, then the second step of all that have one, and so on. `counts` says how many
sequences have a step at each time. So nothing is ever computed for padding, and nothing needs a mask.

Everything that does not depend on the step before is computed for all steps at once, outside of the loop. What is left
in the loop is one matrix product and a few sums a step. TensorFlow's own gradient of a loop would compute the gradient
of the recurrent kernel step by step too; here it is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from autocakechat.plugins.trainers.cakechat.network.backend import tf

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


class Gates(NamedTuple):
    """What a step knows besides its new state, each (n, units).

    Attributes:
        update: z, how much of the state stays.
        reset: r, how much of the state the candidate hears of.
        candidate: c, what may take the state's place.
        remembered: m, what the candidate hears of it.
    """

    update: Tensor
    reset: Tensor
    candidate: Tensor
    remembered: Tensor


def step(projected: Tensor, state: Tensor, kernel: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """Goes one step.

    Args:
        projected: (n, 3 units) the input's part of update gate, reset gate and candidate.
        state: (n, units).
        kernel: (units, 3 units) recurrent kernel.
        bias: (3 units,) recurrent bias.
        activation: That of the gates.

    Returns:
        (n, units) the new state.
    """
    recurrent = tf.matmul(state, kernel) + bias
    return _step(tf.split(projected, 3, 1), tf.split(recurrent, 3, 1), state, activation)[0]


def _step(
    projected: Sequence[Tensor], recurrent: Sequence[Tensor], state: Tensor, activation: Activation
) -> tuple[Tensor, Gates]:
    """Returns h' = c + z (h - c), with c = tanh(x + r m), and the gates; the parts of z, r and c are given apart."""
    update, reset = (GATES[activation](projected[gate] + recurrent[gate]) for gate in (0, 1))
    candidate = tf.tanh(projected[2] + reset * recurrent[2])
    return candidate + update * (state - candidate), Gates(update, reset, candidate, recurrent[2])


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
        states, last, gates = _forward(projected, counts, kernel, bias, activation, reverse)

        def gradient(of_states: Tensor, of_last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return _backward(of_states, of_last, states, gates, counts, kernel, activation, reverse)

        return (states, last), gradient

    # Variables must be read outside of a function with a gradient of its own.
    return differentiable(*map(tf.convert_to_tensor, (projected, kernel, bias)))  # type: ignore[no-any-return]


def _forward(
    projected: Tensor, counts: Tensor, kernel: Tensor, bias: Tensor, activation: Activation, reverse: bool
) -> tuple[Tensor, Tensor, Gates]:
    """Returns all states, the last states and all gates.

    Gates are kept apart: sums over a third of the columns of a matrix would copy that third at each step.
    """
    time = tf.size(counts)
    kernels, biases, parts = (tf.split(whole, 3, -1) for whole in (kernel, bias, projected))
    inputs = [_by_time(part, counts) for part in (parts[0] + biases[0], parts[1] + biases[1], parts[2])]

    def body(done: Tensor, state: Tensor, *written: Tensor) -> tuple[Tensor, ...]:
        t = time - 1 - done if reverse else done
        before = state[: counts[t]]
        recurrent = [tf.matmul(before, kernel) for kernel in kernels]
        recurrent[2] += biases[2]
        after, gates = _step([part.read(t) for part in inputs], recurrent, before, activation)
        found = [array.write(t, value) for array, value in zip(written, (after, *gates), strict=True)]
        return done + 1, _replace_first(state, after, counts[t]), *found

    start = tf.zeros([counts[0], kernel.shape[0]], projected.dtype)
    last, states, *gates = _loop(body, time, start, 1 + len(Gates._fields))
    return states, last, Gates(*gates)


def _backward(
    of_states: Tensor,
    of_last: Tensor,
    states: Tensor,
    gates: Gates,
    counts: Tensor,
    kernel: Tensor,
    activation: Activation,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of `projected`, `kernel` and `bias`.

    The gradient of each gate's input is that of the new state times a factor that is known before the loop begins.
    """
    of_states, of_last = tf.convert_to_tensor(of_states), tf.convert_to_tensor(of_last)  # they may be sparse
    time = tf.size(counts)
    before = _states_before(states, counts, reverse)
    update, reset, candidate, remembered = gates
    slope = _SLOPES[activation]
    to_candidate = (1.0 - update) * (1.0 - candidate * candidate)
    factors = [(before - candidate) * slope(update), to_candidate * remembered * slope(reset), to_candidate * reset]
    transposed = [tf.transpose(part) for part in tf.split(kernel, 3, 1)]
    of_state, staying, *passing = (_by_time(known, counts) for known in (of_states, update, *factors))

    def body(done: Tensor, gradient: Tensor, gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = done if reverse else time - 1 - done
        after = gradient[: counts[t]] + of_state.read(t)
        ways = [tf.matmul(after * way.read(t), kernel) for way, kernel in zip(passing, transposed, strict=True)]
        passed_on = tf.add_n([after * staying.read(t), *ways])
        return done + 1, _replace_first(gradient, passed_on, counts[t]), gradients.write(t, after)

    _, of_after = _loop(body, time, of_last, 1)
    of_recurrent = [of_after * factor for factor in factors]
    of_projected = tf.concat([*of_recurrent[:2], of_after * to_candidate], 1)
    of_kernel = tf.concat([tf.matmul(before, part, transpose_a=True) for part in of_recurrent], 1)
    return of_projected, of_kernel, tf.concat([tf.reduce_sum(part, 0) for part in of_recurrent], 0)


def _loop(body: Callable[..., Any], time: Tensor, start: Tensor, arrays: int) -> list[Tensor]:
    """Runs a body of (steps done, carried rows, arrays); returns the last rows, and the packed steps of each array."""
    written = [
        tf.TensorArray(start.dtype, time, infer_shape=False, element_shape=[None, start.shape[1]])
        for _ in range(arrays)
    ]
    _, last, *written = tf.while_loop(lambda done, *_: done < time, body, (0, start, *written), maximum_iterations=time)
    return [last, *(array.concat() for array in written)]


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

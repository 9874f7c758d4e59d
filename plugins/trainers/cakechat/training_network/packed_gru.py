"""The GRU recurrence over packed sequences: forward and backward pass.

`network.gru` has the equations of z_t, r_t, m_t, h̃_t and h_t. Arrays hold one row per sequence, so products are written
x W instead of W x. The gates are in the order z, r, h along the last axis of all weights.

Sequences are packed as in `data.packed_sequences`: sorted by length, longest first, and stored time step by time step.
Nothing is computed for padding, and no masks are needed. The loop over time contains only what depends on h_{t-1}:
one matrix product per gate and a few element-wise operations. The input products of all steps are computed before the
loop, and the gradient of the recurrent kernel after it, as one product over all steps. TensorFlow's own gradient of a
loop would compute that product step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autocakechat.plugins.trainers.cakechat.network.settings import Activation
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision, Tensor, matmul, rounded


def _hard_sigmoid(x: Tensor) -> Tensor:
    """Keras 2's hard sigmoid. The function of the same name in Keras 3 has another slope."""
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


GATE_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"sigmoid": tf.sigmoid, "hard-sigmoid": _hard_sigmoid}
"""σ of the gates."""

_GATE_DERIVATIVES: dict[Activation, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda gate: gate * (1.0 - gate),
    "hard-sigmoid": lambda gate: 0.2 * tf.cast((gate > 0.0) & (gate < 1.0), gate.dtype),
}
"""σ'(a) as a function of the gate's value σ(a)."""


class Gates(NamedTuple):
    """Values of a step that the backward pass needs, each (n, units).

    Attributes:
        update: z_t.
        reset: r_t.
        candidate: h̃_t.
        recurrent_candidate: m_t.
    """

    update: Tensor
    reset: Tensor
    candidate: Tensor
    recurrent_candidate: Tensor


def _step(
    projected: Sequence[Tensor], recurrent: Sequence[Tensor], state: Tensor, activation: Activation
) -> tuple[Tensor, Gates]:
    """Returns h_t and the gates; `projected` and `recurrent` are the parts of z, r and h, each (n, units)."""
    sigma = GATE_ACTIVATIONS[activation]
    update = sigma(projected[0] + recurrent[0])  # z_t
    reset = sigma(projected[1] + recurrent[1])  # r_t
    candidate = tf.tanh(projected[2] + reset * recurrent[2])  # h̃_t
    new_state = candidate + update * (state - candidate)  # h_t = h̃_t + z_t ⊙ (h_{t-1} - h̃_t)
    return new_state, Gates(update, reset, candidate, recurrent[2])


def scan(
    projected: Tensor,
    batch_sizes: Tensor,
    kernel: Tensor,
    bias: Tensor,
    activation: Activation,
    reverse: bool,
    precision: Precision,
) -> tuple[Tensor, Tensor]:
    """Computes all states of packed sequences, starting from zeros.

    Args:
        projected: (steps, 3 units) x_t W + b of all packed steps.
        batch_sizes: (time,) number of sequences that have a step at each time, never rising.
        kernel: (units, 3 units) recurrent kernel U.
        bias: (3 units,) recurrent bias c.
        activation: σ of the gates.
        reverse: Whether to run from the last step of each sequence to its first.
        precision: Number format of the factors of products with U.

    Returns:
        (steps, units) the state after each packed step, and (sequences, units) the last state of each sequence.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def differentiable(projected: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Any, Any]:
        states, last, gates = _forward(projected, batch_sizes, kernel, bias, activation, reverse, precision)

        def gradient(d_states: Tensor, d_last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return _backward(d_states, d_last, states, gates, batch_sizes, kernel, activation, reverse, precision)

        return (states, last), gradient

    # A function with a custom gradient must not read variables.
    return differentiable(*map(tf.convert_to_tensor, (projected, kernel, bias)))  # type: ignore[no-any-return]


def _forward(
    projected: Tensor,
    batch_sizes: Tensor,
    kernel: Tensor,
    bias: Tensor,
    activation: Activation,
    reverse: bool,
    precision: Precision,
) -> tuple[Tensor, Tensor, Gates]:
    """Returns all states, the last states and all gates.

    Each gate has its own matrices: slicing a third of a matrix's columns would copy that third at each step.
    """
    time = tf.size(batch_sizes)
    kernel_z, kernel_r, kernel_h = tf.split(rounded(kernel, precision), 3, -1)  # U_z, U_r, U_h: (units, units)
    bias_z, bias_r, bias_h = tf.split(bias, 3, -1)  # c_z, c_r, c_h: (units,)
    projected_z, projected_r, projected_h = tf.split(projected, 3, -1)  # (steps, units)
    inputs = [_by_time(part, batch_sizes) for part in (projected_z + bias_z, projected_r + bias_r, projected_h)]

    def body(done: Tensor, state: Tensor, *outputs: Tensor) -> tuple[Tensor, ...]:
        t = time - 1 - done if reverse else done
        previous = state[: batch_sizes[t]]  # h_{t-1} of the sequences that have a step t
        factor = rounded(previous, precision)
        recurrent = [matmul(factor, part, precision) for part in (kernel_z, kernel_r, kernel_h)]
        recurrent[2] += bias_h
        new_state, gates = _step([part.read(t) for part in inputs], recurrent, previous, activation)
        outputs = tuple(array.write(t, value) for array, value in zip(outputs, (new_state, *gates), strict=True))
        return done + 1, _replace_first(state, new_state, batch_sizes[t]), *outputs

    zeros = tf.zeros([batch_sizes[0], kernel.shape[0]], projected.dtype)
    last, states, *gates = _loop(body, time, zeros, 1 + len(Gates._fields))
    return states, last, Gates(*gates)


def _backward(
    d_states: Tensor,
    d_last: Tensor,
    states: Tensor,
    gates: Gates,
    batch_sizes: Tensor,
    kernel: Tensor,
    activation: Activation,
    reverse: bool,
    precision: Precision,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of `projected`, `kernel` and `bias`.

    δx is the gradient of the loss with respect to x; a_z, a_r, a_h are the arguments of σ, σ and tanh:

        δa_z = δh_t ⊙ (h_{t-1} - h̃_t) ⊙ σ'(a_z)
        δa_h = δh_t ⊙ (1 - z_t) ⊙ (1 - h̃_t²)
        δa_r = δa_h ⊙ m_t ⊙ σ'(a_r)
        δm   = δa_h ⊙ r_t
        δh_{t-1} = δh_t ⊙ z_t + δa_z U_zᵀ + δa_r U_rᵀ + δm U_hᵀ + (gradient of the output h_{t-1})

    Each δ is δh_t times a factor that the forward pass determines, so the factors are computed before the loop.
    """
    d_states, d_last = tf.convert_to_tensor(d_states), tf.convert_to_tensor(d_last)  # they may be sparse
    time = tf.size(batch_sizes)
    previous = _previous_states(states, batch_sizes, reverse)  # h_{t-1}: (steps, units)
    update, reset, candidate, recurrent_candidate = gates
    derivative = _GATE_DERIVATIVES[activation]
    factor_h = (1.0 - update) * (1.0 - candidate * candidate)  # δa_h / δh_t
    factors = [
        (previous - candidate) * derivative(update),  # δa_z / δh_t
        factor_h * recurrent_candidate * derivative(reset),  # δa_r / δh_t
        factor_h * reset,  # δm / δh_t
    ]
    transposed = [tf.transpose(part) for part in tf.split(rounded(kernel, precision), 3, 1)]  # U_zᵀ, U_rᵀ, U_hᵀ
    d_outputs, updates, *factors_by_time = (_by_time(part, batch_sizes) for part in (d_states, update, *factors))

    def body(done: Tensor, d_carried: Tensor, d_all: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = done if reverse else time - 1 - done
        d_state = d_carried[: batch_sizes[t]] + d_outputs.read(t)  # δh_t
        through_gates = [
            matmul(d_state * factor.read(t), kernel, precision)
            for factor, kernel in zip(factors_by_time, transposed, strict=True)
        ]
        d_previous = tf.add_n([d_state * updates.read(t), *through_gates])  # δh_{t-1}
        return done + 1, _replace_first(d_carried, d_previous, batch_sizes[t]), d_all.write(t, d_state)

    _, d_state = _loop(body, time, d_last, 1)  # δh_t of all steps: (steps, units)
    d_recurrent = [d_state * factor for factor in factors]  # δa_z, δa_r, δm
    d_projected = tf.concat([*d_recurrent[:2], d_state * factor_h], 1)  # δa_z, δa_r, δa_h: (steps, 3 units)
    factor = rounded(previous, precision)
    d_kernel = tf.concat(
        [matmul(factor, part, precision, transpose_a=True) for part in d_recurrent], 1
    )  # Σ_t h_{t-1}ᵀ δ
    d_bias = tf.concat([tf.reduce_sum(part, 0) for part in d_recurrent], 0)  # Σ_t δ
    return d_projected, d_kernel, d_bias


def _loop(body: Callable[..., Any], time: Tensor, start: Tensor, outputs: int) -> list[Tensor]:
    """Runs a loop over time.

    Args:
        body: Takes and returns the number of steps done, the carried rows, and a `TensorArray` for each output.
        time: Number of steps.
        start: (sequences, units) the carried rows before the first step.
        outputs: Number of outputs.

    Returns:
        The carried rows after the last step, and each output as packed steps.
    """
    arrays = [
        tf.TensorArray(start.dtype, time, infer_shape=False, element_shape=[None, start.shape[1]])
        for _ in range(outputs)
    ]
    _, last, *arrays = tf.while_loop(lambda done, *_: done < time, body, (0, start, *arrays), maximum_iterations=time)
    return [last, *(array.concat() for array in arrays)]


def _by_time(packed: Tensor, batch_sizes: Tensor) -> Any:
    """Splits packed steps into a `TensorArray` with the rows of each time step."""
    array = tf.TensorArray(packed.dtype, tf.size(batch_sizes), infer_shape=False, element_shape=[None, packed.shape[1]])
    return array.split(packed, batch_sizes)


def _replace_first(rows: Tensor, replacement: Tensor, number: Tensor) -> Tensor:
    """Returns `rows` with the first `number` rows replaced."""
    replaced = tf.concat([replacement, rows[number:]], 0)
    replaced.set_shape(rows.shape)  # TensorFlow cannot infer it
    return replaced


def _previous_states(states: Tensor, batch_sizes: Tensor, reverse: bool) -> Tensor:
    """Returns h_{t-1} of each packed step, zeros at the first step of a sequence: (steps, units)."""
    index = tf.range(tf.shape(states)[0])
    if reverse:
        # The recurrence comes from the next time step, which longer sequences have.
        next_sizes = tf.repeat(tf.concat([batch_sizes[1:], [0]], 0), batch_sizes)
        exists = next_sizes > sequence_index(batch_sizes)
        previous = index + tf.repeat(batch_sizes, batch_sizes)
    else:
        previous_sizes = tf.repeat(tf.concat([[0], batch_sizes[:-1]], 0), batch_sizes)
        exists = previous_sizes > 0
        previous = index - previous_sizes
    return tf.where(exists[:, None], tf.gather(states, tf.where(exists, previous, 0)), 0.0)


def sequence_index(batch_sizes: Tensor) -> Tensor:
    """Returns the sequence that each packed step belongs to, counted from the longest: (time,) -> (steps,)."""
    first = tf.repeat(tf.cumsum(batch_sizes, exclusive=True), batch_sizes)  # packed index of each time step's first row
    return tf.range(tf.size(first)) - first


def summed(packed: Tensor, batch_sizes: Tensor) -> Tensor:
    """Sums the elements of each packed sequence: (steps, n) -> (sequences, n)."""
    return tf.math.unsorted_segment_sum(packed, sequence_index(batch_sizes), batch_sizes[0])

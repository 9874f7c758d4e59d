"""A GRU in NumPy.

A gated recurrent unit (Cho et al. 2014, arXiv 1406.1078) in the variant of CuDNN and of Keras' `reset_after`: the reset
gate acts after the recurrent product. W, b are the kernel and bias of the input, U, c those of the recurrent part, ⊙
is the element-wise product:

    z_t = σ(W_z x_t + b_z + U_z h_{t-1} + c_z)       update gate
    r_t = σ(W_r x_t + b_r + U_r h_{t-1} + c_r)       reset gate
    m_t = U_h h_{t-1} + c_h                          recurrent part of the candidate
    h̃_t = tanh(W_h x_t + b_h + r_t ⊙ m_t)            candidate
    h_t = (1 - z_t) ⊙ h̃_t + z_t ⊙ h_{t-1}            new state

Arrays hold one row per sequence, so products are written x W instead of W x. The gates are in the order z, r, h along
the last axis of all weights, so one product computes all three.
"""

from __future__ import annotations

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.network.multiplier import Multiplier
from autocakechat.plugins.trainers.cakechat.network.settings import Activation


def activate_gates(x: Floats, activation: Activation) -> Floats:
    """Computes σ(x) of gates."""
    if activation == "hard-sigmoid":
        gates: Floats = np.clip(0.2 * x + 0.5, 0.0, 1.0)
    else:
        gates = 0.5 * np.tanh(0.5 * x) + 0.5  # 1 / (1 + exp(-x)), without an overflow of exp
    return gates


@attrs.frozen(eq=False)
class GRU:
    """A gated recurrent unit.

    Attributes:
        kernel: (inputs, 3 units) W.
        recurrent_kernel: (units, 3 units) U.
        bias: (2, 3 units) b and c.
        activation: σ of the gates.
        multiplier: Computes the matrix products.
    """

    kernel: Floats
    recurrent_kernel: Floats
    bias: Floats
    activation: Activation
    multiplier: Multiplier

    def project(self, inputs: Floats) -> Floats:
        """Computes x W + b: (n, inputs) -> (n, 3 units)."""
        return self.multiplier.multiply(inputs, self.kernel, self.bias[0])

    def step(self, projected: Floats, state: Floats) -> Floats:
        """Computes one step.

        Args:
            projected: (n, 3 units) x_t W + b.
            state: (n, units) h_{t-1}.

        Returns:
            (n, units) h_t.
        """
        units = state.shape[1]
        recurrent = self.multiplier.multiply(state, self.recurrent_kernel, self.bias[1])  # (n, 3 units)
        gates = activate_gates(projected[:, : 2 * units] + recurrent[:, : 2 * units], self.activation)
        update, reset = gates[:, :units], gates[:, units:]  # z_t, r_t
        candidate = np.tanh(projected[:, 2 * units :] + reset * recurrent[:, 2 * units :])  # h̃_t
        new_state: Floats = candidate + update * (state - candidate)  # h_t
        return new_state

    def scan(self, projected: Floats, batch_sizes: Ints, reverse: bool = False) -> tuple[Floats, Floats]:
        """Computes all states of packed sequences, starting from zeros.

        Args:
            projected: (steps, 3 units) x_t W + b of all packed steps; see `data.packed_sequences`.
            batch_sizes: (time,) number of sequences that have a step at each time, never rising.
            reverse: Whether to run from the last step of each sequence to its first.

        Returns:
            (steps, units) the state after each packed step, and (sequences, units) the last state of each sequence.
        """
        units = len(self.recurrent_kernel)
        states = np.empty((len(projected), units), np.float32)
        last = np.zeros((batch_sizes[0], units), np.float32)
        ends = np.cumsum(batch_sizes)
        times = range(len(batch_sizes))
        for t in reversed(times) if reverse else times:
            size = batch_sizes[t]  # the first `size` sequences, the longest, have a step t
            steps = slice(ends[t] - size, ends[t])
            states[steps] = last[:size] = self.step(projected[steps], last[:size])
        return states, last

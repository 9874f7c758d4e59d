"""Cross-entropy of a softmax output layer in chunks of rows, with bounded memory.

For row i with the decoder state x_i and the target token y_i:

    l_i = x_i W + b                 logits
    p_i = softmax(l_i)              probabilities
    L_i = -log p_i[y_i]             cross-entropy
    ∂L_i/∂l_i = p_i - e_{y_i}       e_y is the one-hot vector of y

3,000 targets with a vocabulary of 36,000 have 100 million logits, and as many gradients. Here the logits exist for one
chunk of rows at a time, and the gradients are summed while they exist, so each logit is computed once.
"""

from __future__ import annotations

from typing import Any

from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision, Tensor, matmul, rounded

MAX_LOGITS = 1 << 24
"""Maximum number of logits of a chunk: 64 MiB, enough rows for fast matrix products."""

MIN_PROBABILITY = 1e-38
"""Lower bound of p, the smallest normal number of float32: keeps log p finite."""


def cross_entropies(states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor, precision: Precision) -> Tensor:
    """Returns -log p of each target. It has no gradient.

    Args:
        states: (n, hidden) x.
        targets: (n,) token ids y.
        kernel: (hidden, vocabulary) W.
        bias: (vocabulary,) b.
        precision: Number format of the factors of products.

    Returns:
        (n,).
    """
    rows = _chunk_rows(int(bias.shape[0]))
    states, kernel = rounded(states, precision), rounded(kernel, precision)

    def body(start: Tensor, results: Tensor) -> tuple[Tensor, Tensor]:
        end = start + rows
        losses, _, _ = _softmax_cross_entropy(states[start:end], targets[start:end], kernel, bias, precision)
        return end, results.write(start // rows, losses)

    _, results = tf.while_loop(lambda start, _: start < tf.size(targets), body, (0, _chunk_array([None])))
    return results.concat()


def summed_cross_entropy(states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor, precision: Precision) -> Tensor:
    """Returns Σ_i L_i, a scalar with a gradient for `states`, `kernel` and `bias`.

    The gradient is computed together with the loss, because both need the logits:

        ∂/∂x_i = (p_i - e_{y_i}) Wᵀ
        ∂/∂W = Σ_i x_iᵀ (p_i - e_{y_i})
        ∂/∂b = Σ_i (p_i - e_{y_i})

    Args:
        states: (n, hidden) x.
        targets: (n,) token ids y.
        kernel: (hidden, vocabulary) W.
        bias: (vocabulary,) b.
        precision: Number format of the factors of products.
    """
    rows = _chunk_rows(int(bias.shape[0]))
    kernel, bias = map(tf.convert_to_tensor, (kernel, bias))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def differentiable(states: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
        factors, kernel_factor = rounded(states, precision), rounded(kernel, precision)

        def body(
            start: Tensor, total: Tensor, d_states: Tensor, d_kernel: Tensor, d_bias: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
            x, y = factors[start : start + rows], targets[start : start + rows]
            loss, probabilities, target_indices = _softmax_cross_entropy(x, y, kernel_factor, bias, precision)
            with tf.control_dependencies([loss]):  # so that TensorFlow updates the probabilities in place
                d_logits = tf.tensor_scatter_nd_sub(probabilities, target_indices, tf.ones_like(loss))  # p - e_y
            factor = rounded(d_logits, precision)
            d_x = matmul(factor, kernel_factor, precision, transpose_b=True)
            with tf.control_dependencies([d_x]):  # two large products in parallel are slower than one after the other
                d_kernel += matmul(x, factor, precision, transpose_a=True)
                d_bias += tf.matmul(tf.ones([1, tf.size(loss)]), d_logits)[0]
            return start + rows, total + tf.reduce_sum(loss), d_states.write(start // rows, d_x), d_kernel, d_bias

        d_states = _chunk_array([None, kernel.shape[0]])
        initial = (0, 0.0, d_states, tf.zeros_like(kernel), tf.zeros_like(bias))
        _, total, d_states, d_kernel, d_bias = tf.while_loop(
            lambda start, *_: start < tf.size(targets), body, initial, parallel_iterations=1
        )
        gradients = (d_states.concat(), d_kernel, d_bias)
        return total, lambda d_total: [d_total * gradient for gradient in gradients]

    return differentiable(states, kernel, bias)


def _softmax_cross_entropy(
    states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor, precision: Precision
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes L and p of one chunk.

    TensorFlow's softmax takes an eighth of the time of its cross-entropy, which makes several passes.

    Returns:
        (rows,) L; (rows, vocabulary) p; (rows, 2) the indices of the targets in p.
    """
    probabilities = tf.nn.softmax(matmul(states, kernel, precision) + bias)
    target_indices = tf.stack([tf.range(tf.size(targets)), targets], 1)
    target_probabilities = tf.gather_nd(probabilities, target_indices)
    return -tf.math.log(tf.maximum(target_probabilities, MIN_PROBABILITY)), probabilities, target_indices


def _chunk_rows(vocabulary: int) -> int:
    return max(1, MAX_LOGITS // vocabulary)


def _chunk_array(element_shape: list[int | None]) -> Any:
    """Returns an empty `TensorArray` whose elements, one per chunk, have different numbers of rows."""
    return tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False, element_shape=element_shape)

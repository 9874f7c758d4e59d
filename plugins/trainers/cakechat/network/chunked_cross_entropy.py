"""How likely tokens are, without ever holding the logits of a whole batch.

Three thousand targets among 36,000 tokens have a hundred million logits, and as many gradients. Here they are made for
some rows at a time, and the gradient of the weights is summed up while the logits are at hand: each is computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

MAX_LOGITS = 1 << 24
"""Most logits that are held at once: 64 MiB, enough rows for matrix products to be fast."""

LEAST = 1e-38
"""Probabilities below count as this one, since float32 knows no smaller ones."""


def losses(states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Returns -log p of each target; not to be differentiated.

    Args:
        states: (n, hidden) what the output layer is given.
        targets: (n,) ids.
        kernel: (hidden, vocabulary) of the output layer.
        bias: (vocabulary,) of the output layer.

    Returns:
        (n,).
    """

    def of_some(states: Tensor, targets: Tensor) -> Tensor:
        return _softmax(states, targets, kernel, bias)[0]

    return in_pieces(of_some, states, targets, int(bias.shape[0]))


def in_pieces(losses_of: Callable[[Tensor, Tensor], Tensor], states: Tensor, targets: Tensor, tokens: int) -> Tensor:
    """Computes losses for so many rows at a time that their logits take bounded memory.

    Args:
        losses_of: Returns the losses of some rows.
        states: (n, hidden).
        targets: (n,) ids.
        tokens: Size of the vocabulary.

    Returns:
        (n,).
    """

    def body(place: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        end = place + rows
        return end, found.write(place // rows, losses_of(states[place:end], targets[place:end]))

    rows = _rows(tokens)
    _, found = tf.while_loop(lambda place, _: place < tf.size(targets), body, (0, _pieces([None])))
    return found.concat()


def summed_cross_entropy(states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Returns the sum of `losses`, to be differentiated.

    Its gradient is known as soon as the logits are, so it is computed along with them, not when it is asked for.
    """

    def body(
        place: Tensor, total: Tensor, of_states: Tensor, of_kernel: Tensor, of_bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        here = states[place : place + rows]
        loss, probabilities, places = _softmax(here, targets[place : place + rows], kernel, bias)
        with tf.control_dependencies([loss]):  # then it need not be copied
            of_logits = tf.tensor_scatter_nd_sub(probabilities, places, tf.ones_like(loss))
        of_here = tf.matmul(of_logits, kernel, transpose_b=True)
        with tf.control_dependencies([of_here]):  # side by side two large products take longer than in turn
            of_kernel += tf.matmul(here, of_logits, transpose_a=True)
            of_bias += tf.matmul(tf.ones([1, tf.size(loss)]), of_logits)[0]
        return place + rows, total + tf.reduce_sum(loss), of_states.write(place // rows, of_here), of_kernel, of_bias

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def differentiable(states: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
        start = (0, 0.0, _pieces([None, kernel.shape[0]]), tf.zeros_like(kernel), tf.zeros_like(bias))
        _, total, *gradients = tf.while_loop(
            lambda place, *_: place < tf.size(targets), body, start, parallel_iterations=1
        )
        gradients[0] = gradients[0].concat()
        return total, lambda of_total: [of_total * gradient for gradient in gradients]

    rows = _rows(int(bias.shape[0]))
    kernel, bias = map(tf.convert_to_tensor, (kernel, bias))
    return differentiable(states, kernel, bias)


def _softmax(states: Tensor, targets: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the losses of some rows, the probability of each token, and where those of the targets stand.

    TensorFlow's softmax takes an eighth of the time of its cross-entropy, whose passes are one after the other.
    """
    probabilities = tf.nn.softmax(tf.matmul(states, kernel) + bias)
    places = tf.stack([tf.range(tf.size(targets)), targets], 1)
    return -tf.math.log(tf.maximum(tf.gather_nd(probabilities, places), LEAST)), probabilities, places


def _rows(tokens: int) -> int:
    return max(1, MAX_LOGITS // tokens)


def _pieces(shape: list[int | None]) -> Any:
    return tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False, element_shape=shape)

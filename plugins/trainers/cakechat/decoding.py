"""How an answer is found: the loop that asks the network for one token after the other.

All conversations, and all candidates of each, go through the loop side by side, and the loop is compiled once for any
number of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.backend import tf
from autocakechat.plugins.trainers.cakechat.network import Network
from autocakechat.plugins.trainers.cakechat.packing import Contexts, Ints, Packed
from autocakechat.plugins.trainers.cakechat.recurrence import Tensor
from autocakechat.plugins.trainers.cakechat.vocabulary import Vocabulary

_IDS = tf.TensorSpec([None], tf.int32)
_ANY_CONTEXTS = Contexts(lines=Packed(_IDS, _IDS), contexts=Packed(_IDS, _IDS), places=_IDS)

UNPENALISED = frozenset(["a", "an", "the", "*", ".", ",", "?", "!", "'", '"', "^", "`"])
"""Tokens that may be said again and again."""


@attrs.frozen(kw_only=True)
class Rules:
    """What holds for every answer.

    Attributes:
        max_tokens: Longest answer.
        temperature: What logits are divided by.
        repetition_penalty: What the probability of a token is divided by once it is said, at temperature 1.
    """

    max_tokens: int
    temperature: float
    repetition_penalty: float


class Decoder:
    """Finds answers.

    Args:
        network: What is asked.
        vocabulary: Its tokens.
        banned: Tokens never to be said.
    """

    def __init__(self, network: Network, vocabulary: Vocabulary, banned: Collection[str]) -> None:
        self._network = network
        self._vocabulary = vocabulary
        tokens = vocabulary.tokens
        unsayable = {vocabulary.tokens[vocabulary.unknown], *banned}
        self._banned = np.array([-np.inf if token in unsayable else 0.0 for token in tokens], np.float32)
        self._penalised = np.array([token not in UNPENALISED for token in tokens], np.float32)
        specs = [_ANY_CONTEXTS, _IDS, tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int32)]
        numbers = [tf.TensorSpec([], tf.float32)] * 2
        self._sample = tf.function(self._sample_rows, input_signature=[*specs, *numbers], autograph=False)

    def sample(self, contexts: Contexts, condition: Ints, rules: Rules, seed: Sequence[int]) -> Ints:
        """Draws an answer for each row.

        Args:
            contexts: What was said; `places` names the context of each row.
            condition: (rows,) ids of labels.
            rules: What holds for the answers.
            seed: Two integers. The same seed gives the same answers to the same rows.

        Returns:
            (rows, tokens) ids, after the end token padded.
        """
        found: Tensor = self._sample(
            contexts,
            condition,
            np.array(seed, np.int32),
            rules.max_tokens,
            rules.temperature,
            np.log(rules.repetition_penalty).astype(np.float32),
        )
        return found.numpy()  # type: ignore[no-any-return]

    def _sample_rows(
        self,
        contexts: Contexts,
        condition: Tensor,
        seed: Tensor,
        max_tokens: Tensor,
        temperature: Tensor,
        penalty: Tensor,
    ) -> Tensor:
        network, words = self._network, self._vocabulary
        thoughts = network.think(network.encode_lines(*contexts.lines), *contexts.contexts)
        steady = network.steady_input(tf.gather(thoughts, contexts.places), condition)
        rows = tf.size(condition)

        def going_on(_: Tensor, last: Tensor, *__: Any) -> Tensor:
            return tf.reduce_any((last != words.end) & (last != words.pad))

        def body(
            t: Tensor, last: Tensor, states: tuple[Tensor, Tensor], used: Tensor, said: Tensor
        ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor]:
            states = network.step(last, steady, states)
            # Dividing a probability by penalty^(1/T) is subtracting log(penalty) before the division by T.
            logits = (network.logits(states[1]) + self._banned - penalty * used) / temperature
            drawn = tf.random.stateless_categorical(logits, 1, [seed[0], seed[1] + t], tf.int32)[:, 0]
            ended = (last == words.end) | (last == words.pad)
            drawn = tf.where(ended, words.pad, drawn)
            used = tf.maximum(used, tf.one_hot(drawn, len(words)) * self._penalised)
            return t + 1, drawn, states, used, said.write(t, drawn)

        states = (tf.zeros([rows, network.settings.hidden]),) * 2
        said = tf.TensorArray(tf.int32, max_tokens, element_shape=[None])
        start = (0, tf.fill([rows], words.start), states, tf.zeros([rows, len(words)]), said)
        *_, said = tf.while_loop(going_on, body, start, maximum_iterations=max_tokens)
        return tf.transpose(said.stack())

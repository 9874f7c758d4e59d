"""How answers are found: loops that ask the network for one token after the other.

All conversations, and all candidates or beams of each, go through a loop side by side, and each loop is compiled once
for any number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import sample_categorical, top_k
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer, corrected_logsumexp
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

UNPENALISED = frozenset(["a", "an", "the", "*", ".", ",", "?", "!", "'", '"', "^", "`", "\n"])
"""Tokens that may be said again and again."""

_ANY_IDS = tf.TensorSpec([None], tf.int32)
_INTEGER, _NUMBER = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)


@attrs.frozen(kw_only=True)
class Rules:
    """What holds for every answer.

    Attributes:
        max_tokens: Longest answer, without the start token.
        temperature: What logits are divided by when answers are drawn.
        repetition_penalty: What the probability of a token is divided by once it is said, at temperature 1.
    """

    max_tokens: int
    temperature: float
    repetition_penalty: float

    @property
    def penalty(self) -> float:
        """What is taken from the log-probability of a token once it is said."""
        return float(np.log(self.repetition_penalty))


@attrs.frozen(eq=False)
class Words:
    """What is known of each token when answers are looked for.

    Attributes:
        start: Id of the start token.
        end: Id of the end token.
        pad: Id of the pad token.
        banned: (vocabulary,) minus infinity for tokens never to be said, zero for others.
        penalised: (vocabulary,) 1 for tokens that become less likely once they are said, 0 for others.
    """

    start: int
    end: int
    pad: int
    banned: np.ndarray[Any, Any]
    penalised: np.ndarray[Any, Any]

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, banned: Collection[str] = (), plain: Callable[[str], str] = lambda token: token
    ) -> Words:
        """Looks the tokens of a vocabulary up.

        Args:
            vocabulary: The vocabulary.
            banned: Plain tokens never to be said; the unknown token is one anyway.
            plain: What tokens are called in `banned`.
        """
        tokens = [plain(token) for token in vocabulary.tokens]
        unsayable = {vocabulary.tokens[vocabulary.unknown], *banned}
        return cls(
            start=vocabulary.start,
            end=vocabulary.end,
            pad=vocabulary.pad,
            banned=np.array([-np.inf if token in unsayable else 0.0 for token in tokens], np.float32),
            penalised=np.array([token not in UNPENALISED for token in tokens], np.float32),
        )

    def less_likely(self, logits: Tensor, said: Tensor, penalty: Tensor) -> Tensor:
        """Takes the penalty from the logits of tokens that were said.

        Args:
            logits: (rows, vocabulary).
            said: (rows, tokens) ids.
            penalty: What to take.

        Returns:
            (rows, vocabulary).
        """
        rows, tokens = tf.unstack(tf.shape(said))
        said = tf.reshape(said, [-1])
        places = tf.stack([tf.repeat(tf.range(rows), tokens), said], 1)
        lowered = tf.gather_nd(logits, places) - penalty * tf.gather(self.penalised, said)
        return tf.tensor_scatter_nd_update(logits, places, lowered)  # a token said twice is lowered once


class Sampler:
    """Draws answers, each token from the probabilities that the network gives.

    Args:
        network: What is asked.
        output: Its output layer.
        words: What is known of its tokens.
    """

    def __init__(self, network: Network, output: OutputLayer, words: Words) -> None:
        self._network = network
        self._output = output
        self._words = words
        thoughts = tf.TensorSpec([None, network.settings.hidden])
        signature = [thoughts, _ANY_IDS, tf.TensorSpec([2], tf.int32), _INTEGER, _NUMBER, _NUMBER]
        self._draw = tf.function(self._draw_rows, input_signature=signature, autograph=False)

    def draw(self, thoughts: Floats, condition: Ints, rules: Rules, seed: Sequence[int]) -> Ints:
        """Draws an answer for each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            rules: What holds for the answers.
            seed: Two integers. The same seed gives the same answers to the same rows.

        Returns:
            (rows, tokens) ids, after the end token padded.
        """
        drawn: Tensor = self._draw(
            thoughts, condition, np.array(seed, np.int32), rules.max_tokens, rules.temperature, rules.penalty
        )
        return drawn.numpy()  # type: ignore[no-any-return]

    def _draw_rows(
        self,
        thoughts: Tensor,
        condition: Tensor,
        seed: Tensor,
        max_tokens: Tensor,
        temperature: Tensor,
        penalty: Tensor,
    ) -> Tensor:
        network, words = self._network, self._words
        steady = network.project_static_input(thoughts, condition)
        rows = tf.size(condition)
        # Each row has its own chances, so what it says does not depend on the others.
        chances = tf.random.stateless_uniform([max_tokens, rows], seed)

        def body(
            t: Tensor, going: Tensor, last: Tensor, states: tuple[Tensor, Tensor], said: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor], Tensor]:
            """Draws a token for each row that is still going."""
            states = network.step(last, tf.gather(steady, going), states)
            logits = self._output.logits(states[1]) / temperature + words.banned
            # Dividing a probability by penalty^(1/T) is subtracting log(penalty) / T.
            logits = words.less_likely(logits, tf.gather(said, going)[:, :t], penalty / temperature)
            drawn = sample_categorical(tf.nn.softmax(logits), tf.gather(chances[t], going))
            said = tf.tensor_scatter_nd_update(said, tf.stack([going, tf.fill(tf.shape(going), t)], 1), drawn)
            still = tf.where((drawn != words.end) & (drawn != words.pad))[:, 0]
            states = tuple(tf.gather(state, still) for state in states)
            return t + 1, tf.gather(going, still), tf.gather(drawn, still), states, said

        start = (
            0,
            tf.range(rows),
            tf.fill([rows], words.start),
            (tf.zeros([rows, network.settings.hidden]),) * 2,
            tf.fill([rows, max_tokens], words.pad),
        )
        state = tf.TensorShape([None, network.settings.hidden])
        *_, said = tf.while_loop(
            lambda _, going, *__: tf.size(going) > 0,
            body,
            start,
            shape_invariants=(*map(tf.TensorShape, ([], [None], [None])), (state, state), tf.TensorShape([None, None])),
            maximum_iterations=max_tokens,
        )
        return said


class BeamSearch:
    """Looks for the most likely answers.

    Args:
        network: What is asked.
        output: Its output layer.
        words: What is known of its tokens.
    """

    def __init__(self, network: Network, output: OutputLayer, words: Words) -> None:
        self._network = network
        self._output = output
        self._words = words
        thoughts = tf.TensorSpec([None, network.settings.hidden])
        signature = [thoughts, _ANY_IDS, _INTEGER, _INTEGER, _NUMBER]
        self._search = tf.function(self._search_rows, input_signature=signature, autograph=False)

    def search(self, thoughts: Floats, condition: Ints, rules: Rules, beams: int) -> list[Ints]:
        """Looks for answers to each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            rules: What holds for the answers.
            beams: How many are followed side by side.

        Returns:
            For each row (found, 1 + tokens) ids, the start token first, after the end token padded, the most likely
            first: those that have ended, or all if none has.
        """
        beams = min(beams, len(self._words.penalised))
        found, scores, going_on = (
            tensor.numpy() for tensor in self._search(thoughts, condition, rules.max_tokens, beams, rules.penalty)
        )
        done = np.isfinite(scores)
        return [
            np.insert(found[row][done[row]] if done[row].any() else going_on[row], 0, self._words.start, axis=1)
            for row in range(len(found))
        ]

    def _search_rows(
        self, thoughts: Tensor, condition: Tensor, max_tokens: Tensor, beams: Tensor, penalty: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        network, output, words = self._network, self._output, self._words
        finalists = tf.minimum(2 * beams, network.settings.tokens)
        rows = tf.size(condition)
        steady = network.project_static_input(thoughts, condition)

        def offers(states: tuple[Tensor, Tensor], said: Tensor) -> tuple[Tensor, Tensor]:
            """The best next tokens of each beam: log p and ids, (beams of all rows, beams)."""
            logits = output.logits(states[1])
            # Twice as many as asked for: logits may be a little off, those that may be among the best are put right.
            best, ids = top_k(words.less_likely(logits + words.banned, said, penalty), finalists)
            rough = tf.gather(logits, ids, batch_dims=1)
            exact = output.exact_logits(states[1], ids, rough)
            best, places = tf.math.top_k(best + (exact - rough), beams)
            return best - corrected_logsumexp(logits, rough, exact), tf.gather(ids, places, batch_dims=1)

        def body(
            t: Tensor,
            scores: Tensor,
            said: Tensor,
            states: tuple[Tensor, Tensor],
            done_scores: Tensor,
            done: Tensor,
        ) -> tuple[Any, ...]:
            last = tf.reshape(said[:, :, t - 1], [-1])
            states = network.step(last, tf.repeat(steady, beams, axis=0), states)
            before = tf.reshape(said[:, :, :t], [rows * beams, t])
            log_p, ids = (tf.reshape(offer, [rows, beams * beams]) for offer in offers(states, before))
            total = tf.repeat(scores, beams, axis=1) + log_p
            ends = ids == words.end

            going_on, places = tf.math.top_k(tf.where(ends, -np.inf, total), beams)
            ends &= total >= going_on[:, -1:]
            ending, end_places = tf.math.top_k(tf.where(ends, total, -np.inf), beams)

            def longer(places: Tensor) -> Tensor:
                before = tf.gather(said, places // beams, batch_dims=1)
                token = tf.gather(ids, places, batch_dims=1)[:, :, None]
                return tf.concat([before[:, :, :t], token, before[:, :, t + 1 :]], 2)

            done_scores, kept = tf.math.top_k(tf.concat([done_scores, ending], 1), beams)
            done = tf.gather(tf.concat([done, longer(end_places)], 1), kept, batch_dims=1)
            parents = tf.reshape(tf.range(rows)[:, None] * beams + places // beams, [-1])
            said = longer(places)
            states = tuple(tf.gather(state, parents) for state in states)
            return t + 1, going_on, said, states, done_scores, done

        def worth_going_on(t: Tensor, scores: Tensor, *carried: Any) -> Tensor:
            """Whether any beam can still become better than the worst that is kept: scores only fall."""
            return (t < max_tokens) & tf.reduce_any(scores[:, 0] > carried[-2][:, -1])

        states = (tf.zeros([rows, network.settings.hidden]),) * 2
        states = network.step(tf.fill([rows], words.start), steady, states)
        scores, first = offers(states, tf.zeros([rows, 0], tf.int32))
        said = tf.concat([first[:, :, None], tf.fill([rows, beams, max_tokens - 1], words.pad)], 2)
        states = tuple(tf.repeat(state, beams, axis=0) for state in states)
        nothing = tf.fill([rows, beams], -np.inf)
        start = (1, scores, said, states, nothing, tf.fill([rows, beams, max_tokens], words.pad))
        _, _, said, _, done_scores, done = tf.while_loop(worth_going_on, body, start)
        return done, done_scores, said

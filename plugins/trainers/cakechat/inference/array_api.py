"""Models for Python programs: from ids of tokens to thought vectors, probabilities, scores and beams.

Example:
    ```python
    from pathlib import Path
    from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat

    model = CakeChat.load(Path("model"))
    context = model.context_ids([["hi", "hello, how are you?"]])
    response = model.response_ids(["fine, and you?"])
    model.thought_vectors(context)            # (1, hidden)
    model.scores(context, response)           # (1,) log p of the answer
    model.beams(context)                      # a list of one array (beams, tokens)
    ```

In all of it `context` is (samples, context lines, tokens) ids, the newest line last, missing lines of pads at the
front, each line padded at its end; `response` is (samples, tokens) ids, the start token first, padded at the end; and
`condition` is (samples,) ids of labels, by default those of neutral.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, unpack_replies
from autocakechat.plugins.trainers.cakechat.data.samples import NO_LINE, Lines
from autocakechat.plugins.trainers.cakechat.data.vocabulary import NEUTRAL
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import Reranker, swap_context_and_response
from autocakechat.plugins.trainers.cakechat.inference.sampler import Sampler
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.int8_output_layer import fastest_output_layer
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, load_model
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer, OutputLayer
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer, decoder_states


class CakeChat:
    """A model and what can be asked of it.

    Args:
        model: A loaded model folder.

    Attributes:
        vocabulary: Its tokens and their ids.
        conditions: Its labels and their ids.
    """

    def __init__(self, model: Model) -> None:
        self.vocabulary = model.vocabulary
        self.conditions = model.conditions
        self._model = model
        self._packer = model.batcher.packer
        self._words = TokenRules.from_vocabulary(model.vocabulary, plain=model.style.plain)
        self._scorer = Scorer(model.network, Float32OutputLayer(model.network), model.vocabulary.pad)

    @classmethod
    def load(cls, folder: Path) -> CakeChat:
        """Loads a model folder, with its reverse model if there is one.

        Raises:
            UserError: The folder is damaged.
        """
        return cls(load_model(folder, reverse=(folder / "reverse.safetensors").exists()))

    def context_ids(self, contexts: Sequence[Sequence[str]]) -> Ints:
        """Turns lines of text, oldest first, into ids: (samples, context lines, tokens)."""
        size = self._model.settings.context_lines
        lines: list[list[int]] = []
        numbers = np.full((len(contexts), size), NO_LINE, np.int32)
        for row, context in zip(numbers, contexts, strict=True):
            newest = context[-size:]
            row[size - len(newest) :] = range(len(lines) + 1, len(lines) + 1 + len(newest))
            lines.extend(self.vocabulary.encode(self._model.style.tokenize(text)) for text in newest)
        padded, places = self._model.batcher.pad_contexts(Lines(lines), numbers)
        return padded[places]

    def response_ids(self, responses: Sequence[str]) -> Ints:
        """Turns answers into ids: (samples, tokens)."""
        lines = Lines(self.vocabulary.encode(self._model.style.tokenize(text)) for text in responses)
        return self._model.batcher.pad_replies(lines, np.arange(1, len(responses) + 1, dtype=np.int32))

    def encodings(self, lines: Ints) -> Floats:
        """Encodes lines: (lines, tokens) ids -> (lines, hidden)."""
        contexts = self._packer.pack_contexts(lines, np.arange(len(lines), dtype=np.int32)[:, None])
        encoded = self._model.network.encode_utterances(*map(tf.constant, contexts.lines)).numpy()
        return encoded[contexts.line_numbers.values][contexts.unsorted_indices]  # type: ignore[no-any-return]

    def thought_vectors(self, context: Ints) -> Floats:
        """Encodes contexts: (samples, hidden)."""
        return self._scorer.encode_contexts(self._packer.pack_context_ids(context))

    def probabilities(
        self, context: Ints, response: Ints, condition: Ints | None = None, temperature: float = 1.0
    ) -> Floats:
        """Returns the probability of every token after each token of the responses.

        Returns:
            (samples, tokens - 1, vocabulary).
        """
        answers = self._packer.pack_replies(self._condition(condition, len(context)), response, include_padding=True)
        batch = Batch(self._packer.pack_context_ids(context), answers)
        states = decoder_states(self._model.network, tf.nest.map_structure(tf.constant, batch))
        probabilities = tf.nn.softmax(self._model.network.logits(states) / temperature)
        return unpack_replies(probabilities, answers, response.shape[1] - 1)

    def step(
        self, last: Ints, thoughts: Floats, states: Floats, condition: Ints | None = None, temperature: float = 1.0
    ) -> tuple[Floats, Floats]:
        """Goes one step of decoding.

        Args:
            last: (samples,) the tokens said last.
            thoughts: (samples, hidden) thought vectors.
            states: (samples, 2, hidden) those of the decoder's two GRUs, zeros before the first step.
            condition: (samples,) ids of labels.
            temperature: What logits are divided by.

        Returns:
            The new states (samples, 2, hidden), and the probabilities of the next token (samples, vocabulary).
        """
        network = self._model.network
        steady = network.project_static_input(tf.constant(thoughts), self._condition(condition, len(last)))
        after = network.step(tf.constant(last), steady, (tf.constant(states[:, 0]), tf.constant(states[:, 1])))
        return np.stack(after, axis=1), tf.nn.softmax(network.logits(after[1]) / temperature).numpy()

    def scores(self, context: Ints, response: Ints, condition: Ints | None = None) -> Floats:
        """Returns log p of each response: the sum over its tokens that are no pads, (samples,)."""
        return self._scorer.score(self._batch(context, response, condition))[0]

    def perplexity(self, context: Ints, response: Ints, condition: Ints | None = None) -> float:
        """Returns exp(-sum of log p / number of target tokens that are no pads), over all samples."""
        log_p, tokens = self._scorer.score(self._batch(context, response, condition))
        return float(np.exp(-log_p.sum(dtype=np.float64) / tokens.sum()))

    def mean_perplexity(self, context: Ints, response: Ints, condition: Ints | None = None) -> float:
        """Returns CakeChat's measure: the mean over samples of exp(-log p / number of target tokens)."""
        log_p, tokens = self._scorer.score(self._batch(context, response, condition))
        return float(np.mean(np.exp(-log_p.astype(np.float64) / tokens)))

    def swap_context_and_response(self, context: Ints, response: Ints) -> tuple[Ints, Ints]:
        """Makes what the reverse model reads: the last line of each context and the response change places."""
        return swap_context_and_response(context, response, self._words, self._packer)

    @functools.cached_property
    def reverse(self) -> CakeChat:
        """The reverse model, to ask it the same things with `swap_context_and_response` arrays.

        Raises:
            UserError: There is none.
        """
        if self._model.reverse is None:
            raise UserError("this model has no reverse model", "train with reverse = true in [trainer]")
        return CakeChat(attrs.evolve(self._model, network=self._model.reverse, reverse=None))

    def mmi_scores(
        self,
        context: Ints,
        candidates: Sequence[Ints],
        condition: Ints | None = None,
        weight: float = 1.0,
        repetition_penalty: float = 10.0,
    ) -> list[Floats]:
        """Scores candidates by maximum mutual information, see `reranking`.

        Args:
            context: What was said.
            candidates: For each sample (candidates, tokens) ids, the start token first.
            condition: Ids of labels.
            weight: That of the reverse model, from 0 to 1.
            repetition_penalty: What a repeated token costs.

        Returns:
            For each sample (candidates,) scores.

        Raises:
            UserError: There is no reverse model.
        """
        rules = DecodingOptions(max_tokens=1, temperature=1.0, repetition_penalty=repetition_penalty)
        thoughts, condition = self.thought_vectors(context), self._condition(condition, len(context))
        return self._reranker.score(context, thoughts, condition, candidates, weight, rules)

    def beams(
        self,
        context: Ints,
        condition: Ints | None = None,
        beams: int = 10,
        max_tokens: int = 40,
        repetition_penalty: float = 10.0,
    ) -> list[Ints]:
        """Looks for the most likely answers.

        Returns:
            For each sample (found, 1 + max_tokens) ids, the start token first, the most likely first.
        """
        rules = DecodingOptions(max_tokens=max_tokens, temperature=1.0, repetition_penalty=repetition_penalty)
        return self._beam_search.search(
            self.thought_vectors(context), self._condition(condition, len(context)), rules, beams
        )

    def samples(
        self,
        context: Ints,
        seed: Sequence[int],
        condition: Ints | None = None,
        temperature: float = 0.5,
        max_tokens: int = 40,
        repetition_penalty: float = 10.0,
    ) -> Ints:
        """Draws an answer to each context: (samples, tokens) ids without the start token; `seed` is two integers."""
        rules = DecodingOptions(max_tokens=max_tokens, temperature=temperature, repetition_penalty=repetition_penalty)
        return self._sampler.draw(self.thought_vectors(context), self._condition(condition, len(context)), rules, seed)

    @functools.cached_property
    def _output(self) -> OutputLayer:
        """Made when answers are asked for: who only wants scores need not wait for it."""
        return fastest_output_layer(self._model.network)

    @functools.cached_property
    def _beam_search(self) -> BeamSearch:
        return BeamSearch(self._model.network, self._output, self._words)

    @functools.cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._model.network, self._output, self._words)

    @functools.cached_property
    def _reranker(self) -> Reranker:
        return Reranker(self._scorer, self.reverse._scorer, self._words, self._packer)

    def _batch(self, context: Ints, response: Ints, condition: Ints | None) -> Batch:
        contexts = self._packer.pack_context_ids(context)
        return self._packer.pack_batch(contexts, self._condition(condition, len(context)), response)

    def _condition(self, condition: Ints | None, samples: int) -> Ints:
        if condition is None:
            return np.full(samples, self.conditions.id(NEUTRAL), np.int32)
        return np.asarray(condition, np.int32)

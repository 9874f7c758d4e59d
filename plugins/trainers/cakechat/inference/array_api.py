"""A Python API of trained models: thought vectors, probabilities, scores, beams and samples as NumPy arrays.

Example:
    ```python
    from pathlib import Path
    from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat

    model = CakeChat.load(Path("model"))
    context = model.context_ids([["hi", "hello, how are you?"]])
    response = model.response_ids(["fine, and you?"])
    model.thought_vectors(context)            # (1, hidden)
    model.scores(context, response)           # (1,) log p(response | context)
    model.beams(context)                      # a list of one array (beams, tokens)
    ```

All methods use these arrays:

- `context`: (samples, context lines, tokens) token ids. The newest line is last; missing lines at the front contain pad
  tokens only; each line is padded at its end.
- `response`: (samples, tokens) token ids with the start token, padded at the end.
- `condition`: (samples,) label ids; None for `neutral`.
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
from autocakechat.plugins.trainers.cakechat.data.vocabulary import NEUTRAL
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import Reranker, swap_context_and_response
from autocakechat.plugins.trainers.cakechat.inference.sampler import Sampler
from autocakechat.plugins.trainers.cakechat.inference.text_arrays import context_arrays, reply_array
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.hred import States
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, has_reverse, load_model
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.network.selection import softmax


class CakeChat:
    """A trained model.

    Args:
        model: A loaded model folder.

    Attributes:
        vocabulary: The tokens and their ids.
        conditions: The labels and their ids.
    """

    def __init__(self, model: Model) -> None:
        self.vocabulary = model.vocabulary
        self.conditions = model.conditions
        self._model = model
        self._packer = model.batcher.packer
        self._rules = TokenRules.from_vocabulary(model.vocabulary, normalise_token=model.style.normalise_token)
        self._scorer = Scorer(model.network, model.vocabulary.pad)

    @classmethod
    def load(cls, folder: Path) -> CakeChat:
        """Loads a model folder, with its reverse model if there is one.

        Raises:
            UserError: The folder is damaged.
        """
        return cls(load_model(folder, reverse=has_reverse(folder)))

    def context_ids(self, contexts: Sequence[Sequence[str]]) -> Ints:
        """Converts contexts, each a sequence of lines, oldest first: (samples, context lines, tokens) ids."""
        lines, context = context_arrays(self._model, contexts)
        return lines[context]

    def response_ids(self, responses: Sequence[str]) -> Ints:
        """Converts responses: (samples, tokens) ids."""
        return reply_array(self._model, responses)

    def encodings(self, lines: Ints) -> Floats:
        """Computes the utterance encodings of lines: (lines, tokens) ids -> (lines, hidden)."""
        contexts = self._packer.pack_contexts(lines, np.arange(len(lines), dtype=np.int32)[:, None])
        encoded = self._model.network.encode_utterances(contexts.lines)
        return encoded[contexts.line_numbers.values][contexts.unsorted_indices]

    def thought_vectors(self, context: Ints) -> Floats:
        """Computes the thought vectors of contexts: (samples, hidden)."""
        return self._model.network.encode_contexts(self._packer.pack_context_ids(context))

    def probabilities(
        self, context: Ints, response: Ints, condition: Ints | None = None, temperature: float = 1.0
    ) -> Floats:
        """Computes p(y_t | y_1 .. y_{t-1}, x) = softmax(l_t / T) for every token of the vocabulary at every position.

        Returns:
            (samples, tokens - 1, vocabulary).
        """
        replies = self._packer.pack_replies(self._condition(condition, len(context)), response, include_padding=True)
        states = self._model.network.decode(self.thought_vectors(context), replies)
        probabilities = softmax(self._model.network.logits(states), temperature)
        return unpack_replies(probabilities, replies, response.shape[1] - 1)

    def step(
        self, last: Ints, thoughts: Floats, states: Floats, condition: Ints | None = None, temperature: float = 1.0
    ) -> tuple[Floats, Floats]:
        """Runs one step of the decoder.

        Args:
            last: (samples,) ids of the last tokens.
            thoughts: (samples, thought size) thought vectors.
            states: (samples, 2, hidden) hidden states of the decoder's two GRUs; zeros before the first step.
            condition: (samples,) ids of labels.
            temperature: T in softmax(l / T).

        Returns:
            The new states (samples, 2, hidden), and the probabilities of the next token (samples, vocabulary).
        """
        network = self._model.network
        static_input = network.project_static_input(thoughts, self._condition(condition, len(last)))
        new = network.step(last, static_input, States(states[:, 0], states[:, 1], states[:, 1]))
        return np.stack([new.first, new.second], axis=1), softmax(network.logits(new.output), temperature)

    def scores(self, context: Ints, response: Ints, condition: Ints | None = None) -> Floats:
        """Computes log p(response | context), summed over the target tokens except pads: (samples,)."""
        return self._scorer.score(self._batch(context, response, condition))[0]

    def perplexity(self, context: Ints, response: Ints, condition: Ints | None = None) -> float:
        """Computes exp(-sum of log p / number of target tokens except pads), over all samples."""
        log_p, tokens = self._scorer.score(self._batch(context, response, condition))
        return float(np.exp(-log_p.sum(dtype=np.float64) / tokens.sum()))

    def mean_perplexity(self, context: Ints, response: Ints, condition: Ints | None = None) -> float:
        """Computes CakeChat's metric: the mean over samples of exp(-log p / number of target tokens except pads)."""
        log_p, tokens = self._scorer.score(self._batch(context, response, condition))
        return float(np.mean(np.exp(-log_p.astype(np.float64) / tokens)))

    def swap_context_and_response(self, context: Ints, response: Ints) -> tuple[Ints, Ints]:
        """Makes the inputs of the reverse model: swaps the last line of each context and the response."""
        return swap_context_and_response(context, response, self._rules, self._packer)

    @functools.cached_property
    def reverse(self) -> CakeChat:
        """The reverse model. Its inputs are the outputs of `swap_context_and_response`.

        Raises:
            UserError: The model folder contains no reverse model.
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
        """Scores candidates by maximum mutual information, see `mmi_reranking`.

        Args:
            context: (samples, context lines, tokens) ids.
            candidates: For each sample (candidates, tokens) ids with the start token.
            condition: (samples,) ids of labels.
            weight: lambda, the weight of the reverse model, from 0 to 1.
            repetition_penalty: The penalty for each repeated token.

        Returns:
            For each sample (candidates,) scores.

        Raises:
            UserError: The model folder contains no reverse model.
        """
        options = DecodingOptions(max_tokens=1, temperature=1.0, repetition_penalty=repetition_penalty)
        thoughts, condition = self.thought_vectors(context), self._condition(condition, len(context))
        reranker = Reranker(self._scorer, self.reverse._scorer, self._rules, self._packer)
        return reranker.score(context, thoughts, condition, candidates, weight, options)

    def beams(
        self,
        context: Ints,
        condition: Ints | None = None,
        beams: int = 10,
        max_tokens: int = 40,
        repetition_penalty: float = 10.0,
    ) -> list[Ints]:
        """Finds the most likely responses by beam search.

        Returns:
            For each sample (responses, 1 + max_tokens) ids with the start token, the most likely response first.
        """
        options = DecodingOptions(max_tokens=max_tokens, temperature=1.0, repetition_penalty=repetition_penalty)
        thoughts, condition = self.thought_vectors(context), self._condition(condition, len(context))
        return BeamSearch(self._model.network, self._rules).search(thoughts, condition, options, beams)

    def samples(
        self,
        context: Ints,
        seed: Sequence[int],
        condition: Ints | None = None,
        temperature: float = 0.5,
        max_tokens: int = 40,
        repetition_penalty: float = 10.0,
    ) -> Ints:
        """Samples a response to each context.

        Args:
            context: (samples, context lines, tokens) ids.
            seed: Integers; the same give the same responses.
            condition: (samples,) ids of labels.
            temperature: T in softmax(l / T).
            max_tokens: Maximum number of tokens of a response.
            repetition_penalty: The factor by which the probability of a token falls once it is used, at T = 1.

        Returns:
            (samples, max_tokens) ids without the start token.
        """
        options = DecodingOptions(max_tokens=max_tokens, temperature=temperature, repetition_penalty=repetition_penalty)
        thoughts, condition = self.thought_vectors(context), self._condition(condition, len(context))
        return Sampler(self._model.network, self._rules).sample(
            thoughts, condition, options, np.random.default_rng(seed)
        )

    def _batch(self, context: Ints, response: Ints, condition: Ints | None) -> Batch:
        contexts = self._packer.pack_context_ids(context)
        return self._packer.pack_batch(contexts, self._condition(condition, len(context)), response)

    def _condition(self, condition: Ints | None, samples: int) -> Ints:
        if condition is None:
            return np.full(samples, self.conditions.id(NEUTRAL), np.int32)
        return np.asarray(condition, np.int32)

"""Sample replies: the network's replies to the same few validation contexts, after each epoch."""

from __future__ import annotations

import functools

import attrs
import numpy as np

from autocakechat import Request
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.inference.responder import CakeChatResponder
from autocakechat.plugins.trainers.cakechat.network.model_files import Model
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions


@attrs.frozen
class Prompt:
    """A context with the reply of the person, both without unknown words.

    Attributes:
        context: Lines of the context, oldest first.
        reply: The reply of the person.
        label: The label of the reply.
    """

    context: list[str]
    reply: str
    label: str


class SampleReplies:
    """Generates replies to a fixed set of prompts.

    Args:
        model: The model in training.
        samples: Samples from which the prompts are chosen.
        number: Number of prompts.
        seed: Seed for choosing the prompts and for sampling the replies.

    Attributes:
        prompts: The prompts, in the order of the samples.
    """

    def __init__(self, model: Model, samples: Samples, number: int, seed: int) -> None:
        indices = np.random.default_rng(seed).permutation(len(samples))[:number]
        self.prompts = [_prompt(model, samples, index) for index in sorted(indices.tolist())]
        self._model = attrs.evolve(model, reverse=None)
        self._seed = seed

    def generate(self) -> list[str]:
        """Returns the reply of the network, with its current weights, to each prompt."""
        if not self.prompts:
            return []
        requests = [Request(prompt.context, prompt.label) for prompt in self.prompts]
        return [reply.text for reply in self._responder.respond(requests)]

    @functools.cached_property
    def _responder(self) -> CakeChatResponder:
        """Cached, since its first call compiles the decoder."""
        return CakeChatResponder(self._model, ReplyOptions(seed=self._seed), Float32OutputLayer(self._model.network))


def _prompt(model: Model, samples: Samples, index: int) -> Prompt:
    def text_of(line: int) -> str:
        start = samples.lines.starts[line]
        ids = samples.lines.tokens[start : start + samples.lines.lengths[line]]
        return model.style.join(model.vocabulary.decode(ids.tolist()))

    return Prompt(
        context=[text_of(line) for line in samples.context[index].tolist() if samples.lines.lengths[line]],
        reply=text_of(int(samples.reply[index])),
        label=model.conditions.labels[samples.condition[index]],
    )

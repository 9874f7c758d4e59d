"""Sample replies: the network's replies to the same few validation contexts, after each epoch."""

from __future__ import annotations

import attrs
import numpy as np

from autocakechat import Request
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES
from autocakechat.plugins.trainers.cakechat.inference.responder import CakeChatResponder
from autocakechat.plugins.trainers.cakechat.network.model_files import Model
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.training.preparation import PreparedTraining
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.weights import to_numpy


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
        prepared: The model in training, and the validation samples from which the prompts are chosen.
        network: Its network.
        number: Number of prompts.
        seed: Seed for choosing the prompts and for sampling the replies.

    Attributes:
        prompts: The prompts, in the order of the samples.
    """

    def __init__(self, prepared: PreparedTraining, network: TrainableNetwork, number: int, seed: int) -> None:
        indices = np.random.default_rng(seed).permutation(len(prepared.validation))[:number]
        self.prompts = [_prompt(prepared, index) for index in sorted(indices.tolist())]
        self._prepared = prepared
        self._network = network
        self._seed = seed

    def generate(self) -> list[str]:
        """Returns the reply of the network, with its current weights, to each prompt."""
        if not self.prompts:
            return []
        prepared = self._prepared
        model = Model(prepared.settings, prepared.vocabulary, prepared.conditions, to_numpy(self._network))
        responder = CakeChatResponder(model, ReplyOptions(seed=self._seed))
        requests = [Request(prompt.context, prompt.label) for prompt in self.prompts]
        return [reply.text for reply in responder.respond(requests)]


def _prompt(prepared: PreparedTraining, index: int) -> Prompt:
    samples, style = prepared.validation, STYLES[prepared.settings.text]

    def text_of(line: int) -> str:
        start = samples.lines.starts[line]
        ids = samples.lines.tokens[start : start + samples.lines.lengths[line]]
        return style.join(prepared.vocabulary.decode(ids.tolist()))

    return Prompt(
        context=[text_of(line) for line in samples.context[index].tolist() if samples.lines.lengths[line]],
        reply=text_of(int(samples.reply[index])),
        label=prepared.conditions.labels[samples.condition[index]],
    )

"""Has a network answer the same few lines again and again while it learns."""

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
class Scene:
    """A place in a conversation, as the network knows it: without words that it does not know.

    Attributes:
        context: The lines said, oldest first.
        answer: What the server said next.
        emotion: The label of the answer.
    """

    context: list[str]
    answer: str
    emotion: str


class Rehearsal:
    """Answers scenes.

    Args:
        model: The network that learns, and what its numbers mean.
        samples: Where to take the scenes from.
        number: How many.
        seed: Seed of the choice, and of the answers.

    Attributes:
        scenes: The scenes.
    """

    def __init__(self, model: Model, samples: Samples, number: int, seed: int) -> None:
        chosen = np.random.default_rng(seed).permutation(len(samples))[:number]
        self.scenes = [_scene(model, samples, place) for place in sorted(chosen.tolist())]
        self._model = attrs.evolve(model, reverse=None)
        self._seed = seed

    def replies(self) -> list[str]:
        """Returns what the network answers now, scene by scene."""
        requests = [Request(scene.context, scene.emotion) for scene in self.scenes]
        return [reply.text for reply in self._responder.respond(requests)] if requests else []

    @functools.cached_property
    def _responder(self) -> CakeChatResponder:
        """Made once, since it is compiled when it is first asked."""
        return CakeChatResponder(self._model, ReplyOptions(seed=self._seed), Float32OutputLayer(self._model.network))


def _scene(model: Model, samples: Samples, place: int) -> Scene:
    def text(line: int) -> str:
        start = samples.lines.starts[line]
        ids = samples.lines.tokens[start : start + samples.lines.lengths[line]]
        return model.style.join(model.vocabulary.decode(ids.tolist()))

    context = [text(line) for line in samples.context[place].tolist() if samples.lines.lengths[line]]
    return Scene(context, text(int(samples.reply[place])), model.conditions.labels[samples.condition[place]])

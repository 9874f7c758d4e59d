"""What one network is taught, and the teaching of it: the same for the model and the reverse model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from autocakechat import RunContext
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.data.unigram import token_frequencies, unigram_perplexity
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Arrays, get_weights, set_weights
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.training.history import History, Onlooker
from autocakechat.plugins.trainers.cakechat.training.loop import Plan, Training
from autocakechat.plugins.trainers.cakechat.training.tensorboard_log import board
from autocakechat.plugins.trainers.cakechat.training.word2vec import word_vectors


@attrs.frozen(eq=False)
class Lesson:
    """What a network is taught.

    Attributes:
        name: "forward" or "reverse".
        batcher: Makes batches.
        samples: What to learn from.
        validation: What to measure on.
        weights: What the network begins with; None for one that knows nothing.
    """

    name: str
    batcher: Batcher
    samples: Samples
    validation: Samples
    weights: Arrays | None


def teach(
    network: Network,
    lesson: Lesson,
    plan: Plan,
    options: Options,
    run: RunContext,
    replies: Callable[[], list[str]] = list,
) -> tuple[History, dict[str, Any]]:
    """Teaches a network.

    Args:
        network: The network; ends with the best weights found.
        lesson: What it is taught.
        plan: How.
        options: The options of `[trainer]`.
        run: Log, progress and a place for checkpoints.
        replies: Has the network answer a few lines, after each epoch.

    Returns:
        What came of it; and `perplexity`, `unigram_perplexity` and, if it began with weights, `start_perplexity`.

    Raises:
        StageError: Training went astray.
    """
    frequencies = token_frequencies(lesson.batcher, lesson.samples)
    unigram = unigram_perplexity(frequencies, lesson.batcher, lesson.validation)
    run.log.info("%s model: word frequencies alone have a perplexity of %.1f", lesson.name, unigram)
    if lesson.weights is not None:
        set_weights(network, lesson.weights, Path("start model"))
    else:
        # A network that begins with the frequencies need not spend its first steps on them.
        network.output_bias.assign(np.log(frequencies))
        if options.word2vec:
            _begin_with_word_vectors(network, lesson, plan.seed)
    onlooker = Onlooker(replies)
    if options.tensorboard:
        onlooker = Onlooker(replies, board(options.tensorboard / lesson.name))
    training = Training(
        network,
        lesson.batcher,
        lesson.samples,
        lesson.validation,
        plan,
        run,
        lesson.name,
        _fingerprint(network, lesson, plan),
        onlooker,
    )
    figures: dict[str, Any] = {"unigram_perplexity": unigram}
    if lesson.weights is not None:
        figures["start_perplexity"] = training.perplexity(lesson.validation)
        run.log.info("%s model: begins with a perplexity of %.1f", lesson.name, figures["start_perplexity"])
    history = training.run()
    return history, {"perplexity": history.perplexities[history.best]} | figures


def _begin_with_word_vectors(network: Network, lesson: Lesson, seed: int) -> None:
    spread = float(np.std(network.context_embedding.embeddings))
    size, vocabulary = network.settings.embedding, lesson.batcher.vocabulary
    vectors = word_vectors(lesson.samples.lines, vocabulary, size, spread, seed)
    network.context_embedding.embeddings.assign(vectors)
    network.response_embedding.embeddings.assign(vectors)


def _fingerprint(network: Network, lesson: Lesson, plan: Plan) -> str:
    """Names a training: what is the same if and only if a checkpoint may be gone on from."""
    batcher, samples = lesson.batcher, lesson.samples
    lengths = [batcher.line_tokens, batcher.reply_tokens, batcher.padding, batcher.reverse]
    plain = attrs.asdict(attrs.evolve(plan, checkpoint_seconds=0.0))
    made_by = [attrs.asdict(network.settings), lengths, plain, batcher.vocabulary.tokens]
    digest = hashlib.sha256(json.dumps(made_by, ensure_ascii=False).encode())
    for array in (samples.lines.tokens, samples.lines.starts, samples.context, samples.reply, samples.condition):
        digest.update(array.tobytes())
    for weight in get_weights(network).values():
        digest.update(weight.tobytes())
    return digest.hexdigest()

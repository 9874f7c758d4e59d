"""From a corpus to a model folder."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from autocakechat import Corpus, RunContext, StageError, UserError, Utterance, write_whole
from autocakechat.plugins.trainers.cakechat import Options
from autocakechat.plugins.trainers.cakechat.backend import tf
from autocakechat.plugins.trainers.cakechat.board import board
from autocakechat.plugins.trainers.cakechat.folder import (
    Arrays,
    Model,
    ModelSettings,
    save_model,
    set_weights,
    weights_of,
    write_json,
)
from autocakechat.plugins.trainers.cakechat.frequencies import token_frequencies, unigram_perplexity
from autocakechat.plugins.trainers.cakechat.history import History, Onlooker
from autocakechat.plugins.trainers.cakechat.network import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.rehearsal import Rehearsal
from autocakechat.plugins.trainers.cakechat.samples import (
    Batcher,
    Samples,
    Targets,
    answer_places,
    make_samples,
    reversed_samples,
)
from autocakechat.plugins.trainers.cakechat.sizes import Size, size_of
from autocakechat.plugins.trainers.cakechat.starting import load_start, with_new_labels, with_new_words
from autocakechat.plugins.trainers.cakechat.text import STYLES, Style
from autocakechat.plugins.trainers.cakechat.training import Plan, Training
from autocakechat.plugins.trainers.cakechat.training_page import training_page
from autocakechat.plugins.trainers.cakechat.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.word_vectors import word_vectors


@attrs.frozen
class _Counts:
    """What one pass over the training part tells: how often each token occurs, all labels, the number of answers."""

    tokens: Counter[str]
    labels: set[str]
    answers: int


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Trains a network, from scratch or from a start model, and writes a model folder.

    Args:
        options: The options of `[trainer]`.
        corpus: What to learn from.
        into: An empty folder for the model.
        run: Log, progress, seed and a place for checkpoints.

    Returns:
        `perplexity`, `unigram_perplexity`, `samples`, `validation_samples`, `words`, `weights`, `epochs`,
        `seconds`; `start_perplexity` if there is a start model; `reverse_perplexity` if there is a reverse model.

    Raises:
        UserError: There is too little to learn from, or the start model cannot be used.
        StageError: Training went astray, or memory is short.
    """
    try:
        return _train(options, corpus, into, run)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise StageError(
            "there is not enough memory to train this network",
            "lower trainer.batch_size, or take a smaller trainer.size or trainer.vocabulary",
        ) from None


def _train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    start = load_start(options, run) if options.start == "pretrained" else None
    style = STYLES[start.settings.text if start else options.text]
    counts = _count(corpus.dialogs("train"), style, options.targets)
    if counts.answers < options.min_pairs:
        raise UserError(
            f"{corpus.path}: {counts.answers} answers to train on, and at least {options.min_pairs} are needed",
            "sensible talk begins at some thousands: read more chats, or lower trainer.min_pairs to try",
        )
    seed = run.seed % 2**31  # TensorFlow's seeds are that small
    size = size_of(options, counts.answers, start.settings.network.hidden if start else None)
    if start is None:
        vocabulary = Vocabulary.of(counts.tokens, size.vocabulary, options.min_count, style.variants)
        conditions = Conditions.of(counts.labels)
        settings = _settings(options, size, vocabulary, conditions)
    else:
        start = with_new_words(start, counts.tokens, options.new_words, options.min_count, seed)
        start = with_new_labels(start, counts.labels)
        vocabulary, conditions, settings = start.vocabulary, start.conditions, start.settings
    samples, validation = (
        make_samples(
            corpus.dialogs(part), style.tokenize, vocabulary, conditions, settings.context_lines, options.targets
        )
        for part in ("train", "validation")
    )
    if not len(validation):
        raise UserError(
            f"{corpus.path}: no answers to measure with in validation.jsonl", "read more chats, or split otherwise"
        )

    network = Network(settings.network, None if start else seed)
    model = Model(settings, vocabulary, conditions, network)
    weights = sum(math.prod(weight.shape) for weight in network.named_weights().values())
    run.log.info(
        "%d samples, %d for validation, %d words, %d weights", len(samples), len(validation), len(vocabulary), weights
    )
    plan = _plan(options, size, seed)
    forward = _Lesson("forward", model.batcher, samples, validation, start.weights if start else None)
    rehearsal = Rehearsal(model, validation, options.rehearsals, seed)
    history, figures = _teach(network, forward, plan, options, run, rehearsal.replies)
    metrics = figures | {
        "samples": len(samples),
        "validation_samples": len(validation),
        "words": len(vocabulary),
        "weights": weights,
        "epochs": len(history.perplexities),
        "seconds": round(history.seconds, 1),
    }
    histories = {"forward": history}
    if options.reverse:
        old = start.reverse if start else None
        reverse = Network(settings.network, None if old else seed + 1)
        model = attrs.evolve(model, reverse=reverse)
        backward = _Lesson(
            "reverse",
            attrs.evolve(model.batcher, reverse=True),
            reversed_samples(samples),
            reversed_samples(validation),
            old,
        )
        history, figures = _teach(reverse, backward, plan, options, run)
        metrics["reverse_perplexity"] = figures["perplexity"]
        metrics["seconds"] = round(metrics["seconds"] + history.seconds, 1)
        histories["reverse"] = history

    save_model(model, into)
    write_json(into / "training.json", {name: attrs.asdict(history) for name, history in histories.items()})
    write_whole(into / "training.html", training_page(metrics, histories, rehearsal.scenes).encode())
    if start:
        write_json(into / "start.json", start.files)
    return metrics


@attrs.frozen(eq=False)
class _Lesson:
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


def _teach(
    network: Network,
    lesson: _Lesson,
    plan: Plan,
    options: Options,
    run: RunContext,
    replies: Callable[[], list[str]] = list,
) -> tuple[History, dict[str, Any]]:
    """Teaches a network; returns what came of it, and figures."""
    frequencies = token_frequencies(lesson.batcher, lesson.samples)
    unigram = unigram_perplexity(frequencies, lesson.batcher, lesson.validation)
    run.log.info("%s model: word frequencies alone have a perplexity of %.1f", lesson.name, unigram)
    if lesson.weights is None:
        # A network that begins with the frequencies need not spend its first steps on them.
        network.output_bias.assign(np.log(frequencies))
        if options.word2vec:
            spread = float(np.std(network.context_embedding.embeddings))
            vectors = word_vectors(
                lesson.samples.lines, lesson.batcher.vocabulary, network.settings.embedding, spread, plan.seed
            )
            network.context_embedding.embeddings.assign(vectors)
            network.response_embedding.embeddings.assign(vectors)
    else:
        set_weights(network, lesson.weights, Path("start model"))
    write = board(options.tensorboard / lesson.name) if options.tensorboard else None
    onlooker = Onlooker(replies, write) if write else Onlooker(replies)
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


def _count(dialogs: Iterable[Sequence[Utterance]], style: Style, targets: Targets) -> _Counts:
    tokens: Counter[str] = Counter()
    labels: set[str] = set()
    answers = 0
    for dialog in dialogs:
        for number, utterance in enumerate(dialog):
            found = style.tokenize(utterance.text)
            tokens.update(found)
            labels.add(utterance.emotion)
            answers += number in answer_places(dialog, targets) and bool(found)
    return _Counts(tokens, labels, answers)


def _settings(options: Options, size: Size, vocabulary: Vocabulary, conditions: Conditions) -> ModelSettings:
    return ModelSettings(
        network=NetworkSettings(
            tokens=len(vocabulary),
            conditions=len(conditions.labels),
            embedding=size.embedding,
            condition_embedding=size.condition_embedding,
            hidden=size.hidden,
            recurrent_activation=options.recurrent_activation,
        ),
        padding=options.padding,
        text=options.text,
        context_lines=options.context_lines,
        line_tokens=options.line_tokens,
        reply_tokens=options.reply_tokens,
    )


def _plan(options: Options, size: Size, seed: int) -> Plan:
    return Plan(
        epochs=size.epochs,
        patience=options.patience,
        batch_size=size.batch_size,
        optimizer=options.optimizer,
        learning_rate=size.learning_rate,
        decay=options.optimizer == "adam" if options.decay is None else options.decay,
        warm_up=options.warm_up,
        clip_norm=options.clip_norm,
        clip_value=options.clip_value,
        dropout=options.dropout,
        seed=seed,
        checkpoint_seconds=options.checkpoint_seconds,
    )


def _fingerprint(network: Network, lesson: _Lesson, plan: Plan) -> str:
    """Names a training: what is the same if and only if a checkpoint may be gone on from."""
    batcher, samples = lesson.batcher, lesson.samples
    lengths = [batcher.line_tokens, batcher.reply_tokens, batcher.padding, batcher.reverse]
    plain = attrs.asdict(attrs.evolve(plan, checkpoint_seconds=0.0))
    made_by = [attrs.asdict(network.settings), lengths, plain, batcher.vocabulary.tokens]
    digest = hashlib.sha256(json.dumps(made_by, ensure_ascii=False).encode())
    for array in (samples.lines.tokens, samples.lines.starts, samples.context, samples.response, samples.condition):
        digest.update(array.tobytes())
    for weight in weights_of(network).values():
        digest.update(weight.tobytes())
    return digest.hexdigest()

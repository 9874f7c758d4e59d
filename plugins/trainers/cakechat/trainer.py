"""From a corpus to a model folder."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat import Corpus, RunContext, UserError, Utterance
from autocakechat.plugins.trainers.cakechat import Options
from autocakechat.plugins.trainers.cakechat.folder import Model, ModelSettings, save_model, write_json
from autocakechat.plugins.trainers.cakechat.network import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.samples import (
    Batcher,
    Samples,
    Targets,
    answer_places,
    make_samples,
    reversed_samples,
)
from autocakechat.plugins.trainers.cakechat.sizes import Size, size_of
from autocakechat.plugins.trainers.cakechat.text import STYLES, Style
from autocakechat.plugins.trainers.cakechat.training import History, Plan, Training
from autocakechat.plugins.trainers.cakechat.vocabulary import Conditions, Vocabulary

Floats = npt.NDArray[np.float64]


@attrs.frozen
class _Counts:
    """What one pass over the training part tells: how often each token occurs, all labels, the number of answers."""

    tokens: Counter[str]
    labels: set[str]
    answers: int


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Trains a network from scratch and writes a model folder.

    Args:
        options: The options of `[trainer]`.
        corpus: What to learn from.
        into: An empty folder for the model.
        run: Log, progress, seed and a place for checkpoints.

    Returns:
        `perplexity`, `unigram_perplexity`, `samples`, `validation_samples`, `words`, `weights`, `epochs`,
        `seconds`, and `reverse_perplexity` if there is a reverse model.

    Raises:
        UserError: There is too little to learn from.
        StageError: Training went astray, or memory is short.
    """
    style = STYLES[options.text]
    counts = _count(corpus.dialogs("train"), style, options.targets)
    if counts.answers < options.min_pairs:
        raise UserError(
            f"{corpus.path}: {counts.answers} answers to train on, and at least {options.min_pairs} are needed",
            "sensible talk begins at some thousands: read more chats, or lower trainer.min_pairs to try",
        )
    size = size_of(options, counts.answers)
    vocabulary = Vocabulary.of(counts.tokens, size.vocabulary, options.min_count, style.variants)
    conditions = Conditions.of(counts.labels)
    samples, validation = (
        make_samples(
            corpus.dialogs(part), style.tokenize, vocabulary, conditions, options.context_lines, options.targets
        )
        for part in ("train", "validation")
    )
    if not len(validation):
        raise UserError(
            f"{corpus.path}: no answers to measure with in validation.jsonl", "read more chats, or split otherwise"
        )

    settings = _settings(options, size, vocabulary, conditions)
    seed = run.seed % 2**31  # TensorFlow's seeds are that small
    network = Network(settings.network, seed)
    model = Model(settings, vocabulary, conditions, network)
    weights = sum(math.prod(weight.shape) for weight in network.named_weights().values())
    run.log.info(
        "%d samples, %d for validation, %d words, %d weights", len(samples), len(validation), len(vocabulary), weights
    )
    plan = _plan(options, size, seed)
    history, unigram = _teach(network, model.batcher, samples, validation, plan, run, "forward")
    metrics = {
        "perplexity": history.perplexities[history.best],
        "unigram_perplexity": unigram,
        "samples": len(samples),
        "validation_samples": len(validation),
        "words": len(vocabulary),
        "weights": weights,
        "epochs": len(history.perplexities),
        "seconds": round(history.seconds, 1),
    }
    histories = {"forward": attrs.asdict(history)}
    if options.reverse:
        reverse = Network(settings.network, seed + 1)
        model = attrs.evolve(model, reverse=reverse)
        batcher = attrs.evolve(model.batcher, reverse=True)
        samples, validation = reversed_samples(samples), reversed_samples(validation)
        history, _ = _teach(reverse, batcher, samples, validation, plan, run, "reverse")
        metrics["reverse_perplexity"] = history.perplexities[history.best]
        metrics["seconds"] = round(metrics["seconds"] + history.seconds, 1)
        histories["reverse"] = attrs.asdict(history)

    save_model(model, into)
    write_json(into / "training.json", histories)
    return metrics


def _teach(
    network: Network, batcher: Batcher, samples: Samples, validation: Samples, plan: Plan, run: RunContext, name: str
) -> tuple[History, float]:
    """Teaches a network; returns what came of it, and the perplexity of token frequencies alone."""
    frequencies = token_frequencies(batcher, samples)
    unigram = unigram_perplexity(frequencies, batcher, validation)
    run.log.info("%s model: word frequencies alone have a perplexity of %.1f", name, unigram)
    # A network that begins with the frequencies need not spend its first steps on them.
    network.output_bias.assign(np.log(frequencies))
    fingerprint = _fingerprint(network.settings, batcher, plan, samples)
    return Training(network, batcher, samples, validation, plan, run, name, fingerprint).run(), unigram


def token_frequencies(batcher: Batcher, samples: Samples) -> Floats:
    """Returns how frequent each token is among the targets, (vocabulary,), one added to each count."""
    counts = _target_counts(batcher, samples) + 1
    frequencies: Floats = counts / counts.sum()
    return frequencies


def unigram_perplexity(frequencies: Floats, batcher: Batcher, validation: Samples) -> float:
    """Returns the perplexity of a model that knows nothing but how frequent each token is.

    Args:
        frequencies: (vocabulary,) from `token_frequencies`.
        batcher: Cuts answers to the same targets as the network's.
        validation: Whose target tokens are to be told.
    """
    counts = _target_counts(batcher, validation)
    return float(np.exp(-(counts @ np.log(frequencies)) / max(counts.sum(), 1)))


def _target_counts(batcher: Batcher, samples: Samples) -> npt.NDArray[np.int64]:
    words = batcher.vocabulary
    targets = np.concatenate([batch.targets for batch in batcher.in_order(samples, 1024)])
    return np.bincount(targets[targets != words.pad], minlength=len(words))


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


def _fingerprint(settings: NetworkSettings, batcher: Batcher, plan: Plan, samples: Samples) -> str:
    """Names a training: what is the same if and only if a checkpoint may be gone on from."""
    lengths = [batcher.line_tokens, batcher.reply_tokens, batcher.padding, batcher.reverse]
    plain = attrs.asdict(attrs.evolve(plan, checkpoint_seconds=0.0))
    made_by = [attrs.asdict(settings), lengths, plain, batcher.vocabulary.tokens]
    digest = hashlib.sha256(json.dumps(made_by, ensure_ascii=False).encode())
    for array in (samples.lines.tokens, samples.lines.starts, samples.context, samples.response, samples.condition):
        digest.update(array.tobytes())
    return digest.hexdigest()

"""From a corpus to a model folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Corpus, RunContext, StageError, write_whole
from autocakechat.plugins.trainers.cakechat.data.samples import reversed_samples
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, save_model, write_json
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.training.fit_network import Lesson, teach
from autocakechat.plugins.trainers.cakechat.training.loop import Plan
from autocakechat.plugins.trainers.cakechat.training.memory_estimate import bytes_available, bytes_needed
from autocakechat.plugins.trainers.cakechat.training.preparation import begin
from autocakechat.plugins.trainers.cakechat.training.presets import Size
from autocakechat.plugins.trainers.cakechat.training.report_page import training_page
from autocakechat.plugins.trainers.cakechat.training.sample_replies import Rehearsal

_SMALLER = "lower trainer.batch_size, or take a smaller trainer.size or trainer.vocabulary"


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
            _SMALLER,
        ) from None


def _train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    seed = run.seed % 2**31  # TensorFlow's seeds are that small
    beginning = begin(options, corpus, seed, run)
    start, samples, validation = beginning.start, beginning.samples, beginning.validation
    plan = _plan(options, beginning.size, seed)
    network = Network(beginning.settings.network, None if start else seed)
    model = Model(beginning.settings, beginning.vocabulary, beginning.conditions, network)
    size = {
        "samples": len(samples),
        "validation_samples": len(validation),
        "words": len(model.vocabulary),
        "weights": sum(math.prod(weight.shape) for weight in network.named_weights().values()),
    }
    run.log.info("%d samples, %d for validation, %d words, %d weights", *size.values())
    needed, available = bytes_needed(size["weights"], plan.batch_size, model.batcher, samples), bytes_available()
    if available is not None and needed > available:
        short = "about %.1f GB of memory will be needed, and %.1f GB are free; %s"
        run.log.warning(short, needed / 1e9, available / 1e9, _SMALLER)

    rehearsal = Rehearsal(model, validation, options.rehearsals, seed)
    lesson = Lesson("forward", model.batcher, samples, validation, start.weights if start else None)
    history, figures = teach(network, lesson, plan, options, run, rehearsal.replies)
    histories = {"forward": history}
    metrics = figures | size | {"epochs": len(history.perplexities), "seconds": round(history.seconds, 1)}
    if options.reverse:
        old = start.reverse if start else None
        reverse = Network(model.settings.network, None if old else seed + 1)
        model = attrs.evolve(model, reverse=reverse)
        turned = attrs.evolve(model.batcher, reverse=True)
        lesson = Lesson("reverse", turned, reversed_samples(samples), reversed_samples(validation), old)
        history, figures = teach(reverse, lesson, plan, options, run)
        histories["reverse"] = history
        metrics["reverse_perplexity"] = figures["perplexity"]
        metrics["seconds"] = round(metrics["seconds"] + history.seconds, 1)

    save_model(model, into)
    write_json(into / "training.json", {name: attrs.asdict(history) for name, history in histories.items()})
    write_whole(into / "training.html", training_page(metrics, histories, rehearsal.scenes).encode())
    if start:
        write_json(into / "start.json", start.checksums)
    return metrics


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

"""The trainer: prepares the data, trains the forward and the reverse network, writes the model folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Corpus, RunContext, StageError, set_aside, write_whole
from autocakechat.plugins.trainers.cakechat.data.samples import reversed_samples
from autocakechat.plugins.trainers.cakechat.inference.threads import choose_threads
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, load_model, save_model, write_json
from autocakechat.plugins.trainers.cakechat.network.settings import weight_shapes
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.ranking.past_replies import PastReplies
from autocakechat.plugins.trainers.cakechat.training.estimates import available_memory, estimate_training_memory
from autocakechat.plugins.trainers.cakechat.training.fit_network import fit
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History
from autocakechat.plugins.trainers.cakechat.training.monitoring.report_page import person_name, training_page
from autocakechat.plugins.trainers.cakechat.training.monitoring.sample_replies import Prompt, SampleReplies
from autocakechat.plugins.trainers.cakechat.training.precision import choose_precision
from autocakechat.plugins.trainers.cakechat.training.preparation import PreparedTraining, prepare
from autocakechat.plugins.trainers.cakechat.training.presets import Hyperparameters
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig
from autocakechat.plugins.trainers.cakechat.training.training_set import TrainingSet
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision
from autocakechat.plugins.trainers.cakechat.training_network.weights import to_numpy

_MEMORY_HINT = "lower trainer.batch_size, or choose a smaller trainer.size or trainer.vocabulary"


def train(
    options: Options, corpus: Corpus, into: Path, run: RunContext, group: WorkerGroup | None = None
) -> Mapping[str, Any]:
    """Trains a network, from scratch or from a start model, and writes a model folder.

    Args:
        options: The options of `[trainer]`.
        corpus: The corpus.
        into: An empty folder for the model.
        run: Log, progress, seed and the folder for checkpoints.
        group: The workers that train the network together. Only the chief writes files; the others leave the folder
            empty.

    Returns:
        The metrics `perplexity`, `unigram_perplexity`, `samples`, `validation_samples`, `words`, `weights`, `epochs`
        and `seconds`; with a start model also `start_perplexity`, with a reverse model `reverse_perplexity`, with
        `ranking` the number `examples` of replies that the ranker was fitted on.

    Raises:
        UserError: The corpus has too few replies, the start model cannot be used, or the training diverged.
        StageError: There is not enough memory, or another worker has ended.
    """
    group = group or WorkerGroup()
    try:
        with group.errors():
            metrics = _train(options, corpus, into, run, group)
            group.wait_for_all()
            return metrics
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise StageError("there is not enough memory to train this network", _MEMORY_HINT) from None


def _train(options: Options, corpus: Corpus, into: Path, run: RunContext, group: WorkerGroup) -> Mapping[str, Any]:
    seed = run.seed % 2**31  # TensorFlow takes seeds of 31 bits
    excluded = set_aside(corpus, options.embedder != "none") if options.ranking else frozenset()
    prepared = prepare(options, corpus, seed, run, excluded)
    config = _training_config(options, prepared.hyperparameters, seed)
    precision = choose_precision(options.precision, run, group)
    network = TrainableNetwork(prepared.settings.network, None if prepared.start else seed, precision)
    batcher = prepared.settings.batcher(prepared.vocabulary)
    sizes = _sizes(prepared)
    hidden = prepared.settings.network.hidden
    memory = estimate_training_memory(sizes["weights"], hidden, config.batch_size, batcher, prepared.samples)
    message = "%d samples, %d for validation, %d words, %d weights; about %.1f GB of memory; products in %s"
    run.log.info(message, *sizes.values(), memory / 1e9, precision)
    _warn_if_memory_is_short(memory, run)

    sample_replies = SampleReplies(prepared, network, options.rehearsals, seed)
    initial_weights = prepared.start.weights if prepared.start else None
    data = TrainingSet("forward", batcher, prepared.samples, prepared.validation, initial_weights)
    history, metrics = fit(network, data, config, options, run, group, sample_replies.generate)
    histories = {"forward": history}
    metrics |= sizes | {"epochs": history.epochs, "seconds": round(history.seconds, 1)}
    model = Model(prepared.settings, prepared.vocabulary, prepared.conditions, to_numpy(network))
    if options.reverse:
        model, history, perplexity = _train_reverse(model, prepared, config, options, run, group, precision)
        histories["reverse"] = history
        metrics["reverse_perplexity"] = perplexity
        metrics["seconds"] = round(metrics["seconds"] + history.seconds, 1)

    if not group.is_chief:
        run.log.info("worker %d of %d: trained; worker 1 writes the model", group.rank + 1, group.size)
        return metrics
    save_model(model, into)
    if options.ranking:
        # Loaded, since the kernels of a model folder are stored as they are read fastest.
        loaded = load_model(into, options.reverse, choose_threads(None))
        metrics["examples"] = PastReplies.write(loaded, corpus, excluded, options, into, run).ranker.weights.moments
    _write_reports(into, metrics, histories, sample_replies.prompts, person_name(corpus.report))
    if prepared.start:
        write_json(into / "start.json", prepared.start.checksums)
    return metrics


def _train_reverse(
    model: Model,
    prepared: PreparedTraining,
    config: TrainingConfig,
    options: Options,
    run: RunContext,
    group: WorkerGroup,
    precision: Precision,
) -> tuple[Model, History, float]:
    """Trains the reverse network, on samples whose last context line and reply are swapped.

    Returns:
        The model with its reverse network, the history, and the validation perplexity.
    """
    initial_weights = prepared.start.reverse if prepared.start else None
    reverse = TrainableNetwork(model.settings.network, None if initial_weights else config.seed + 1, precision)
    data = TrainingSet(
        name="reverse",
        batcher=attrs.evolve(model.batcher, reverse=True),
        samples=reversed_samples(prepared.samples),
        validation=reversed_samples(prepared.validation),
        initial_weights=initial_weights,
    )
    history, metrics = fit(reverse, data, config, options, run, group)
    return attrs.evolve(model, reverse=to_numpy(reverse)), history, metrics["perplexity"]


def _sizes(prepared: PreparedTraining) -> dict[str, int]:
    return {
        "samples": len(prepared.samples),
        "validation_samples": len(prepared.validation),
        "words": len(prepared.vocabulary),
        "weights": sum(map(math.prod, weight_shapes(prepared.settings.network).values())),
    }


def _warn_if_memory_is_short(needed: int, run: RunContext) -> None:
    available = available_memory()
    if available is not None and needed > available:
        message = "training needs about %.1f GB of memory, but only %.1f GB are available; %s"
        run.log.warning(message, needed / 1e9, available / 1e9, _MEMORY_HINT)


def _write_reports(
    folder: Path,
    metrics: Mapping[str, Any],
    histories: Mapping[str, History],
    prompts: Sequence[Prompt],
    person: str | None,
) -> None:
    """Writes `training.json` and `training.html`."""
    write_json(folder / "training.json", {name: attrs.asdict(history) for name, history in histories.items()})
    page = training_page(metrics, histories, prompts, person, date.today())
    write_whole(folder / "training.html", page.encode())


def _training_config(options: Options, hyperparameters: Hyperparameters, seed: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=hyperparameters.epochs,
        patience=options.patience,
        batch_size=hyperparameters.batch_size,
        optimizer=options.optimizer,
        learning_rate=hyperparameters.learning_rate,
        decay=options.optimizer == "adam" if options.decay is None else options.decay,
        warm_up=options.warm_up,
        clip_norm=options.clip_norm,
        clip_value=options.clip_value,
        dropout=options.dropout,
        seed=seed,
        checkpoint_seconds=options.checkpoint_seconds,
    )

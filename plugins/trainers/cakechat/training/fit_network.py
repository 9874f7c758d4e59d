"""Trains one network, the forward or the reverse one: initialisation, unigram baseline, training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autocakechat import RunContext
from autocakechat.plugins.trainers.cakechat.data.unigram import (
    initial_salience,
    token_frequencies,
    unigram_perplexity,
)
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.training.estimates import format_duration
from autocakechat.plugins.trainers.cakechat.training.loop import TrainingLoop
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History, TrainingCallbacks
from autocakechat.plugins.trainers.cakechat.training.monitoring.tensorboard_log import open_scalar_log
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig
from autocakechat.plugins.trainers.cakechat.training.training_set import TrainingSet
from autocakechat.plugins.trainers.cakechat.training.word2vec import word2vec_embeddings
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.weights import set_weights


def fit(
    network: TrainableNetwork,
    data: TrainingSet,
    config: TrainingConfig,
    options: Options,
    run: RunContext,
    group: WorkerGroup,
    sample_replies: Callable[[], list[str]] = list,
) -> tuple[History, dict[str, Any]]:
    """Trains a network.

    Args:
        network: The network; ends with the best weights, which may be the initial ones.
        data: Training and validation samples, initial weights.
        config: How to train.
        options: The options of `[trainer]`.
        run: Log, progress and the folder for checkpoints.
        group: The workers that train the network together.
        sample_replies: Generates replies with the network; called after each epoch.

    Returns:
        The history; and the metrics `perplexity`, `unigram_perplexity` and, with initial weights, `start_perplexity`.

    Raises:
        UserError: The training diverged.
    """
    frequencies = token_frequencies(data.batcher, data.samples)
    baseline = unigram_perplexity(frequencies, data.batcher, data.validation)
    run.log.info("%s model: the unigram baseline has a perplexity of %.1f", data.name, baseline)
    if data.initial_weights is not None:
        set_weights(network, data.initial_weights, Path("start model"))
    else:
        # At zero hidden states the softmax equals the unigram distribution, so no steps are spent on learning it.
        network.output_bias.assign(np.log(frequencies))
        if network.settings.shared_embedding:
            network.words.salience.assign(initial_salience(frequencies, data.batcher.vocabulary))
        if options.word2vec:
            _initialise_embeddings(network, data, config.seed)
    callbacks = _callbacks(options, data.name, sample_replies) if group.is_chief else None
    loop = TrainingLoop(network, data, config, run, callbacks, group)
    metrics: dict[str, Any] = {"unigram_perplexity": baseline}
    if data.initial_weights is not None:
        metrics["start_perplexity"] = loop.perplexity(data.validation)
        run.log.info("%s model: the start model has a perplexity of %.1f", data.name, metrics["start_perplexity"])
    loop.resume()
    _log_duration(loop, data, config, options, run)
    history = loop.run()
    perplexity = history.perplexities[history.best_epoch]
    if data.initial_weights is not None and metrics["start_perplexity"] < perplexity:
        set_weights(network, data.initial_weights, Path("start model"))
        message = (
            "%s model: the training has not improved the start model, so the model has the weights of the start model"
        )
        run.log.warning(message, data.name)
        perplexity = metrics["start_perplexity"]
    return history, {"perplexity": perplexity} | metrics


def _log_duration(
    loop: TrainingLoop, data: TrainingSet, config: TrainingConfig, options: Options, run: RunContext
) -> None:
    """Logs how long the training will take, unless it is finished."""
    seconds = loop.estimate_seconds_left()
    if seconds:
        part = "the rest of " if loop.history.seconds else ""
        reverse = ", and as long again for the reverse model" if options.reverse and data.name == "forward" else ""
        epochs = f"{config.epochs} epochs" if config.epochs > 1 else "1 epoch"
        message = "%s model: about %s for %s%s on this machine%s"
        run.log.info(message, data.name, format_duration(seconds), part, epochs, reverse)


def _callbacks(options: Options, name: str, sample_replies: Callable[[], list[str]]) -> TrainingCallbacks:
    if options.tensorboard is None:
        return TrainingCallbacks(sample_replies)
    return TrainingCallbacks(sample_replies, open_scalar_log(options.tensorboard / name))


def _initialise_embeddings(network: TrainableNetwork, data: TrainingSet, seed: int) -> None:
    """Replaces the random token embeddings by word2vec vectors of the same standard deviation."""
    standard_deviation = float(np.std(network.context_embedding.embeddings))
    vectors = word2vec_embeddings(
        data.samples.lines, data.batcher.vocabulary, network.settings.embedding, standard_deviation, seed
    )
    network.context_embedding.embeddings.assign(vectors)
    network.response_embedding.embeddings.assign(vectors)
    if network.settings.shared_embedding:
        # The vectors of words that occur together are similar, so their sums would make many words too likely at first.
        network.words.output_words.assign(np.zeros(network.settings.embedding))

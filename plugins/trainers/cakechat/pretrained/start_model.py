"""Loads the start model of a training, and adds the tokens and labels of the corpus that it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
import numpy as np

from autocakechat import RunContext, UserError, hash_file
from autocakechat.plugins.trainers.cakechat.data.vocabulary import NEUTRAL, Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.model_files import ModelSettings, load_metadata
from autocakechat.plugins.trainers.cakechat.network.weight_files import Arrays, read_weights
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.files import (
    ModelFolder,
    OriginalFiles,
    find_start_model,
)
from autocakechat.plugins.trainers.cakechat.pretrained.original_model import read_original_model

_SHARED_DEVIATION = 0.1
"""Standard deviation of a new token's shared embedding, in those of all embeddings."""


@attrs.frozen
class StartModel:
    """A trained model whose weights are the initial weights of a training (fine-tuning).

    Attributes:
        settings: The settings of the model.
        vocabulary: The tokens.
        conditions: The labels.
        weights: The weights by name.
        reverse: The weights of the reverse model by name, if there is one.
        checksums: SHA-256 of each file that the model was read from, by file name.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    weights: Arrays
    reverse: Arrays | None
    checksums: dict[str, str]


def load_start_model(options: Options, run: RunContext) -> StartModel:
    """Loads the start model; downloads the published model if `start_path` is not set.

    Args:
        options: The options of `[trainer]`.
        run: Log and progress.

    Raises:
        UserError: The model cannot be downloaded or read, or a file has an unexpected checksum.
    """
    if options.start_path is None:
        from autocakechat.plugins.trainers.cakechat.pretrained.download import download_published_model

        source: ModelFolder | OriginalFiles = download_published_model(options, run)
    else:
        source = find_start_model(options.start_path, options.reverse)
    checksums = {file.name: _verified_checksum(file, options, run) for file in source.files}
    if isinstance(source, ModelFolder):
        settings, vocabulary, conditions = load_metadata(source.path)
        networks = [read_weights(file) for file in source.files if file.suffix == ".safetensors"]
    else:
        settings, vocabulary, conditions, networks = read_original_model(
            source.weights, source.reverse, source.tokens, source.conditions, options.recurrent_activation
        )
    reverse = networks[1] if len(networks) > 1 else None
    return StartModel(settings, vocabulary, conditions, networks[0], reverse, checksums)


def with_new_tokens(start: StartModel, counts: Counter[str], limit: int, min_count: int, seed: int) -> StartModel:
    """Adds the most frequent tokens that the start model lacks.

    The embeddings of a new token are drawn from a normal distribution fitted to the existing embeddings. Its output
    weights are copies of those of the unknown token, with a smaller bias:

        w_new = w_unk,  b_new = b_unk + log s,  so that  p_new = s p_unk

    where s is the token's share of all occurrences of unknown tokens in the corpus. Existing weights do not change, so
    the ratios between the probabilities of existing tokens do not change either. A shared embedding is the output
    weight, too, so it is drawn close to that of the unknown token, and p_new is close to s p_unk.

    Args:
        start: The start model.
        counts: How often each token occurs in the corpus.
        limit: Maximum number of tokens to add.
        min_count: Minimum number of occurrences of an added token.
        seed: Seed of the new embeddings.

    Returns:
        The model with the new tokens after the existing ones.
    """
    unknown = {token: count for token, count in counts.items() if token not in start.vocabulary}
    frequent = [token for token, count in unknown.items() if count >= min_count]
    new_tokens = sorted(frequent, key=lambda token: (-unknown[token], token))[:limit]
    if not new_tokens:
        return start
    log_shares = np.log(np.array([unknown[token] for token in new_tokens]) / sum(unknown.values()))
    unknown_id = start.vocabulary.unknown
    generator = np.random.default_rng(seed)

    def add_tokens(weights: Arrays) -> Arrays:
        bias = weights["output.bias"]
        bias = np.concatenate([bias, bias[unknown_id] + log_shares]).astype(np.float32)
        added = weights | {"output.bias": bias}
        if start.settings.network.shared_embedding:
            table, salience = weights["embedding"], weights["salience"]
            deviation = _SHARED_DEVIATION * table.std(axis=0)
            rows = generator.normal(table[unknown_id], deviation, (len(new_tokens), table.shape[1]))
            added["embedding"] = np.vstack([table, rows.astype(np.float32)])
            added["salience"] = np.append(salience, np.full(len(new_tokens), salience.mean()))
        else:
            kernel = weights["output.kernel"]
            for name in ("context_embedding", "response_embedding"):
                added[name] = _append_random_rows(weights[name], len(new_tokens), generator)
            added["output.kernel"] = np.hstack([kernel, np.repeat(kernel[:, unknown_id, None], len(new_tokens), 1)])
        return added

    vocabulary = start.vocabulary.with_tokens(new_tokens)
    network = attrs.evolve(start.settings.network, tokens=len(vocabulary))
    extended = attrs.evolve(start, settings=attrs.evolve(start.settings, network=network), vocabulary=vocabulary)
    return _map_weights(extended, add_tokens)


def with_new_labels(start: StartModel, labels: Iterable[str]) -> StartModel:
    """Adds the labels of a corpus that the start model lacks. Their embeddings are copies of the one of `neutral`."""
    existing = start.conditions.labels
    new_labels = sorted(set(labels) - set(existing))
    if not new_labels:
        return start
    neutral_id = start.conditions.id(NEUTRAL)

    def add_labels(weights: Arrays) -> Arrays:
        embeddings = weights["condition_embedding"]
        copies = np.repeat(embeddings[None, neutral_id], len(new_labels), axis=0)
        return {**weights, "condition_embedding": np.vstack([embeddings, copies])}

    conditions = Conditions([*existing, *new_labels])
    network = attrs.evolve(start.settings.network, conditions=len(conditions.labels))
    extended = attrs.evolve(start, settings=attrs.evolve(start.settings, network=network), conditions=conditions)
    return _map_weights(extended, add_labels)


def _map_weights(start: StartModel, extend: Callable[[Arrays], Arrays]) -> StartModel:
    """Applies a function to the weights of the model, then to those of its reverse model."""
    weights = extend(start.weights)
    reverse = None if start.reverse is None else extend(start.reverse)
    return attrs.evolve(start, weights=weights, reverse=reverse)


def _append_random_rows(table: np.ndarray, rows: int, generator: np.random.Generator) -> np.ndarray:
    """Appends rows with the mean and the standard deviation of each column: (n, size) -> (n + rows, size)."""
    new_rows = generator.normal(table.mean(axis=0), table.std(axis=0), (rows, table.shape[1]))
    return np.vstack([table, new_rows.astype(np.float32)])


def _verified_checksum(file: Path, options: Options, run: RunContext) -> str:
    """Returns the SHA-256 of a file, and checks it against `trainer.sha256` if that is set."""
    checksum = hash_file(file)
    run.log.info("start model: SHA-256 of %s: %s", file.name, checksum)
    if options.sha256 and checksum not in options.sha256:
        raise UserError(
            f"{file}: the SHA-256 {checksum} is not listed in trainer.sha256",
            "add it if you trust the file; otherwise get the file again from a source you trust",
        )
    return checksum

"""What a training begins with: weights, and what their numbers mean; and new words and labels for both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import attrs
import numpy as np

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.cakechat.data.vocabulary import NEUTRAL, Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.model_files import (
    Arrays,
    ModelSettings,
    load_parts,
    read_arrays,
)
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.files import ModelFolder, OriginalFiles, find
from autocakechat.plugins.trainers.cakechat.pretrained.keras2_weights import read_original


@attrs.frozen
class StartModel:
    """A model to begin with.

    Attributes:
        settings: Its settings.
        vocabulary: Its tokens.
        conditions: Its labels.
        weights: Its weights by name.
        reverse: Those of its reverse model, if there is one.
        files: The SHA-256 of each file it was read from, by name.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    weights: Arrays
    reverse: Arrays | None
    files: dict[str, str]


def load_start_model(options: Options, run: RunContext) -> StartModel:
    """Loads the start model that the options name, and fetches it first if it is the published one.

    Args:
        options: The options of `[trainer]`.
        run: Log and progress.

    Raises:
        UserError: It cannot be had or read, or is another one than `sha256` says.
    """
    if options.start_path is None:
        from autocakechat.plugins.trainers.cakechat.pretrained.download import download_published_model

        found: ModelFolder | OriginalFiles = download_published_model(options, run)
    else:
        found = find(options.start_path, options.reverse)
    files = {}
    for file in found.files:
        files[file.name] = digest = _sha256(file)
        run.log.info("start model: %s has the SHA-256 %s", file.name, digest)
        if options.sha256 and digest not in options.sha256:
            raise UserError(
                f"{file}: has the SHA-256 {digest}, which trainer.sha256 does not name",
                "add it there if you trust the file; else remove the file and get it again",
            )
    if isinstance(found, ModelFolder):
        settings, vocabulary, conditions = load_parts(found.path)
        weights, *more = (read_arrays(file)[0] for file in found.files if file.suffix == ".safetensors")
    else:
        settings, vocabulary, conditions, (weights, *more) = read_original(
            found.weights, found.reverse, found.tokens, found.conditions, options.recurrent_activation
        )
    return StartModel(settings, vocabulary, conditions, weights, more[0] if more else None, files)


def with_new_tokens(start: StartModel, counts: Counter[str], most: int, min_count: int, seed: int) -> StartModel:
    """Adds the most frequent tokens that a start model lacks.

    Each gets fresh vectors, distributed like those that are there. In the output layer it takes its share of what the
    model gives to the unknown token, so that at first everything else is as likely as it was, but for that share.

    Args:
        start: The start model; its own numbers stay what they are.
        counts: How often each token of the corpus occurs.
        most: How many tokens to add at most.
        min_count: How often a token must occur to be added.
        seed: Seed of the vectors.

    Returns:
        The model with the new tokens behind the old ones.
    """
    unknown = {token: count for token, count in counts.items() if token not in start.vocabulary}
    new = sorted(
        (token for token in unknown if unknown[token] >= min_count), key=lambda token: (-unknown[token], token)
    )
    new = new[:most]
    if not new:
        return start
    shares = np.log(np.array([unknown[token] for token in new]) / sum(unknown.values()))
    random = np.random.default_rng(seed)

    def grown(weights: Arrays) -> Arrays:
        kernel, bias, place = weights["output.kernel"], weights["output.bias"], start.vocabulary.unknown
        return {
            **weights,
            "context_embedding": _more_rows(weights["context_embedding"], len(new), random),
            "response_embedding": _more_rows(weights["response_embedding"], len(new), random),
            "output.kernel": np.hstack([kernel, np.repeat(kernel[:, place, None], len(new), axis=1)]),
            "output.bias": np.concatenate([bias, bias[place] + shares]).astype(np.float32),
        }

    vocabulary = start.vocabulary.with_tokens(new)
    network = attrs.evolve(start.settings.network, tokens=len(vocabulary))
    return attrs.evolve(
        start,
        settings=attrs.evolve(start.settings, network=network),
        vocabulary=vocabulary,
        weights=grown(start.weights),
        reverse=None if start.reverse is None else grown(start.reverse),
    )


def with_new_labels(start: StartModel, labels: Iterable[str]) -> StartModel:
    """Adds the labels of a corpus that a start model lacks. Each begins as what neutral is."""
    known = start.conditions.labels
    new = sorted(set(labels) - set(known))
    if not new:
        return start
    neutral = start.conditions.id(NEUTRAL)

    def grown(weights: Arrays) -> Arrays:
        table = weights["condition_embedding"]
        return {**weights, "condition_embedding": np.vstack([table, np.repeat(table[None, neutral], len(new), axis=0)])}

    network = attrs.evolve(start.settings.network, conditions=len(known) + len(new))
    return attrs.evolve(
        start,
        settings=attrs.evolve(start.settings, network=network),
        conditions=Conditions([*known, *new]),
        weights=grown(start.weights),
        reverse=None if start.reverse is None else grown(start.reverse),
    )


def _more_rows(table: np.ndarray, number: int, random: np.random.Generator) -> np.ndarray:
    drawn = random.normal(table.mean(axis=0), table.std(axis=0), (number, table.shape[1]))
    return np.vstack([table, drawn.astype(np.float32)])


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""Prepares a training: vocabulary, conditions, model settings and samples, from the corpus and the start model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import attrs

from autocakechat import Corpus, RunContext, UserError, Utterance
from autocakechat.plugins.trainers.cakechat.data.samples import Samples, Targets, make_samples, reply_positions
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES, Style
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.model_files import ModelSettings
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.start_model import (
    StartModel,
    load_start_model,
    with_new_labels,
    with_new_tokens,
)
from autocakechat.plugins.trainers.cakechat.training.presets import Hyperparameters, resolve_hyperparameters


@attrs.frozen(eq=False)
class PreparedTraining:
    """Everything that is decided before the first gradient step.

    Attributes:
        settings: Settings of the model to train.
        vocabulary: Its vocabulary.
        conditions: Its conditions.
        samples: Training samples.
        validation: Validation samples.
        hyperparameters: Network sizes, batch size, epochs and learning rate.
        start: The start model with the new words and labels of the corpus; None when training from scratch.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    samples: Samples
    validation: Samples
    hyperparameters: Hyperparameters
    start: StartModel | None


@attrs.frozen
class _CorpusCounts:
    """Statistics of the training part of a corpus.

    Attributes:
        tokens: Occurrences of each token.
        labels: All labels.
        replies: Number of replies to train on.
    """

    tokens: Counter[str]
    labels: set[str]
    replies: int


def prepare(
    options: Options, corpus: Corpus, seed: int, run: RunContext, excluded: Collection[int] = ()
) -> PreparedTraining:
    """Reads the corpus, and the start model if there is one.

    Args:
        options: The options of `[trainer]`.
        corpus: The corpus.
        seed: Seed for the embeddings of new words.
        run: Log and progress.
        excluded: Positions of the training dialogs that the network does not learn. Their words are in the vocabulary.

    Raises:
        UserError: The corpus has too few replies, or the start model cannot be used.
    """
    start = load_start_model(options, run) if options.start == "pretrained" else None
    style = STYLES[start.settings.text if start else options.text]
    counts = _count(corpus.dialogs("train"), style, options.targets)
    if counts.replies < options.min_pairs:
        raise UserError(
            f"{corpus.path}: {counts.replies} replies to train on, but at least {options.min_pairs} are needed",
            "add more chats (useful results need thousands of replies), or lower trainer.min_pairs",
        )
    hyperparameters = resolve_hyperparameters(options, counts.replies, start.settings.network.hidden if start else None)
    if start is None:
        vocabulary = Vocabulary.from_counts(
            counts.tokens, hyperparameters.vocabulary, options.min_count, style.variants
        )
        conditions = Conditions.from_labels(counts.labels)
        settings = _model_settings(options, hyperparameters, vocabulary, conditions)
    else:
        start = with_new_tokens(start, counts.tokens, options.new_words, options.min_count, seed)
        start = with_new_labels(start, counts.labels)
        vocabulary, conditions, settings = start.vocabulary, start.conditions, start.settings

    def read_samples(dialogs: Iterable[Sequence[Utterance]]) -> Samples:
        return make_samples(dialogs, style.tokenize, vocabulary, conditions, settings.context_lines, options.targets)

    learnt = (dialog for position, dialog in enumerate(corpus.dialogs("train")) if position not in excluded)
    samples, validation = read_samples(learnt), read_samples(corpus.dialogs("validation"))
    if not len(validation):
        raise UserError(
            f"{corpus.path}: validation.jsonl has no replies to validate on",
            "add more chats, or raise corpus.validation to hold out more dialogs",
        )
    return PreparedTraining(settings, vocabulary, conditions, samples, validation, hyperparameters, start)


def _count(dialogs: Iterable[Sequence[Utterance]], style: Style, targets: Targets) -> _CorpusCounts:
    token_counts: Counter[str] = Counter()
    labels: set[str] = set()
    replies = 0
    for dialog in dialogs:
        reply_indices = reply_positions(dialog, targets)
        for index, utterance in enumerate(dialog):
            tokens = style.tokenize(utterance.text)
            token_counts.update(tokens)
            labels.add(utterance.emotion)
            if tokens and index in reply_indices:
                replies += 1
    return _CorpusCounts(token_counts, labels, replies)


def _model_settings(
    options: Options, hyperparameters: Hyperparameters, vocabulary: Vocabulary, conditions: Conditions
) -> ModelSettings:
    return ModelSettings(
        network=NetworkSettings(
            tokens=len(vocabulary),
            conditions=len(conditions.labels),
            embedding=hyperparameters.embedding,
            condition_embedding=hyperparameters.condition_embedding,
            hidden=hyperparameters.hidden,
            recurrent_activation=options.recurrent_activation,
            shared_embedding=options.embeddings == "shared",
        ),
        padding=options.padding,
        text=options.text,
        context_lines=options.context_lines,
        line_tokens=options.line_tokens,
        reply_tokens=options.reply_tokens,
    )

"""From a corpus to all that is settled before the first step: the words, the shape of the network, the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from autocakechat import Corpus, RunContext, UserError, Utterance
from autocakechat.plugins.trainers.cakechat.data.samples import Samples, Targets, make_samples, reply_positions
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES, Style
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.model_files import ModelSettings
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.start_model import (
    StartModel,
    load_start_model,
    with_new_labels,
    with_new_tokens,
)
from autocakechat.plugins.trainers.cakechat.training.presets import Size, size_of


@attrs.frozen(eq=False)
class Beginning:
    """What a training begins with.

    Attributes:
        settings: Settings of the model to be.
        vocabulary: Its tokens.
        conditions: Its labels.
        samples: What to learn from.
        validation: What to measure on.
        size: How large steps and batches are.
        start: The model to begin with, its new words and labels added; None to begin from scratch.
    """

    settings: ModelSettings
    vocabulary: Vocabulary
    conditions: Conditions
    samples: Samples
    validation: Samples
    size: Size
    start: StartModel | None


@attrs.frozen
class _Counts:
    """What one pass over the training part tells: how often each token occurs, all labels, the number of answers."""

    tokens: Counter[str]
    labels: set[str]
    answers: int


def begin(options: Options, corpus: Corpus, seed: int, run: RunContext) -> Beginning:
    """Reads the corpus, and the start model if there is one.

    Args:
        options: The options of `[trainer]`.
        corpus: What to learn from.
        seed: Seed of new words' vectors.
        run: Log and progress.

    Raises:
        UserError: There is too little to learn from, or the start model cannot be used.
    """
    start = load_start_model(options, run) if options.start == "pretrained" else None
    style = STYLES[start.settings.text if start else options.text]
    counts = _count(corpus.dialogs("train"), style, options.targets)
    if counts.answers < options.min_pairs:
        raise UserError(
            f"{corpus.path}: {counts.answers} answers to train on, and at least {options.min_pairs} are needed",
            "sensible talk begins at some thousands: read more chats, or lower trainer.min_pairs to try",
        )
    size = size_of(options, counts.answers, start.settings.network.hidden if start else None)
    if start is None:
        vocabulary = Vocabulary.from_counts(counts.tokens, size.vocabulary, options.min_count, style.variants)
        conditions = Conditions.from_labels(counts.labels)
        settings = _settings(options, size, vocabulary, conditions)
    else:
        start = with_new_tokens(start, counts.tokens, options.new_words, options.min_count, seed)
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
    return Beginning(settings, vocabulary, conditions, samples, validation, size, start)


def _count(dialogs: Iterable[Sequence[Utterance]], style: Style, targets: Targets) -> _Counts:
    tokens: Counter[str] = Counter()
    labels: set[str] = set()
    answers = 0
    for dialog in dialogs:
        for number, utterance in enumerate(dialog):
            found = style.tokenize(utterance.text)
            tokens.update(found)
            labels.add(utterance.emotion)
            answers += number in reply_positions(dialog, targets) and bool(found)
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

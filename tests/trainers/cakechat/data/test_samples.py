"""From dialogs to batches."""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autocakechat import Utterance
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, PackedSequences, Padding
from autocakechat.plugins.trainers.cakechat.data.samples import Samples, make_samples, reversed_samples
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import swap_context_and_response
from autocakechat.plugins.trainers.cakechat.inference.token_rules import TokenRules

WORDS = "abcdefgh"
VOCABULARY = Vocabulary.from_counts(Counter(WORDS), 100, 1)
CONDITIONS = Conditions.from_labels(["joy"])

lines = st.text(WORDS, max_size=8)
dialogs = st.lists(st.lists(st.tuples(lines, st.sampled_from(["neutral", "joy"])), min_size=2, max_size=8), min_size=1)


def samples_of(talk: list[list[tuple[str, str]]], context_lines: int = 3) -> Samples:
    utterances = [[Utterance(text, emotion) for text, emotion in dialog[: len(dialog) // 2 * 2]] for dialog in talk]
    return make_samples(utterances, list, VOCABULARY, CONDITIONS, context_lines)


def unpack(packed: PackedSequences) -> list[str]:
    """The sequences, longest first, as words."""
    rows: list[str] = [""] * (int(packed.batch_sizes[0]) if len(packed.batch_sizes) else 0)
    values = iter(packed.values.tolist())
    for count in packed.batch_sizes:
        for row in range(count):
            rows[row] += VOCABULARY.tokens[next(values)].replace("_start_", "<").replace("_end_", ">")[:1]
    return rows


def read(batch: Batch) -> list[tuple[list[str], str, str, int]]:
    """The samples of a batch in their order: context, what is said, targets, label."""
    line_texts = unpack(batch.context.lines)
    contexts: list[list[str]] = [[] for _ in range(int(batch.context.line_numbers.batch_sizes[0]))]
    numbers = iter(batch.context.line_numbers.values.tolist())
    for count in batch.context.line_numbers.batch_sizes:
        for row in range(count):
            contexts[row].append(line_texts[next(numbers)])
    said = unpack(batch.replies.inputs)
    targets = unpack(PackedSequences(batch.replies.targets, batch.replies.inputs.batch_sizes))
    places, condition = batch.context.unsorted_indices, batch.replies.condition
    told = {
        int(sample): (contexts[places[sample]], said[row], targets[row], int(condition[row]))
        for row, sample in enumerate(batch.replies.sorted_indices)
    }
    return [told[sample] for sample in range(len(told))]


@given(dialogs, st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_a_batch_holds_the_servers_turns_and_what_was_said_before_them(
    talk: list[list[tuple[str, str]]], context_lines: int, line_tokens: int, reply_tokens: int
) -> None:
    samples = samples_of(talk, context_lines)
    batcher = Batcher(VOCABULARY, line_tokens, reply_tokens, "masked")
    expected = []
    for dialog in talk:
        for turn in range(1, len(dialog), 2):
            if answer := dialog[turn][0]:
                before = [text for text, _ in dialog[max(0, turn - context_lines) : turn]]
                context = [text[-line_tokens:] for text in before if text] or ["_"]
                whole = f"<{answer}>"[: reply_tokens + 2]
                expected.append((context, whole[:-1], whole[1:], CONDITIONS.id(dialog[turn][1])))
    assert len(samples) == len(expected)
    if expected:
        assert read(batcher.batch(samples, np.arange(len(samples)))) == expected


def test_as_the_original_lines_are_cut_at_their_end_and_pads_are_read() -> None:
    samples = samples_of([[("abcde", "neutral"), ("fg", "joy")]])
    batch = Batcher(VOCABULARY, 4, 3, "cakechat").batch(samples, np.arange(1))
    assert read(batch) == [(["____", "____", "abcd"], "<fg>", "fg>_", CONDITIONS.id("joy"))]


@given(dialogs, st.integers(1, 9), st.sampled_from(["masked", "cakechat"]))
@example([[("a", "neutral"), ("aa", "neutral")]], 2, "masked")
def test_reversed_samples_are_those_that_reranking_asks_for(
    talk: list[list[tuple[str, str]]], line_tokens: int, padding: Padding
) -> None:
    samples = samples_of(talk)
    batcher = Batcher(VOCABULARY, line_tokens, reply_tokens=9, padding=padding)
    told = samples.lines.lengths[samples.context[:, -1]] > 0
    if not told.any():
        return
    padded, context = batcher.pad_contexts(samples.lines, samples.context[told])
    answers = batcher.pad_replies(samples.lines, samples.reply[told])
    turned, asked = swap_context_and_response(
        padded[context], answers, TokenRules.from_vocabulary(VOCABULARY), batcher.packer
    )

    turned_samples = reversed_samples(samples)
    packer = attrs.evolve(batcher, reverse=True)
    padded, context = packer.pad_contexts(turned_samples.lines, turned_samples.context)
    width = padded.shape[1]
    np.testing.assert_array_equal(padded[context], turned[:, :, :width])
    assert (turned[:, :, width:] == VOCABULARY.pad).all()
    answers = packer.pad_replies(turned_samples.lines, turned_samples.reply)
    np.testing.assert_array_equal(answers, asked[:, : answers.shape[1]])
    assert (asked[:, answers.shape[1] :] == VOCABULARY.pad).all()


def test_each_line_of_a_batch_stands_in_it_once() -> None:
    samples = samples_of([[("a", "neutral"), ("b", "neutral"), ("c", "neutral"), ("d", "neutral")]])
    batch = Batcher(VOCABULARY, 9, 9, "masked").batch(samples, np.arange(2))
    assert sorted(unpack(batch.context.lines)) == ["a", "b", "c"]


@given(dialogs, st.integers(1, 5), st.integers(0, 3), st.sampled_from(["masked", "cakechat"]))
def test_an_epoch_holds_every_sample_once(
    talk: list[list[tuple[str, str]]], size: int, epoch: int, padding: Padding
) -> None:
    samples = samples_of(talk)
    batcher = Batcher(VOCABULARY, 5, 5, padding)
    batches = batcher.epoch(samples, size, (1, epoch))
    assert sorted(np.concatenate(batches).tolist() if batches else []) == list(range(len(samples)))
    assert len(batches) == -(-len(samples) // size)
    again = batcher.epoch(samples, size, (1, epoch))
    assert [batch.tolist() for batch in batches] == [batch.tolist() for batch in again]

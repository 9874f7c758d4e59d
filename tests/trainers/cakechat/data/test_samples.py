"""Samples, reverse samples and batches."""

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
corpora = st.lists(st.lists(st.tuples(lines, st.sampled_from(["neutral", "joy"])), min_size=2, max_size=8), min_size=1)


def samples_of(dialogs: list[list[tuple[str, str]]], context_lines: int = 3) -> Samples:
    utterances = [[Utterance(text, emotion) for text, emotion in dialog[: len(dialog) // 2 * 2]] for dialog in dialogs]
    return make_samples(utterances, list, VOCABULARY, CONDITIONS, context_lines)


def unpack(packed: PackedSequences) -> list[str]:
    """Returns the sequences, longest first, as strings of tokens."""
    rows: list[str] = [""] * (int(packed.batch_sizes[0]) if len(packed.batch_sizes) else 0)
    values = iter(packed.values.tolist())
    for size in packed.batch_sizes:
        for row in range(size):
            rows[row] += VOCABULARY.tokens[next(values)].replace("_start_", "<").replace("_end_", ">")[:1]
    return rows


def unpack_batch(batch: Batch) -> list[tuple[list[str], str, str, int]]:
    """Returns the context, the inputs, the targets and the condition of each sample, in the order of the samples."""
    line_texts = unpack(batch.context.lines)
    contexts: list[list[str]] = [[] for _ in range(int(batch.context.line_numbers.batch_sizes[0]))]
    numbers = iter(batch.context.line_numbers.values.tolist())
    for size in batch.context.line_numbers.batch_sizes:
        for row in range(size):
            contexts[row].append(line_texts[next(numbers)])
    inputs = unpack(batch.replies.inputs)
    targets = unpack(PackedSequences(batch.replies.targets, batch.replies.inputs.batch_sizes))
    context_index, condition = batch.context.unsorted_indices, batch.replies.condition
    samples = {
        int(sample): (contexts[context_index[sample]], inputs[row], targets[row], int(condition[row]))
        for row, sample in enumerate(batch.replies.sorted_indices)
    }
    return [samples[sample] for sample in range(len(samples))]


@given(corpora, st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_a_batch_has_the_replies_of_the_server_and_their_contexts(
    dialogs: list[list[tuple[str, str]]], context_lines: int, line_tokens: int, reply_tokens: int
) -> None:
    samples = samples_of(dialogs, context_lines)
    batcher = Batcher(VOCABULARY, line_tokens, reply_tokens, "masked")
    expected = []
    for dialog in dialogs:
        for turn in range(1, len(dialog), 2):
            if reply := dialog[turn][0]:
                previous = [text for text, _ in dialog[max(0, turn - context_lines) : turn]]
                context = [text[-line_tokens:] for text in previous if text] or ["_"]
                tokens = f"<{reply}>"[: reply_tokens + 2]
                expected.append((context, tokens[:-1], tokens[1:], CONDITIONS.id(dialog[turn][1])))
    assert len(samples) == len(expected)
    if expected:
        assert unpack_batch(batcher.batch(samples, np.arange(len(samples)))) == expected


def test_cakechat_padding_truncates_at_the_end_and_keeps_pads() -> None:
    samples = samples_of([[("abcde", "neutral"), ("fg", "joy")]])
    batch = Batcher(VOCABULARY, 4, 3, "cakechat").batch(samples, np.arange(1))
    assert unpack_batch(batch) == [(["____", "____", "abcd"], "<fg>", "fg>_", CONDITIONS.id("joy"))]


@given(corpora, st.integers(1, 9), st.sampled_from(["masked", "cakechat"]))
@example([[("a", "neutral"), ("aa", "neutral")]], 2, "masked")
def test_reversed_samples_match_the_arrays_of_reranking(
    dialogs: list[list[tuple[str, str]]], line_tokens: int, padding: Padding
) -> None:
    samples = samples_of(dialogs)
    batcher = Batcher(VOCABULARY, line_tokens, reply_tokens=9, padding=padding)
    kept = samples.lines.lengths[samples.context[:, -1]] > 0
    if not kept.any():
        return
    padded, context = batcher.pad_contexts(samples.lines, samples.context[kept])
    replies = batcher.pad_replies(samples.lines, samples.reply[kept])
    swapped_context, swapped_reply = swap_context_and_response(
        padded[context], replies, TokenRules.from_vocabulary(VOCABULARY), batcher.packer
    )

    reverse_samples = reversed_samples(samples)
    reverse_batcher = attrs.evolve(batcher, reverse=True)
    padded, context = reverse_batcher.pad_contexts(reverse_samples.lines, reverse_samples.context)
    width = padded.shape[1]
    np.testing.assert_array_equal(padded[context], swapped_context[:, :, :width])
    assert (swapped_context[:, :, width:] == VOCABULARY.pad).all()
    replies = reverse_batcher.pad_replies(reverse_samples.lines, reverse_samples.reply)
    np.testing.assert_array_equal(replies, swapped_reply[:, : replies.shape[1]])
    assert (swapped_reply[:, replies.shape[1] :] == VOCABULARY.pad).all()


def test_a_batch_has_each_line_once() -> None:
    samples = samples_of([[("a", "neutral"), ("b", "neutral"), ("c", "neutral"), ("d", "neutral")]])
    batch = Batcher(VOCABULARY, 9, 9, "masked").batch(samples, np.arange(2))
    assert sorted(unpack(batch.context.lines)) == ["a", "b", "c"]


@given(corpora, st.integers(1, 5), st.integers(0, 3), st.sampled_from(["masked", "cakechat"]))
def test_an_epoch_has_each_sample_once(
    dialogs: list[list[tuple[str, str]]], size: int, epoch: int, padding: Padding
) -> None:
    samples = samples_of(dialogs)
    batcher = Batcher(VOCABULARY, 5, 5, padding)
    batches = batcher.epoch(samples, size, (1, epoch))
    assert sorted(np.concatenate(batches).tolist() if batches else []) == list(range(len(samples)))
    assert len(batches) == -(-len(samples) // size)
    again = batcher.epoch(samples, size, (1, epoch))
    assert [batch.tolist() for batch in batches] == [batch.tolist() for batch in again]

"""Batches of samples, truncated and packed for the network.

Within a batch, each distinct context line is stored once, so the network encodes it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.arrays import Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Packer, Padding
from autocakechat.plugins.trainers.cakechat.data.samples import Lines, Samples
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary

NEIGHBOURS = 8
"""Consecutive samples that stay together when an epoch is shuffled. They share context lines: with 8, the network
encodes 19 context tokens per sample; with 1 it encodes 46, and without any shuffling 16."""


@attrs.frozen
class Batcher:
    """Makes batches of samples.

    Attributes:
        vocabulary: Tokens and their ids.
        line_tokens: Maximum number of tokens of a context line.
        reply_tokens: Maximum number of tokens of a reply, without service tokens.
        padding: "masked" truncates a long context line at its front, which keeps the words next to the reply.
            "cakechat" truncates at the end, and pads all lines to the same width.
        reverse: Whether the replies are context lines, as for a reverse model. They are truncated like context lines,
            and always keep their end token.
        encode_replies: Whether the lines of a batch's contexts include the replies; see `Batch.reply_lines`.
    """

    vocabulary: Vocabulary
    line_tokens: int
    reply_tokens: int
    padding: Padding
    reverse: bool = False
    encode_replies: bool = False

    @property
    def packer(self) -> Packer:
        """Packs padded rectangles of ids."""
        return Packer(self.padding, self.vocabulary.pad, self.vocabulary.unknown, self.line_tokens)

    def batch(self, samples: Samples, chosen: npt.NDArray[np.int64]) -> Batch:
        """Makes a training batch. With "cakechat" padding, pads are targets too: the network learns to pad.

        Args:
            samples: All samples.
            chosen: (n,) positions of the batch's samples.
        """
        return self._batch(samples, chosen, training=True)

    def _batch(self, samples: Samples, chosen: npt.NDArray[np.int64], training: bool) -> Batch:
        lines = samples.context[chosen]
        if training and self.encode_replies:
            lines = np.concatenate([lines, samples.reply[chosen, None]], axis=1)
        padded, numbers = self.pad_contexts(samples.lines, lines)
        context, reply_lines = np.split(numbers, [samples.context.shape[1]], axis=1)
        contexts, reply_lines = self.packer.pack_contexts_and_lines(padded, context, reply_lines.reshape(-1))
        reply = self.pad_replies(samples.lines, samples.reply[chosen])
        include_padding = training and self.padding == "cakechat"
        replies = self.packer.pack_replies(samples.condition[chosen], reply, include_padding)
        return Batch(contexts, replies, reply_lines, samples.dialog[chosen[: len(reply_lines)]])

    def pad_contexts(self, lines: Lines, context: Ints) -> tuple[Ints, Ints]:
        """Truncates and pads the lines of contexts.

        Args:
            lines: All lines.
            context: (n, context lines) numbers in `lines`.

        Returns:
            (distinct lines, tokens) ids, and the contexts as positions in them, (n, context lines).
        """
        distinct, inverse = np.unique(context, return_inverse=True)
        pad, max_tokens = self.vocabulary.pad, self.line_tokens
        if self.padding == "masked":
            padded = lines.padded(distinct, max_tokens, pad, cut="front")
        else:
            padded = lines.padded(distinct, max_tokens, pad, cut="end", width=max_tokens)
        return padded, inverse.reshape(context.shape).astype(np.int32)

    def pad_replies(self, lines: Lines, numbers: Ints) -> Ints:
        """Truncates and pads replies, and adds the start and the end token.

        A reply that is too long is truncated at its end and loses the end token, as in the original.

        Args:
            lines: All lines.
            numbers: (n,) numbers of the replies in `lines`.

        Returns:
            (n, tokens) ids.
        """
        if self.reverse:
            return self._pad_reverse_replies(lines, numbers)
        vocabulary = self.vocabulary
        lengths = lines.lengths[numbers]
        max_width = self.reply_tokens + 2
        width = max_width if self.padding == "cakechat" else min(max_width, int(lengths.max(initial=1)) + 2)
        padded = np.full((len(numbers), width), vocabulary.pad, np.int32)
        padded[:, 0] = vocabulary.start
        padded[:, 1:] = lines.padded(numbers, width - 1, vocabulary.pad, cut="end", width=width - 1)
        untruncated = np.flatnonzero(lengths < width - 1)
        padded[untruncated, lengths[untruncated] + 1] = vocabulary.end
        return padded

    def _pad_reverse_replies(self, lines: Lines, numbers: Ints) -> Ints:
        """Does what `pad_replies` does for a reverse model, whose replies are context lines."""
        vocabulary, max_tokens = self.vocabulary, self.line_tokens
        width = max_tokens if self.padding == "cakechat" else 0
        cut: Literal["front", "end"] = "front" if self.padding == "masked" else "end"
        tokens = lines.padded(numbers, max_tokens, vocabulary.pad, cut, width)
        start = np.full((len(numbers), 1), vocabulary.start, np.int32)
        padded = np.concatenate([start, tokens, np.full_like(start, vocabulary.pad)], axis=1)
        lengths = np.minimum(lines.lengths[numbers], max_tokens)
        padded[np.arange(len(numbers)), lengths + 1] = vocabulary.end
        return padded

    def epoch(self, samples: Samples, size: int, seed: Sequence[int]) -> list[npt.NDArray[np.int64]]:
        """Shuffles samples into batches. Runs of `NEIGHBOURS` consecutive samples stay together.

        Args:
            samples: The training samples.
            size: Samples in a batch; the last batch may have fewer.
            seed: The same seed gives the same batches in the same order.

        Returns:
            The positions of each batch's samples. The number of batches does not depend on the seed.
        """
        random = np.random.default_rng(seed)
        boundaries = range(int(random.integers(NEIGHBOURS)), len(samples), NEIGHBOURS)
        runs = np.split(np.arange(len(samples)), boundaries)
        order = np.concatenate([runs[run] for run in random.permutation(len(runs))])
        return [order[first : first + size] for first in range(0, len(order), size)]

    def batches_by_length(self, samples: Samples, size: int) -> Iterator[Batch]:
        """Yields all samples in batches for evaluation, shortest replies first. Pads are never targets."""
        order = np.argsort(samples.reply_lengths, kind="stable")
        for first in range(0, len(order), size):
            yield self._batch(samples, order[first : first + size], training=False)

"""Samples: the dialogs of a corpus as flat arrays of integers, and batches cut from them.

A line is tokenised once and stored once, however many samples it is context or answer of. In a batch, too, each
distinct line of context stands once, so that the network encodes it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat import Utterance
from autocakechat.plugins.trainers.cakechat.data.arrays import Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Contexts, Packer, Padding
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary

Targets = Literal["server", "all"]

NO_LINE = 0
"""The line that stands where there is none: it has no tokens."""


NEIGHBOURS = 8
"""Samples of a conversation that stay together in a batch. With eight, 19 tokens of context are encoded for a sample
that would cost 46 alone; with all of them it would be 16."""


class Lines:
    """Tokenised lines of any length in one flat array.

    Args:
        lines: Ids of each line's tokens; line 0 (`NO_LINE`) is added before them.
    """

    def __init__(self, lines: Iterable[Sequence[int]]) -> None:
        tokens: list[int] = []
        ends = [0, 0]
        for line in lines:
            tokens.extend(line)
            ends.append(len(tokens))
        self.tokens = np.array(tokens, np.int32)
        limits = np.array(ends, np.int64)
        self.starts = limits[:-1]
        self.lengths = limits[1:] - limits[:-1]

    def padded(self, numbers: Ints, longest: int, pad: int, cut: Literal["front", "end"], width: int = 0) -> Ints:
        """Cuts lines out and pads them to a rectangle.

        Args:
            numbers: (n,) which lines.
            longest: Tokens to keep of a longer line.
            pad: Id to fill up with, at the end.
            cut: Where longer lines lose their tokens.
            width: Columns of the result; without it as many as the longest line needs, at least one.

        Returns:
            (n, width) ids.
        """
        lengths = np.minimum(self.lengths[numbers], longest)
        width = width or max(1, int(lengths.max(initial=1)))
        starts = self.starts[numbers]
        if cut == "front":
            starts = starts + self.lengths[numbers] - lengths
        columns = np.arange(width)
        real = columns < lengths[:, None]
        padded = np.full(real.shape, pad, np.int32)
        padded[real] = self.tokens[(starts[:, None] + columns)[real]]
        return padded


@attrs.frozen(eq=False)
class Samples:
    """Answers with what was said before them.

    Attributes:
        lines: Every line of the dialogs.
        context: (samples, context lines) numbers of lines, newest last, `NO_LINE` at the front where there is none.
        reply: (samples,) numbers of lines.
        condition: (samples,) ids of the answers' labels.
    """

    lines: Lines
    context: Ints
    reply: Ints
    condition: Ints

    def __len__(self) -> int:
        return len(self.reply)

    @property
    def reply_lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each answer, uncut and without service tokens."""
        lengths: npt.NDArray[np.int64] = self.lines.lengths[self.reply]
        return lengths


def make_samples(
    dialogs: Iterable[Sequence[Utterance]],
    tokenize: Callable[[str], list[str]],
    vocabulary: Vocabulary,
    conditions: Conditions,
    context_lines: int,
    targets: Targets = "server",
) -> Samples:
    """Makes a sample of each line that is an answer.

    Args:
        dialogs: The corpus, the client speaking first in each dialog.
        tokenize: Cuts a line into tokens.
        vocabulary: What the tokens are numbered with.
        conditions: What the labels are numbered with.
        context_lines: Lines before an answer that belong to the sample.
        targets: Which lines are answers, see `reply_positions`.

    Returns:
        The samples in the order of the corpus. An answer without tokens is none.
    """
    lines: list[list[int]] = []
    contexts: list[list[int]] = []
    responses: list[int] = []
    labels: list[int] = []
    for dialog in dialogs:
        first = len(lines) + 1
        lines.extend(vocabulary.encode(tokenize(utterance.text)) for utterance in dialog)
        for turn in reply_positions(dialog, targets):
            if lines[first - 1 + turn]:
                oldest = max(0, turn - context_lines)
                missing = context_lines - (turn - oldest)
                contexts.append([NO_LINE] * missing + [first + line for line in range(oldest, turn)])
                responses.append(first + turn)
                labels.append(conditions.id(dialog[turn].emotion))
    return Samples(
        lines=Lines(lines),
        context=np.array(contexts, np.int32).reshape(-1, context_lines),
        reply=np.array(responses, np.int32),
        condition=np.array(labels, np.int32),
    )


def reversed_samples(samples: Samples) -> Samples:
    """Makes samples for a reverse model: the last line of the context and the answer change places.

    Samples whose last line has no tokens are left out, since there is nothing to tell.
    """
    asked = samples.context[:, -1]
    told = samples.lines.lengths[asked] > 0
    context = samples.context[told].copy()
    context[:, -1] = samples.reply[told]
    return Samples(samples.lines, context, asked[told], samples.condition[told])


def reply_positions(dialog: Sequence[Utterance], targets: Targets) -> range:
    """Returns which lines of a dialog are answers to learn: the server's, every second one, or all but the first."""
    return range(1, len(dialog), 2 if targets == "server" else 1)


@attrs.frozen
class Batcher:
    """Cuts batches from samples.

    Attributes:
        vocabulary: What the tokens are numbered with.
        line_tokens: Tokens of a context line that are read.
        reply_tokens: Tokens of an answer that are learnt.
        padding: "masked" cuts a long line of context at its front, so that the words being answered stay; "cakechat"
            cuts at the end, and pads all lines to one width.
        reverse: Whether answers are lines of context, as for a reverse model: they are cut where those are, and always
            have their end token.
    """

    vocabulary: Vocabulary
    line_tokens: int
    reply_tokens: int
    padding: Padding
    reverse: bool = False

    @property
    def packer(self) -> Packer:
        """What makes packed sequences of rectangles."""
        return Packer(self.padding, self.vocabulary.pad, self.vocabulary.unknown, self.line_tokens)

    def batch(self, samples: Samples, chosen: npt.NDArray[np.int64]) -> Batch:
        """Makes a batch to learn from. In "cakechat" padding the network learns to pad, too.

        Args:
            samples: Where from.
            chosen: (n,) which of them.

        Returns:
            The arrays for the network.
        """
        return self._batch(samples, chosen, include_padding=self.padding == "cakechat")

    def _batch(self, samples: Samples, chosen: npt.NDArray[np.int64], include_padding: bool) -> Batch:
        contexts = self.contexts(samples.lines, samples.context[chosen])
        response = self.pad_replies(samples.lines, samples.reply[chosen])
        return Batch(contexts, self.packer.pack_replies(samples.condition[chosen], response, include_padding))

    def contexts(self, lines: Lines, context: Ints) -> Contexts:
        """Makes what the encoders read of (n, context lines) numbers of lines."""
        return self.packer.pack_contexts(*self.pad_contexts(lines, context))

    def pad_contexts(self, lines: Lines, context: Ints) -> tuple[Ints, Ints]:
        """Returns the distinct lines of contexts, padded, and the contexts as numbers of those."""
        distinct, places = np.unique(context, return_inverse=True)
        pad, longest = self.vocabulary.pad, self.line_tokens
        if self.padding == "masked":
            padded = lines.padded(distinct, longest, pad, cut="front")
        else:
            padded = lines.padded(distinct, longest, pad, cut="end", width=longest)
        return padded, places.reshape(context.shape).astype(np.int32)

    def pad_replies(self, lines: Lines, numbers: Ints) -> Ints:
        """Returns answers between start and end token. One that is too long is cut at its end and has no end token."""
        if self.reverse:
            return self._padded_asked(lines, numbers)
        words = self.vocabulary
        lengths = lines.lengths[numbers]
        full = self.reply_tokens + 2
        width = full if self.padding == "cakechat" else min(full, int(lengths.max(initial=1)) + 2)
        padded = np.full((len(numbers), width), words.pad, np.int32)
        padded[:, 0] = words.start
        padded[:, 1:] = lines.padded(numbers, width - 1, words.pad, cut="end", width=width - 1)
        ended = np.flatnonzero(lengths < width - 1)
        padded[ended, lengths[ended] + 1] = words.end
        return padded

    def _padded_asked(self, lines: Lines, numbers: Ints) -> Ints:
        words, longest = self.vocabulary, self.line_tokens
        width = longest if self.padding == "cakechat" else 0
        tokens = lines.padded(numbers, longest, words.pad, "front" if self.padding == "masked" else "end", width)
        start = np.full((len(numbers), 1), words.start, np.int32)
        padded = np.concatenate([start, tokens, np.full_like(start, words.pad)], axis=1)
        padded[np.arange(len(numbers)), np.minimum(lines.lengths[numbers], longest) + 1] = words.end
        return padded

    def epoch(self, samples: Samples, size: int, seed: Sequence[int]) -> list[npt.NDArray[np.int64]]:
        """Shuffles samples into batches, some neighbours together, so that lines they share are encoded once.

        Args:
            samples: What to learn from.
            size: Samples in a batch; the last one may have fewer.
            seed: The same seed gives the same batches in the same order.

        Returns:
            Which samples each batch is made of. Their number does not depend on the seed.
        """
        random = np.random.default_rng(seed)
        cuts = range(int(random.integers(NEIGHBOURS)), len(samples), NEIGHBOURS)
        runs = np.split(np.arange(len(samples)), cuts)
        order = np.concatenate([runs[number] for number in random.permutation(len(runs))])
        return [order[first : first + size] for first in range(0, len(order), size)]

    def batches_by_length(self, samples: Samples, size: int) -> Iterator[Batch]:
        """Yields all samples in batches to measure with, shortest answers first."""
        order = np.argsort(samples.reply_lengths, kind="stable")
        for first in range(0, len(order), size):
            yield self._batch(samples, order[first : first + size], include_padding=False)

"""Packed sequences: what the network reads instead of padded rectangles of ids.

A packed sequence, as in PyTorch's `PackedSequence`, stores only real elements: the sequences of a batch are sorted by
length, longest first, and stored time step by time step.

    sequences   a b c        values       a d f | b e | c
                d e          batch_sizes  3       2     1
                f

This module alone decides what padding means. With "masked" padding, pads and missing lines are dropped. With
"cakechat" padding they are kept and read like tokens, as the original program does.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.arrays import Ints

Padding = Literal["masked", "cakechat"]

_NO_LINES = np.zeros(0, np.int32)


class PackedSequences(NamedTuple):
    """Sequences of different lengths, longest first.

    Attributes:
        values: (steps,) the first element of each sequence, then the second of those that have one, and so on.
        batch_sizes: (time,) number of sequences that have an element at each time step.
    """

    values: Ints
    batch_sizes: Ints


class Contexts(NamedTuple):
    """Input of the encoders.

    Attributes:
        lines: Distinct lines, as token ids.
        line_numbers: Contexts, as positions in `lines`, oldest line first.
        unsorted_indices: (samples,) the position of each sample's context in `line_numbers`.
    """

    lines: PackedSequences
    line_numbers: PackedSequences
    unsorted_indices: Ints


class Replies(NamedTuple):
    """Input and targets of the decoder.

    Attributes:
        inputs: Replies without their last token: the decoder's input under teacher forcing.
        targets: (steps,) the token that follows each input token.
        sorted_indices: (replies,) the sample of each reply, longest reply first.
        condition: (replies,) condition ids, longest reply first.
    """

    inputs: PackedSequences
    targets: Ints
    sorted_indices: Ints
    condition: Ints


class Batch(NamedTuple):
    """A training batch.

    Attributes:
        context: The contexts.
        replies: The replies to them.
        reply_lines: (samples,) the position of each sample's reply in the lines of the contexts, for networks that also
            encode replies; else empty.
        dialogs: (samples,) the number of each sample's dialog; empty if `reply_lines` is.
    """

    context: Contexts
    replies: Replies
    reply_lines: Ints = _NO_LINES
    dialogs: Ints = _NO_LINES


@attrs.frozen
class Packer:
    """Packs padded rectangles of ids.

    Attributes:
        padding: "masked" or "cakechat".
        pad: Id of the pad token.
        unknown: Id of the unknown token, which is the only token of an empty context.
        line_tokens: Maximum number of tokens of a context line.
    """

    padding: Padding
    pad: int
    unknown: int
    line_tokens: int

    def pack_contexts(self, lines: Ints, context: Ints) -> Contexts:
        """Packs lines and contexts.

        Args:
            lines: (lines, tokens) ids, padded at the end.
            context: (samples, context lines) line numbers, newest last.
        """
        return self.pack_contexts_and_lines(lines, context, _NO_LINES)[0]

    def pack_contexts_and_lines(self, lines: Ints, context: Ints, others: Ints) -> tuple[Contexts, Ints]:
        """Packs lines and contexts, and says where other lines are among the packed ones.

        Args:
            lines: (lines, tokens) ids, padded at the end.
            context: (samples, context lines) line numbers, newest last.
            others: (n,) line numbers.

        Returns:
            The contexts, and (n,) the positions of the other lines in `Contexts.lines`.
        """
        lengths = self._lengths(lines)
        real = lengths[context] > 0  # (samples, context lines)
        if not real.any(axis=1).all():
            lines, context = self._fill_empty_contexts(lines, context, real)
            lengths = np.append(lengths, 1)
            real = lengths[context] > 0
        line_order = _longest_first(lengths)
        context_lengths = real.sum(axis=1)
        context_order = _longest_first(context_lengths)
        # Move the empty lines of each context behind the real ones, whose order stays.
        real_first = np.argsort(~real, axis=1, kind="stable")
        positions = _inverse(line_order)
        compact = np.take_along_axis(positions[context], real_first, axis=1)
        contexts = Contexts(
            lines=_pack(lines[line_order], lengths[line_order]),
            line_numbers=_pack(compact[context_order], context_lengths[context_order]),
            unsorted_indices=_inverse(context_order),
        )
        return contexts, positions[others]

    def pack_context_ids(self, context: Ints) -> Contexts:
        """Packs contexts, (samples, context lines, tokens) ids; each distinct line once."""
        lines, inverse = np.unique(context.reshape(-1, context.shape[2]), axis=0, return_inverse=True)
        return self.pack_contexts(lines.astype(np.int32), inverse.reshape(context.shape[:2]).astype(np.int32))

    def truncate(self, line: list[int]) -> list[int]:
        """Truncates a context line: "masked" padding keeps its last tokens, "cakechat" padding its first ones."""
        return line[-self.line_tokens :] if self.padding == "masked" else line[: self.line_tokens]

    def pack_batch(self, contexts: Contexts, condition: Ints, reply: Ints) -> Batch:
        """Packs replies and combines them with packed contexts; see `pack_replies`."""
        return Batch(contexts, self.pack_replies(condition, reply))

    def pack_replies(self, condition: Ints, reply: Ints, include_padding: bool = False) -> Replies:
        """Packs replies.

        Args:
            condition: (samples,) condition ids.
            reply: (samples, tokens) ids, start token first, padded at the end.
            include_padding: Whether the pads at the end are targets too. They do not affect the tokens before them.
        """
        if include_padding:
            lengths = np.full(len(reply), reply.shape[1] - 1)
        else:
            lengths = _unpadded_lengths(reply[:, 1:], self.pad)
        order = _longest_first(lengths)
        reply, lengths = reply[order], lengths[order]
        return Replies(
            inputs=_pack(reply[:, :-1], lengths),
            targets=_pack(reply[:, 1:], lengths).values,
            sorted_indices=order,
            condition=condition[order],
        )

    def _lengths(self, padded: Ints) -> npt.NDArray[np.int64]:
        if self.padding == "cakechat":
            return np.full(len(padded), padded.shape[1], np.int64)
        return _unpadded_lengths(padded, self.pad)

    def _fill_empty_contexts(self, lines: Ints, context: Ints, real: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Appends a line with the unknown token and makes it the newest line of each context without tokens."""
        unknown_line = np.full((1, lines.shape[1]), self.pad, np.int32)
        unknown_line[0, 0] = self.unknown
        context = context.copy()
        context[~real.any(axis=1), -1] = len(lines)
        return np.concatenate([lines, unknown_line]), context


def unpack_replies(packed: npt.ArrayLike, replies: Replies, width: int) -> np.ndarray[Any, Any]:
    """Restores a rectangle from the values of packed steps.

    Args:
        packed: (steps, ...) a value for each input token of the replies.
        replies: The replies.
        width: Number of time steps of the result.

    Returns:
        (samples, width, ...), with zeros after the end of each reply.
    """
    values = np.asarray(packed)
    batch_sizes = replies.inputs.batch_sizes
    samples = replies.sorted_indices[sequence_index(batch_sizes)]
    times = np.repeat(np.arange(len(batch_sizes)), batch_sizes)
    rectangle = np.zeros((len(replies.sorted_indices), width, *values.shape[1:]), values.dtype)
    rectangle[samples, times] = values
    return rectangle


def sequence_index(batch_sizes: Ints) -> Ints:
    """Returns the sequence that each packed step belongs to, counted from the longest: (time,) -> (steps,)."""
    return np.concatenate([np.arange(size, dtype=np.int32) for size in batch_sizes])


def _unpadded_lengths(padded: Ints, pad: int) -> npt.NDArray[np.int64]:
    """Returns the length of each row without the pads at its end."""
    real = padded != pad
    return np.where(real.any(axis=1), padded.shape[1] - np.argmax(real[:, ::-1], axis=1), 0)


def _pack(padded: Ints, lengths: npt.NDArray[np.int64]) -> PackedSequences:
    """Packs rows that are sorted by length, longest first: (sequences, time) -> (steps,)."""
    real = np.arange(padded.shape[1])[:, None] < lengths  # (time, sequences)
    batch_sizes = real.sum(axis=1)
    return PackedSequences(padded.T[real].astype(np.int32), batch_sizes[batch_sizes > 0].astype(np.int32))


def _longest_first(lengths: npt.NDArray[np.int64]) -> Ints:
    return np.argsort(-lengths, kind="stable").astype(np.int32)


def _inverse(permutation: Ints) -> Ints:
    inverse = np.empty_like(permutation)
    inverse[permutation] = np.arange(len(permutation), dtype=permutation.dtype)
    return inverse

"""From rectangles of ids to what the network reads: packed sequences, without padding.

Here, and only here, it is decided what padding means. "masked": pads and missing lines are left out. "cakechat": they
are kept and read like tokens, as the original program does.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.arrays import Ints

Padding = Literal["masked", "cakechat"]


class PackedSequences(NamedTuple):
    """Sequences of different lengths, longest first.

    Attributes:
        values: (steps,) the first element of each sequence, then the second of those that have one, and so on.
        batch_sizes: (time,) how many sequences have an element at each time.
    """

    values: Ints
    batch_sizes: Ints


class Contexts(NamedTuple):
    """What the encoders read.

    Attributes:
        lines: Distinct lines, as ids of tokens.
        line_numbers: Contexts, as numbers of lines, oldest line first.
        unsorted_indices: (samples,) where the context of each sample stands among `contexts`.
    """

    lines: PackedSequences
    line_numbers: PackedSequences
    unsorted_indices: Ints


class Replies(NamedTuple):
    """What the decoder reads, and what it should say.

    Attributes:
        inputs: Answers without their last token: what the decoder is told.
        targets: (steps,) the token after each of those.
        sorted_indices: (answers,) which sample each answer belongs to, longest answer first.
        condition: (answers,) ids of labels.
    """

    inputs: PackedSequences
    targets: Ints
    sorted_indices: Ints
    condition: Ints


class Batch(NamedTuple):
    """What the network is taught with.

    Attributes:
        context: What was said before.
        answers: What is said then.
    """

    context: Contexts
    replies: Replies


@attrs.frozen
class Packer:
    """Packs rectangles of ids.

    Attributes:
        padding: What pads mean.
        pad: Id of the pad token.
        unknown: Id of the unknown token, which stands for a context in which nothing was said.
        line_tokens: Tokens of a context line that are read.
    """

    padding: Padding
    pad: int
    unknown: int
    line_tokens: int

    def pack_contexts(self, lines: Ints, context: Ints) -> Contexts:
        """Packs lines and contexts.

        Args:
            lines: (lines, tokens) ids, padded at the end.
            context: (samples, context lines) numbers of lines, newest last.
        """
        lengths = self._lengths(lines)
        if not (real := lengths[context] > 0).any(axis=1).all():
            silent = np.full((1, lines.shape[1]), self.pad, np.int32)
            silent[0, 0] = self.unknown
            context = context.copy()
            context[~real.any(axis=1), -1] = len(lines)
            lines, lengths = np.concatenate([lines, silent]), np.append(lengths, 1)
            real = lengths[context] > 0
        line_order = _longest_first(lengths)
        context_order = _longest_first(real.sum(axis=1))
        there_first = np.argsort(~real, axis=1, kind="stable")
        compact = np.take_along_axis(_inverse(line_order)[context], there_first, axis=1)
        return Contexts(
            lines=_pack(lines[line_order], lengths[line_order]),
            line_numbers=_pack(compact[context_order], real.sum(axis=1)[context_order]),
            unsorted_indices=_inverse(context_order),
        )

    def pack_context_ids(self, context: Ints) -> Contexts:
        """Packs contexts given as (samples, context lines, tokens) ids, each distinct line once."""
        lines, places = np.unique(context.reshape(-1, context.shape[2]), axis=0, return_inverse=True)
        return self.pack_contexts(lines.astype(np.int32), places.reshape(context.shape[:2]).astype(np.int32))

    def truncate(self, line: list[int]) -> list[int]:
        """Cuts a line of context: at its front when pads are masked, so that what is answered stays, or at its end."""
        return line[-self.line_tokens :] if self.padding == "masked" else line[: self.line_tokens]

    def pack_batch(self, contexts: Contexts, condition: Ints, response: Ints) -> Batch:
        """Packs samples: `contexts` and `answers`."""
        return Batch(contexts, self.pack_replies(condition, response))

    def pack_replies(self, condition: Ints, response: Ints, include_padding: bool = False) -> Replies:
        """Packs answers.

        Args:
            condition: (samples,) ids of labels.
            response: (samples, tokens) ids of answers, start token first, padded at the end.
            include_padding: Whether pads at the end are targets too. They change nothing about the tokens before.
        """
        lengths = (
            np.full(len(response), response.shape[1] - 1)
            if include_padding
            else _real_lengths(response[:, 1:], self.pad)
        )
        order = _longest_first(lengths)
        response, lengths = response[order], lengths[order]
        return Replies(
            inputs=_pack(response[:, :-1], lengths),
            targets=_pack(response[:, 1:], lengths).values,
            sorted_indices=order,
            condition=condition[order],
        )

    def _lengths(self, padded: Ints) -> npt.NDArray[np.int64]:
        if self.padding == "cakechat":
            return np.full(len(padded), padded.shape[1], np.int64)
        return _real_lengths(padded, self.pad)


def _real_lengths(padded: Ints, pad: int) -> npt.NDArray[np.int64]:
    """Returns the lengths of rows without the pads at their ends."""
    real = padded != pad
    return np.where(real.any(axis=1), padded.shape[1] - np.argmax(real[:, ::-1], axis=1), 0)


def _pack(padded: Ints, lengths: npt.NDArray[np.int64]) -> PackedSequences:
    real = np.arange(padded.shape[1])[:, None] < lengths
    counts = real.sum(axis=1)
    return PackedSequences(padded.T[real].astype(np.int32), counts[counts > 0].astype(np.int32))


def _longest_first(lengths: npt.NDArray[np.int64]) -> Ints:
    return np.argsort(-lengths, kind="stable").astype(np.int32)


def _inverse(order: Ints) -> Ints:
    places = np.empty_like(order)
    places[order] = np.arange(len(order), dtype=order.dtype)
    return places


def unpack_replies(packed: npt.ArrayLike, answers: Replies, width: int) -> np.ndarray[Any, Any]:
    """Puts what belongs to steps into a rectangle: (steps, ...) -> (samples, width, ...), zeros where there is none."""
    values = np.asarray(packed)
    counts = np.asarray(answers.inputs.batch_sizes)
    rows = np.concatenate([answers.sorted_indices[:count] for count in counts])
    rectangle = np.zeros((len(answers.sorted_indices), width, *values.shape[1:]), values.dtype)
    rectangle[rows, np.repeat(np.arange(len(counts)), counts)] = values
    return rectangle

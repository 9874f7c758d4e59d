"""Training samples: the dialogs of a corpus as flat arrays of integers.

Each line is tokenized and stored once, even if several samples use it as context or reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from autocakechat import Utterance
from autocakechat.plugins.trainers.cakechat.data.arrays import Ints
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary

Targets = Literal["server", "all"]

NO_LINE = 0
"""Number of the empty line, which fills contexts that are shorter than `context_lines`."""


class Lines:
    """Tokenized lines of any length in one flat array.

    Args:
        lines: Token ids of each line. They get the numbers 1, 2, …; line 0 (`NO_LINE`) is added and has no tokens.

    Attributes:
        tokens: Token ids of all lines, one line after the other.
        starts: (lines,) index of each line's first token in `tokens`.
        lengths: (lines,) number of tokens of each line.
    """

    def __init__(self, lines: Iterable[Sequence[int]]) -> None:
        tokens: list[int] = []
        ends = [0, 0]
        for line in lines:
            tokens.extend(line)
            ends.append(len(tokens))
        self.tokens = np.array(tokens, np.int32)
        boundaries = np.array(ends, np.int64)
        self.starts = boundaries[:-1]
        self.lengths = boundaries[1:] - boundaries[:-1]

    def padded(self, numbers: Ints, max_tokens: int, pad: int, cut: Literal["front", "end"], width: int = 0) -> Ints:
        """Copies lines to a padded rectangle.

        Args:
            numbers: (n,) line numbers.
            max_tokens: Longer lines are truncated to so many tokens.
            pad: Id of the pad token, which fills the end of shorter lines.
            cut: Where longer lines are truncated.
            width: Columns of the result; 0 for the length of the longest line, at least 1.

        Returns:
            (n, width) ids.
        """
        lengths = np.minimum(self.lengths[numbers], max_tokens)
        width = width or max(1, int(lengths.max(initial=1)))
        starts = self.starts[numbers]
        if cut == "front":
            starts = starts + self.lengths[numbers] - lengths
        columns = np.arange(width)
        real = columns < lengths[:, None]  # (n, width)
        padded = np.full(real.shape, pad, np.int32)
        padded[real] = self.tokens[(starts[:, None] + columns)[real]]
        return padded


@attrs.frozen(eq=False)
class Samples:
    """Replies with their contexts.

    Attributes:
        lines: All lines of the dialogs.
        context: (samples, context lines) line numbers, newest last, filled with `NO_LINE` at the front.
        reply: (samples,) line numbers.
        condition: (samples,) condition ids of the replies.
        dialog: (samples,) the number of each sample's dialog.
    """

    lines: Lines
    context: Ints
    reply: Ints
    condition: Ints
    dialog: Ints

    def __len__(self) -> int:
        return len(self.reply)

    @property
    def reply_lengths(self) -> npt.NDArray[np.int64]:
        """(samples,) tokens of each reply, before truncation and without service tokens."""
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
    """Makes a sample of each reply in a corpus.

    Args:
        dialogs: The corpus; the client speaks first in each dialog.
        tokenize: Splits a line into tokens.
        vocabulary: Maps tokens to ids.
        conditions: Maps labels to ids.
        context_lines: Number of lines before a reply that form its context.
        targets: Which lines are replies; see `reply_positions`.

    Returns:
        The samples in corpus order. Replies without tokens are skipped.
    """
    lines: list[list[int]] = []
    contexts: list[list[int]] = []
    replies: list[int] = []
    condition_ids: list[int] = []
    dialog_numbers: list[int] = []
    for number, dialog in enumerate(dialogs):
        first = len(lines) + 1  # the number of the dialog's first line
        lines.extend(vocabulary.encode(tokenize(utterance.text)) for utterance in dialog)
        for position in reply_positions(dialog, targets):
            if lines[first - 1 + position]:
                oldest = max(0, position - context_lines)
                missing = context_lines - (position - oldest)
                contexts.append([NO_LINE] * missing + list(range(first + oldest, first + position)))
                replies.append(first + position)
                condition_ids.append(conditions.id(dialog[position].emotion))
                dialog_numbers.append(number)
    return Samples(
        lines=Lines(lines),
        context=np.array(contexts, np.int32).reshape(-1, context_lines),
        reply=np.array(replies, np.int32),
        condition=np.array(condition_ids, np.int32),
        dialog=np.array(dialog_numbers, np.int32),
    )


def reversed_samples(samples: Samples) -> Samples:
    """Makes the samples of a reverse model: the newest context line and the reply are swapped.

    Samples whose newest context line has no tokens are dropped, because the reverse model would have no target.
    """
    newest = samples.context[:, -1]
    kept = samples.lines.lengths[newest] > 0
    context = samples.context[kept].copy()
    context[:, -1] = samples.reply[kept]
    return Samples(samples.lines, context, newest[kept], samples.condition[kept], samples.dialog[kept])


def reply_positions(dialog: Sequence[Utterance], targets: Targets) -> range:
    """Returns the positions of the replies to learn: the server's lines (every second one), or all but the first."""
    return range(1, len(dialog), 2 if targets == "server" else 1)

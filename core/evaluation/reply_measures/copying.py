"""Copying from the training part, and generic replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autocakechat.evaluation.held_out_examples import TrainingReplies
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.metrics import normalized, split_words
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.run_context import OpenProgress

_FREQUENT_REPLIES = 20
_SHORTEST_RUN = 3


class Copying:
    """Measures what replies repeat from the training part.

    Args:
        training: The person's replies in the training part.
        runs: The longest run of words of each reply in a message of someone else, see `copied_runs`.
        placeholders: The texts that replace masked text in the corpus.
    """

    def __init__(self, training: TrainingReplies, runs: Mapping[str, int], placeholders: Sequence[str]) -> None:
        self._known = set(map(normalized, training.counts))
        self._frequent = {normalized(text) for text, _ in training.counts.most_common(_FREQUENT_REPLIES)}
        self._runs = runs
        # A model may put spaces into a placeholder.
        self._placeholders = [f" {normalized(placeholder)} " for placeholder in placeholders]

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns the metrics of several replies."""
        texts = [normalized(reply) for reply in replies]
        runs = [self._runs[reply] for reply in replies]
        masked = [any(placeholder in f" {text} " for placeholder in self._placeholders) for text in texts]
        return {
            "copying.verbatim": intervals.mean([text in self._known for text in texts]),
            "copying.mean_run": intervals.mean(runs),
            "copying.longest_run": Interval(max(runs, default=None)),
            "copying.placeholders": intervals.mean(masked),
            "generic.share": intervals.mean([text in self._frequent for text in texts]),
        }


def copied_runs(corpus: Corpus, replies: Iterable[str], progress: OpenProgress) -> dict[str, int]:
    """Finds the longest run of words of each reply that a message of someone else contains, in the training part.

    Args:
        corpus: The corpus. It is read once for all replies.
        replies: The replies.
        progress: Opens a progress display.

    Returns:
        The number of words of the longest run, by reply; 0 if it is shorter than three words. Punctuation marks count
        as words.
    """
    words = {reply: split_words(reply) for reply in replies}
    starts: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for reply, own in words.items():
        for start, run in enumerate(_shortest_runs(own)):
            starts[run].append((reply, start))
    longest = dict.fromkeys(words, 0)
    with progress("looking for copies", unit="dialogs") as display:
        for dialog in corpus.dialogs("train"):
            for turn in dialog[::2]:
                message = split_words(turn.text)
                for place, run in enumerate(_shortest_runs(message)):
                    for reply, start in starts.get(run, ()):
                        longest[reply] = max(longest[reply], _common(words[reply], start, message, place))
            display.advance()
    return longest


def _shortest_runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(_SHORTEST_RUN)), strict=False)


def _common(first: Sequence[str], first_start: int, second: Sequence[str], second_start: int) -> int:
    """Returns how many words two texts have in common from these places on."""
    length = 0
    for one, other in zip(first[first_start:], second[second_start:], strict=False):
        if one != other:
            break
        length += 1
    return length

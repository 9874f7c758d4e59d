"""Recognises the sentences that WhatsApp writes, quickly: most texts differ from all of them in their beginning."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat_whatsapp.sentences import (
    KIND_BY_SENTENCE,
    PATTERNS,
    PATTERNS_AFTER_NAMES,
    SYSTEM_MESSAGE,
    normalise,
)

_LONGEST_SENTENCE = 2 * max(map(len, KIND_BY_SENTENCE))  # characters, including those that `normalise` removes
_LONGEST_WITH_NAMES = 400
_BEGINNINGS = tuple(beginning for beginnings, _, _ in PATTERNS for beginning in beginnings)
_KNOWN = (*_BEGINNINGS, *KIND_BY_SENTENCE)
WORDS_AFTER_NAMES = ("created", "changed", "added")
"""Words in lower case; sentences that begin with a name have one of them."""
_MAX_HEADS = 50_000


class _Heads(dict[str, bool]):
    """Whether a text may be a known sentence, by its first characters.

    Args:
        length: The number of characters.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._heads = {head[:length] for sentence in _KNOWN for head in (sentence, f"{sentence} ")}

    def __missing__(self, head: str) -> bool:
        if len(self) > _MAX_HEADS:
            self.clear()
        start = normalise(f"{head}x")[:-1][: self._length]  # with a blank at its end
        is_whole = len(start) == self._length
        self[head] = start in self._heads if is_whole else any(known.startswith(start) for known in self._heads)
        return self[head]


_SHORT_HEAD, _LONG_HEAD = 3, 5  # characters; no beginning of a pattern is shorter
_short_heads, _long_heads = _Heads(_SHORT_HEAD), _Heads(_LONG_HEAD)


def kind_of_sentence(text: str) -> str:
    """Returns the kind of a message that WhatsApp wrote; empty for a text that no known sentence fits."""
    if len(text) > _LONGEST_WITH_NAMES or not _resembles_sentence(text):
        return ""
    sentence = normalise(text)
    if len(text) <= _LONGEST_SENTENCE and (kind := KIND_BY_SENTENCE.get(sentence)):
        return kind
    if sentence.startswith(_BEGINNINGS):
        for beginnings, pattern, kind in PATTERNS:
            if sentence.startswith(beginnings) and pattern.fullmatch(sentence):
                return kind
    for part, pattern in PATTERNS_AFTER_NAMES:
        if part in sentence and pattern.fullmatch(sentence):
            return SYSTEM_MESSAGE
    return ""


def _resembles_sentence(text: str) -> bool:
    """Returns whether a text may be a known sentence; it is false for most texts, and much quicker than `normalise`."""
    if _short_heads[text[:_SHORT_HEAD]] and _long_heads[text[:_LONG_HEAD]]:
        return True
    folded = text.casefold()
    return any(word in folded for word in WORDS_AFTER_NAMES)


def find_sentences(texts: Sequence[str]) -> list[int]:
    """Returns the indices of the texts that `kind_of_sentence` knows, but for sentences that begin with a name."""
    return [
        index
        for index, text in enumerate(texts)
        if _short_heads[text[:_SHORT_HEAD]] and _long_heads[text[:_LONG_HEAD]] and kind_of_sentence(text)
    ]

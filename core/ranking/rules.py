"""Rules that a candidate must keep, whatever its score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autocakechat.corpus.masking.masker import PLACEHOLDERS
from autocakechat.retrieval.exchanges import last_turn
from autocakechat.retrieval.names import names_others
from autocakechat.retrieval.terms import split_terms

_REPEATED_SHARE = 0.8


def is_allowed(candidate: str, context: Sequence[str], names: frozenset[str] = frozenset()) -> bool:
    """Returns whether a candidate may be sent.

    It may not if it has no text, contains a placeholder of masked data, repeats what the bot said before, or repeats
    the message that it is to answer. It may contain a name of another person only if the conversation does, in any
    case.

    Args:
        candidate: The candidate.
        context: The turns so far, oldest first, speakers alternating. The reply is to the last one.
        names: The names of other people.
    """
    if not candidate.strip() or any(placeholder in candidate for placeholder in PLACEHOLDERS.values()):
        return False
    if names_others(candidate, context, names):
        return False
    words = split_terms(candidate)
    earlier_replies = (split_terms(line) for line in context[-2::-2])
    message = split_terms(last_turn(context))
    return all(words != earlier for earlier in earlier_replies) and not _repeats(words, message)


class BannedPhrases:
    """Words and phrases that never occur in a reply. They match whole words, in any case.

    Args:
        phrases: The phrases; one without a word bans nothing.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = [_between_spaces(words) for phrase in phrases if (words := split_terms(phrase))]

    def occur_in(self, text: str) -> bool:
        """Returns whether a text contains one of the phrases."""
        terms = _between_spaces(split_terms(text))
        return any(phrase in terms for phrase in self._phrases)


def _between_spaces(words: Sequence[str]) -> str:
    """Joins words with a space before and after each, so that a phrase is not found within a longer word."""
    return f" {' '.join(words)} "


def _repeats(reply: Sequence[str], message: Sequence[str]) -> bool:
    """Returns whether two texts have nearly the same words. A single word may come back: "hello" to "hello"."""
    first, second = ({word for word in words if word[0].isalnum()} for words in (reply, message))
    return len(first) > 1 and len(first & second) >= _REPEATED_SHARE * len(first | second)

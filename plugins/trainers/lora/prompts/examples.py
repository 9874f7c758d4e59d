"""Past exchanges of the person in a prompt, as examples of how they reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from autocakechat import ReplyIndex


@attrs.frozen
class Examples:
    """Finds the past exchanges that are most like a conversation.

    Attributes:
        index: The past exchanges; None if the model stores none.
        count: How many exchanges a prompt shows; 0 for none.
        count_tokens: Counts the tokens of texts.
        limit: The largest number of tokens of all exchanges in a prompt. Those that do not fit are left out.
    """

    index: ReplyIndex | None
    count: int
    count_tokens: Callable[[Sequence[str]], Sequence[int]]
    limit: int

    @property
    def reserved(self) -> int:
        """The number of tokens that a prompt has to keep free for examples."""
        return self.limit if self.index and self.count else 0

    def lines(self, context: Sequence[str], without: range = range(0)) -> str:
        """Returns the lines of a prompt with the exchanges, the one that fits best at the end.

        Args:
            context: The turns so far, oldest first.
            without: Numbers of exchanges to leave out: those of the dialog itself.
        """
        if self.index is None or not self.count:
            return ""
        found = [match.exchange for match in self.index.search(context, self.count, without)]
        texts = [f"message: {exchange.context[-1]}\nreply: {exchange.reply}" for exchange in found]
        kept: list[str] = []
        used = 0
        for text, tokens in zip(texts, self.count_tokens(texts), strict=True):
            if used + tokens < self.limit:  # one token more for the line break
                kept.append(text)
                used += tokens + 1
        return "\n".join(reversed(kept))

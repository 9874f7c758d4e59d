"""The index of past replies: built from a corpus into a folder, searched with a conversation.

The folder contains the exchanges (`exchanges.jsonl`), a BM25 index for each field of an exchange, and, if an embedder
is given, the vectors of the replies. It contains arrays and JSON only, no pickles.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import msgspec
from attrs.validators import and_, ge, le

from autocakechat.errors import UserError
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model_file import read_json
from autocakechat.interface.run_context import OpenProgress
from autocakechat.retrieval.exchanges import Exchange, ExchangeFile, last_turn, read_exchanges, write_exchanges
from autocakechat.retrieval.meaning import Embedder, Meaning, fitted_on, open_embedder
from autocakechat.retrieval.names import read_names, write_names
from autocakechat.retrieval.scores import best
from autocakechat.retrieval.term_index import TermIndex

if TYPE_CHECKING:
    from autocakechat.retrieval.scores import Scores

_SETTINGS = "index.json"
_FREQUENT_REPLIES = 20
_EARLIER_WEIGHT = 0.3
_RANKED = 32
_MAX_CONTEXT_LINES = 1000
_RANK_CONSTANT = 60  # of reciprocal rank fusion (Cormack et al. 2009)


class _Field(StrEnum):
    """The indexed fields of an exchange. The value is the name of the folder."""

    MESSAGE = "message"
    EARLIER = "earlier"
    REPLY = "reply"

    def text(self, exchange: Exchange) -> str:
        """Returns the text of the field."""
        match self:
            case _Field.MESSAGE:
                return exchange.context[-1]
            case _Field.EARLIER:
                return "\n".join(exchange.context[:-1])
            case _Field.REPLY:
                return exchange.reply


@attrs.frozen
class _Settings:
    """The content of `index.json`."""

    context_lines: int = attrs.field(validator=and_(ge(1), le(_MAX_CONTEXT_LINES)))
    labels: list[str]
    frequent: list[str]
    embedder: str | None = None


@attrs.frozen
class Match:
    """An exchange that a search found.

    Attributes:
        number: The number of the exchange in the index.
        exchange: The exchange.
        score: How well it fits; the higher, the better. Scores are compared within one search only.
    """

    number: int
    exchange: Exchange
    score: float


class ReplyIndex:
    """The person's past replies, found by words and, with an embedder, by meaning. Made by `build`, then `open`.

    Args:
        folder: The folder of the index.
        settings: The settings of the index.
        embedder: The embedder that the index was built with.
    """

    def __init__(self, folder: Path, settings: _Settings, embedder: Embedder | None) -> None:
        self.context_lines = settings.context_lines
        self.labels: Sequence[str] = tuple(settings.labels)
        self.frequent: Sequence[str] = tuple(settings.frequent)
        self.exchanges: Sequence[Exchange] = ExchangeFile(folder)
        self.names = read_names(folder, self.exchanges)
        self.meaning = None if embedder is None else Meaning(folder, embedder, len(self.exchanges))
        self._fields = {field: TermIndex(folder / field, len(self.exchanges)) for field in _Field}

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        folder: Path,
        progress: OpenProgress,
        context_lines: int = 3,
        embedder: Embedder | None = None,
    ) -> ReplyIndex:
        """Indexes the replies in the training part of a corpus.

        Args:
            corpus: The corpus.
            folder: An empty folder for the index.
            progress: Opens a progress display.
            context_lines: The number of lines before a reply that are indexed.
            embedder: Finds replies by meaning, too; None for words only.

        Returns:
            The index, opened.

        Raises:
            UserError: The corpus contains no replies.
        """

        def exchanges() -> Iterator[Exchange]:
            return read_exchanges(corpus, "train", context_lines)

        if not write_exchanges(folder, exchanges()):
            raise UserError("the corpus contains no replies", "use more chats")
        with progress("indexing replies", total=len(_Field)) as display:
            for field in _Field:
                TermIndex.build(map(field.text, exchanges()), folder / field)
                display.advance()
        with suppress(FileNotFoundError):  # a corpus that another program made has no report
            write_names(folder, exchanges(), corpus.report)
        if embedder is not None:
            Meaning.build(ExchangeFile(folder), folder, embedder, progress)
        settings = _Settings(
            context_lines=context_lines,
            labels=sorted({exchange.label for exchange in exchanges()}),
            frequent=[text for text, _ in Counter(found.reply for found in exchanges()).most_common(_FREQUENT_REPLIES)],
            embedder=embedder.name if embedder else None,
        )
        (folder / _SETTINGS).write_bytes(msgspec.json.format(msgspec.json.encode(attrs.asdict(settings)), indent=1))
        return cls(folder, settings, embedder)

    @classmethod
    def open(cls, folder: Path) -> ReplyIndex:
        """Opens an index that `build` wrote. Its arrays are memory-mapped.

        Raises:
            UserError: A file is missing or damaged, or the embedder of the index is not installed.
        """
        settings = read_json(folder / _SETTINGS, _Settings)
        try:
            embedder = open_embedder(settings.embedder) if settings.embedder else None
        except UserError as error:
            raise UserError(f"{folder}: {error.message}", error.hint) from None
        return cls(folder, settings, embedder)

    def __len__(self) -> int:
        return len(self.exchanges)

    @property
    def unseen(self) -> range:
        """The numbers of the exchanges that nothing in the index but their own entries was learnt from."""
        return unseen_exchanges(len(self), by_meaning=self.meaning is not None)

    def search(self, context: Sequence[str], limit: int = 32, without: range = range(0)) -> list[Match]:
        """Finds the exchanges that fit a conversation best.

        Exchanges are ranked by the likeness of their lines to those of the conversation, by the words that their reply
        shares with it, and, with an embedder, by the meaning of their reply. The ranks are fused.

        Args:
            context: The turns so far, oldest first; no turn counts as an empty one.
            limit: The largest number of exchanges.
            without: Numbers of exchanges to leave out: in a test, those of the dialog that is tested.

        Returns:
            The exchanges, best first; none if nothing matches.
        """
        fused: dict[int, float] = defaultdict(float)
        ranked = max(limit, _RANKED)
        rankings = [
            best(scores, ranked, without) for scores in (self.message_scores(context), self._reply_scores(context))
        ]
        if self.meaning:
            rankings.append(self.meaning.best(context[-self.context_lines :], ranked, without))
        for ranking in rankings:
            for rank, number in enumerate(ranking):
                fused[number] += 1 / (_RANK_CONSTANT + rank)
        found = sorted(fused.items(), key=lambda item: -item[1])[:limit]  # of equal ones, those of the first ranking
        return [Match(number, self.exchanges[number], score) for number, score in found]

    def message_scores(self, context: Sequence[str]) -> Scores:
        """Returns how much the lines of every exchange are like those of a conversation (BM25)."""
        scores = self._fields[_Field.MESSAGE].scores(last_turn(context))
        earlier = "\n".join(context[-self.context_lines : -1])
        if earlier and scores.any():
            scores = scores + _EARLIER_WEIGHT * self._fields[_Field.EARLIER].scores(earlier)
        return scores

    def frequency(self, term: str) -> int:
        """Returns the number of messages and replies with a term."""
        return self._fields[_Field.MESSAGE].frequency(term) + self._fields[_Field.REPLY].frequency(term)

    def _reply_scores(self, context: Sequence[str]) -> Scores:
        """Returns how much every reply is about the words of a conversation (BM25)."""
        replies = self._fields[_Field.REPLY]
        scores = replies.scores(last_turn(context))
        for line in context[-self.context_lines : -1]:
            scores = scores + _EARLIER_WEIGHT * replies.scores(line)
        return scores


def unseen_exchanges(exchanges: int, by_meaning: bool) -> range:
    """Returns the numbers of the exchanges that nothing in an index but their own entries is learnt from.

    Args:
        exchanges: The number of exchanges in the index.
        by_meaning: Whether the index has an embedder, so that a map from conversations to replies is learnt.
    """
    return range(fitted_on(exchanges).stop if by_meaning else 0, exchanges)

"""Held-out replies of a corpus with their contexts, and the training replies for the baselines."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from autocakechat.errors import UserError
from autocakechat.evaluation.metrics import Lexicon, WordList, normalized, split_words
from autocakechat.interface.corpus import Corpus, Utterance
from autocakechat.interface.run_context import OpenProgress, Progress

_POOL_SIZE = 2000
_EXCHANGES = 20_000


@attrs.frozen
class EvaluationExample:
    """A held-out reply in its context.

    Attributes:
        dialog: The number of its dialog.
        context: The turns before the reply, oldest first.
        reply: The person's reply.
        emotion: The label of the reply.
        distractors: Replies that the person gave in other contexts: the wrong candidates of the ranking task.
        chat_kind: The kind of its chat.
        person: The pseudonym of who wrote the last turn of the context.
    """

    dialog: int
    context: tuple[str, ...]
    reply: str
    emotion: str
    distractors: tuple[str, ...] = ()
    chat_kind: str = ""
    person: str = ""

    @property
    def candidates(self) -> tuple[str, ...]:
        """The candidates of the ranking task, the true reply first."""
        return (self.reply, *self.distractors)


def draw_held_out_examples(
    corpus: Corpus, size: int, distractors: int, rng: random.Random
) -> tuple[list[EvaluationExample], int]:
    """Draws examples from the held-out part of a corpus.

    Args:
        corpus: The corpus.
        size: The number of examples to draw; all are used if there are fewer.
        distractors: The number of wrong candidates for each example. They differ from the true reply and from each
            other in their words, and are drawn as often as the person gives them. All examples get the same number:
            fewer if the held-out part has fewer distinct replies.
        rng: The random number generator.

    Returns:
        The examples in the order of the corpus, and the number of held-out replies.

    Raises:
        UserError: The held-out part is empty.
    """
    available = sum(len(dialog) // 2 for dialog in corpus.dialogs("validation"))
    if not available:
        raise UserError(
            f"{corpus.path}: the held-out part is empty, and evaluating on training dialogs would be misleading",
            "read more chats: the newest dialogs are held out as soon as there are two",
        )
    drawn_indexes = set(rng.sample(range(available), min(size, available)))
    pool_indexes = set(rng.sample(range(available), min(_POOL_SIZE, available)))
    examples: list[EvaluationExample] = []
    pool: list[str] = []
    for index, example in enumerate(_held_out_examples(corpus)):
        if index in drawn_indexes:
            examples.append(example)
        if index in pool_indexes:
            pool.append(example.reply)
    distractors = min(distractors, len({normalized(text) for text in pool}) - 1)
    return [
        attrs.evolve(example, distractors=_draw_distractors(example.reply, pool, distractors, rng))
        for example in examples
    ], available


class TrainingReplies:
    """The replies in the training part of a corpus.

    Args:
        corpus: The corpus.
        rng: Draws the exchanges.
        progress: Opens a progress display.

    Attributes:
        counts: How often each reply occurs.
        lexicon: The words of the replies.
        exchanges: Messages with the replies to them: all, or a random part of a large corpus.

    Raises:
        UserError: There are none.
    """

    def __init__(self, corpus: Corpus, rng: random.Random, progress: OpenProgress) -> None:
        self.counts: Counter[str] = Counter()
        self.exchanges: list[tuple[str, str]] = []
        with progress("reading the training replies", unit="dialogs") as display:
            self.lexicon = Lexicon(self._count(corpus, rng, display))
        if not self.counts:
            raise UserError(f"{corpus.path}: train.jsonl contains no replies", "build the corpus again")

    @property
    def most_frequent(self) -> str:
        """The most frequent reply; the first one of several."""
        return self.counts.most_common(1)[0][0]

    def draw(self, size: int, rng: random.Random) -> list[str]:
        """Draws replies in proportion to their frequency."""
        return rng.choices(list(self.counts), list(self.counts.values()), k=size)

    def _count(self, corpus: Corpus, rng: random.Random, display: Progress) -> Iterator[WordList]:
        """Counts the replies, keeps exchanges, and yields the words of each reply."""
        read = 0
        for dialog in corpus.dialogs("train"):
            for message, reply in zip(dialog[::2], dialog[1::2], strict=True):
                self.counts[reply.text] += 1
                read += 1
                self._keep((message.text, reply.text), rng.randrange(read) if read > _EXCHANGES else read - 1)
                yield split_words(reply.text)
            display.advance()

    def _keep(self, exchange: tuple[str, str], place: int) -> None:
        """Keeps an exchange at a place, so that all exchanges are kept with the same probability."""
        if place < len(self.exchanges):
            self.exchanges[place] = exchange
        elif len(self.exchanges) < _EXCHANGES:
            self.exchanges.append(exchange)


def _held_out_examples(corpus: Corpus) -> Iterator[EvaluationExample]:
    dialogs = zip(corpus.dialogs("validation"), corpus.origins("validation"), strict=True)
    for number, (dialog, origin) in enumerate(dialogs):
        for index in range(1, len(dialog), 2):
            context: Sequence[Utterance] = dialog[:index]
            reply = dialog[index]
            texts = tuple(turn.text for turn in context)
            yield EvaluationExample(
                number, texts, reply.text, reply.emotion, chat_kind=origin.kind, person=origin.person(index // 2)
            )


def _draw_distractors(reply: str, pool: Sequence[str], number: int, rng: random.Random) -> tuple[str, ...]:
    true = normalized(reply)
    drawn: dict[str, str] = {}
    for text in _shuffled(pool, rng):
        if len(drawn) == number:
            break
        if normalized(text) != true:
            drawn.setdefault(normalized(text), text)
    return tuple(drawn.values())


def _shuffled(texts: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Yields texts in random order, shuffling only as many as are consumed."""
    remaining = list(texts)
    while remaining:
        index = rng.randrange(len(remaining))
        remaining[index], remaining[-1] = remaining[-1], remaining[index]
        yield remaining.pop()

"""What a model is measured with: moments of a corpus that no training has seen, and what its person usually says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from autocakechat.errors import UserError
from autocakechat.evaluation.metrics import Lexicon, words
from autocakechat.interface.corpus import Corpus, Utterance
from autocakechat.interface.run_context import OpenProgress

_POOL = 2000


@attrs.frozen
class EvaluationExample:
    """A moment in which the person answered.

    Attributes:
        context: What was said before, oldest first.
        answer: What the person said.
        emotion: The label of that.
        others: What the person said at other moments.
    """

    context: tuple[str, ...]
    answer: str
    emotion: str
    others: tuple[str, ...] = ()


def held_out_moments(
    corpus: Corpus, number: int, others: int, context_lines: int, chance: random.Random
) -> tuple[list[EvaluationExample], int]:
    """Draws moments of the part of a corpus that no trainer learns from.

    Args:
        corpus: The corpus.
        number: How many moments to draw; if there are fewer, all are taken.
        others: How many other answers to draw for each moment. They differ from the true one and from each other in
            their words, and each is as likely as the person gives it. All moments get the same number, fewer if the
            person has not said so many things.
        context_lines: Lines before the answer to keep.
        chance: What draws.

    Returns:
        The moments in the order of the corpus, and how many there are in all.

    Raises:
        UserError: There are none.
    """
    available = sum(len(dialog) // 2 for dialog in corpus.dialogs("validation"))
    if not available:
        raise UserError(
            f"{corpus.path}: every dialog was there to train on, and measuring with those would flatter",
            "read more chats: the newest dialogs are kept apart as soon as there are two",
        )
    chosen = set(chance.sample(range(available), min(number, available)))
    pooled = set(chance.sample(range(available), min(_POOL, available)))
    moments, pool = [], []
    for place, moment in enumerate(_moments(corpus, context_lines)):
        if place in chosen:
            moments.append(moment)
        if place in pooled:
            pool.append(moment.answer)
    others = min(others, len({_essence(text) for text in pool}) - 1)
    return [attrs.evolve(moment, others=_others(moment.answer, pool, others, chance)) for moment in moments], available


class TrainingReplies:
    """What the person says in the part of a corpus that is learnt, for bots that need no network.

    Args:
        corpus: The corpus.
        progress: Opens a progress display.

    Attributes:
        counts: How often each answer is given.
        lexicon: The words of the answers.
    """

    def __init__(self, corpus: Corpus, progress: OpenProgress) -> None:
        self.counts: Counter[str] = Counter()
        with progress("reading what was learnt", unit="dialogs") as reading:

            def answers() -> Iterator[Sequence[str]]:
                for dialog in corpus.dialogs("train"):
                    for utterance in dialog[1::2]:
                        self.counts[utterance.text] += 1
                        yield words(utterance.text)
                    reading.advance()

            self.lexicon = Lexicon(answers())
        if not self.counts:
            raise UserError(f"{corpus.path}: train.jsonl holds no answers", "make the corpus again")

    @property
    def most_frequent(self) -> str:
        """The answer that is given most often; of several the first."""
        return self.counts.most_common(1)[0][0]

    def random_answers(self, number: int, chance: random.Random) -> list[str]:
        """Draws answers, each as likely as the person gives it."""
        return chance.choices(list(self.counts), list(self.counts.values()), k=number)


def _moments(corpus: Corpus, context_lines: int) -> Iterator[EvaluationExample]:
    for dialog in corpus.dialogs("validation"):
        for place in range(1, len(dialog), 2):
            before: Sequence[Utterance] = dialog[max(0, place - context_lines) : place]
            yield EvaluationExample(tuple(each.text for each in before), dialog[place].text, dialog[place].emotion)


def _others(answer: str, pool: Sequence[str], number: int, chance: random.Random) -> tuple[str, ...]:
    true = _essence(answer)
    found: dict[tuple[str, ...], str] = {}
    for text in _shuffled(pool, chance):
        if len(found) == number:
            break
        if _essence(text) != true:
            found.setdefault(_essence(text), text)
    return tuple(found.values())


def _shuffled(texts: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Yields texts in random order; of few that are taken, few are shuffled."""
    left = list(texts)
    while left:
        place = chance.randrange(len(left))
        left[place], left[-1] = left[-1], left[place]
        yield left.pop()


def _essence(text: str) -> tuple[str, ...]:
    """What two texts have in common that only differ in case and blanks."""
    return tuple(words(text))

"""The dialogs to learn, with their origins: how much of each chat, and which people the model tells apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from autocakechat import Corpus, Origin, UserError, Utterance
from autocakechat.plugins.trainers.lora.options import Options
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine

LEAST_REPLIES = 10
"""A model does not learn from fewer replies how the server talks to a person."""
_MOST_PEOPLE = 100


@attrs.frozen
class Conversation:
    """A dialog to learn.

    Attributes:
        turns: Its turns.
        origin: Where it is from.
        skipped: The number of replies at its beginning that are context only.
        exchanges: The numbers of its replies in the index of past replies; empty if they are not there.
    """

    turns: Sequence[Utterance]
    origin: Origin
    skipped: int = 0
    exchanges: range = range(0)


def training_conversations(corpus: Corpus, per_chat: int | None) -> Iterator[Conversation]:
    """Yields the dialogs of the training part in which something is learnt.

    Args:
        corpus: The corpus.
        per_chat: The maximum number of replies of one chat to learn, the newest ones; None for all.

    Raises:
        UserError: There is a maximum, and the corpus does not record the chats.
    """
    excess = _excess_replies(corpus, per_chat) if per_chat else Counter[str]()
    first = 0
    for turns, origin in zip(corpus.dialogs("train"), corpus.origins("train"), strict=True):
        replies = len(turns) // 2
        skipped = min(replies, excess[origin.chat])
        excess[origin.chat] -= skipped
        if skipped < replies:
            yield Conversation(turns, origin, skipped, range(first, first + replies))
        first += replies


def held_out_conversations(corpus: Corpus) -> list[Conversation]:
    """Returns the dialogs of the held-out part."""
    dialogs = zip(corpus.dialogs("validation"), corpus.origins("validation"), strict=True)
    return [Conversation(turns, origin) for turns, origin in dialogs]


def choose_system_line(options: Options, corpus: Corpus) -> SystemLine:
    """Chooses what the system line says: the kind of chat if there are both, and the people who got enough replies.

    Raises:
        UserError: The people are wanted, and the corpus does not record them.
    """
    kinds = set()
    replies: Counter[str] = Counter()
    for conversation in training_conversations(corpus, options.per_chat):
        origin = conversation.origin
        kinds.add(origin.kind)
        if options.people:
            replies.update(map(origin.person, range(conversation.skipped, len(conversation.turns) // 2)))
    del replies[""]
    if options.people and not replies:
        raise _no_origins(corpus, "people")
    most_first = sorted(replies.items(), key=lambda entry: (-entry[1], entry[0]))[:_MOST_PEOPLE]
    people = tuple(person for person, count in most_first if count >= LEAST_REPLIES)
    return SystemLine(options.system, len(kinds - {""}) > 1, people)


def _excess_replies(corpus: Corpus, per_chat: int) -> Counter[str]:
    """Counts the replies of each chat that are too many."""
    replies: Counter[str] = Counter()
    for conversation in training_conversations(corpus, None):
        replies[conversation.origin.chat] += len(conversation.turns) // 2
    del replies[""]  # dialogs that are planted by `acc evaluate --canaries`
    if not replies:
        raise _no_origins(corpus, "per_chat")
    return Counter({chat: count - per_chat for chat, count in replies.items() if count > per_chat})


def _no_origins(corpus: Corpus, option: str) -> UserError:
    return UserError(
        f"{corpus.path}: does not record the chats, which trainer.{option} needs",
        "build the corpus with this version: acc run --force corpus",
    )

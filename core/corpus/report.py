"""What was read, what became of it, and what to expect of a bot that learns it.

While the corpus is built:

    builder = ReportBuilder("turns-extractor")      # whom to blame for messages that are left over
    builder.add_chat(chat)                              # before a chat is read: its people are counted on the way
    writer.write(dialog, builder.ledger(dialog.chat))
    report = writer.finish(builder)                 # also written as report.json

Afterwards: `render(report)` for a person, `report.to_json()` and `Report.from_json(bytes)` for a program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import attrs
import msgspec

from autocakechat.errors import PluginError, UserError
from autocakechat.interface.chatlog import Chat, Ledger, Tally
from autocakechat.statistics.activity import DurationBin
from autocakechat.statistics.dialog_statistics import Bin, DialogStatistics, SamplePair, bins
from autocakechat.statistics.participants import Participant, ParticipantCounter
from autocakechat.text import escape_control_characters, pluralize, repair_surrogates

_FORM = 1
_MOST_PEOPLE = 100
_PEOPLE_SHOWN = 10


@attrs.frozen
class MessageCounts:
    """What became of messages: `kept` and all of `dropped` make `read`.

    Attributes:
        read: How many were read.
        kept: Those whose text stands in the corpus.
        dropped: All others, by reason.
    """

    read: int
    kept: int
    dropped: dict[str, int]


@attrs.frozen
class WordCounts:
    """How many words, divided by blanks or line breaks, were said."""

    questions: int
    answers: int


@attrs.frozen
class ChatReport:
    """What came of one chat.

    Attributes:
        id: The chat's id.
        title: The name shown for it.
        kind: What kind of chat it is.
        skipped: Why nothing of it was to be learnt, or None.
        messages: What became of its messages.
        dialogs: How many dialogs of it stand in the corpus.
        pairs: How many pairs of question and answer these have.
        words: Their words.
    """

    id: str
    title: str | None
    kind: str
    skipped: str | None
    messages: MessageCounts
    dialogs: int
    pairs: int
    words: WordCounts


@attrs.frozen
class PartReport:
    """What stands in one of the files of the corpus."""

    dialogs: int
    pairs: int


@attrs.frozen(kw_only=True)
class Report:
    """The content of report.json.

    Attributes:
        form: Raised when a key changes its meaning.
        messages: What became of all messages.
        dialogs: How many dialogs the corpus has.
        pairs: How many pairs of question and answer these have.
        turns: How many utterances these have.
        words: Their words.
        train: What train.jsonl holds.
        validation: What validation.jsonl holds.
        split: When the first dialog of validation.jsonl began (ISO 8601, UTC); None if there is none.
        duplicates: How many dialogs were dropped because the same one was there.
        surplus_answers: How many pairs were dropped because their answer was given too often.
        masked: How many places were masked in all dialogs read, by kind.
        notes: What else the extractor counted, such as dialogs that had to be cut.
        dialog_pairs: How many pairs dialogs have.
        answer_words: How many words answers have.
        silences: How much time passed between neighbouring messages of a chat.
        people: Who wrote, those who wrote most first; a hundred at most.
        chats: Every chat that was read.
        samples: Some pairs, chosen at random.
        expect: What to expect of this amount of data, for a person to read.
    """

    form: int = _FORM
    messages: MessageCounts
    dialogs: int
    pairs: int
    turns: int
    words: WordCounts
    train: PartReport
    validation: PartReport
    split: str | None
    duplicates: int
    surplus_answers: int
    masked: dict[str, int]
    notes: dict[str, int] = attrs.field(factory=dict)
    dialog_pairs: list[Bin]
    answer_words: list[Bin]
    silences: list[DurationBin]
    people: list[Participant]
    chats: list[ChatReport]
    samples: list[SamplePair]
    expect: str

    def to_json(self) -> bytes:
        """Returns report.json's bytes."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, encoded: bytes) -> Report:
        """Reads report.json.

        Raises:
            UserError: It is damaged.
        """
        try:
            return msgspec.json.decode(encoded, type=cls)
        except msgspec.DecodeError as error:
            raise UserError(f"report.json: damaged: {error}", "run with --force corpus") from None


@attrs.frozen(kw_only=True)
class WriterStatistics:
    """What the corpus writer did.

    Attributes:
        figures: What was written of each chat.
        train: What train.jsonl holds.
        validation: What validation.jsonl holds.
        split: When the first dialog of validation.jsonl began, in seconds since 1970.
        masked: How many places were masked, by kind.
        duplicates: How many dialogs were there before.
        surplus: How many pairs had an answer that was given too often.
        samples: Some pairs.
    """

    figures: dict[Ledger, DialogStatistics]
    train: PartReport
    validation: PartReport
    split: int | None
    masked: dict[str, int]
    duplicates: int
    surplus: int
    samples: list[SamplePair]


@attrs.frozen
class _Read:
    """A chat that was read, or is being read."""

    id: str
    title: str | None
    kind: str
    skipped: str | None
    ledger: Ledger


class ReportBuilder:
    """Keeps account of the chats while they are read. It can be pickled, and sent to another process.

    Args:
        extractor: Name of the plugin that has to account for every message.

    Attributes:
        census: Who wrote how much.
    """

    def __init__(self, extractor: str = "of the extractor") -> None:
        self._extractor = extractor
        self.census = ParticipantCounter()
        self._chats: list[_Read] = []
        self._ledgers: dict[str, Ledger] = {}

    @property
    def messages_read(self) -> int:
        """How many messages were read so far."""
        return sum(len(chat.ledger) for chat in self._chats)

    def add_chat(self, chat: Chat) -> None:
        """Takes note of a chat that is about to be read, and counts its messages on the way."""
        chat.tap(self.census.count_batches)
        self.add_counted_chat(chat)

    def add_counted_chat(self, chat: Chat) -> None:
        """Takes note of a chat whose messages are counted elsewhere."""
        title = None if chat.title is None else repair_surrogates(chat.title)
        self._chats.append(_Read(chat.id, title, chat.kind, chat.skip, chat.ledger))
        self._ledgers[chat.id] = chat.ledger

    def merge(self, other: ReportBuilder) -> None:
        """Takes over the account of another builder, whose chats come after those of this one."""
        self._chats += other._chats
        self._ledgers |= other._ledgers
        self.census.merge(other.census)

    def ledger(self, chat: str) -> Ledger:
        """The ledger of a chat, by the chat's id; of two chats with one id, the later one's.

        Raises:
            PluginError: No such chat was read.
        """
        try:
            return self._ledgers[chat]
        except KeyError:
            raise PluginError(self._extractor, f"yields a dialog of chat {chat!r}, which was not read") from None

    def finish(self, written: WriterStatistics) -> Report:
        """Makes the report of everything that was read and written.

        Raises:
            UserError: Nothing was written; the message says what became of the messages.
            PluginError: Messages are left of which nobody knows what became of them.
        """
        chats = [self._chat_report(chat, written.figures.get(chat.ledger, DialogStatistics())) for chat in self._chats]
        messages = _sum_messages([chat.messages for chat in chats])
        people = self.census.people()
        figures = list(written.figures.values())
        pairs = sum(each.pairs for each in figures)
        if not pairs:
            raise nothing_to_learn(messages, people)
        return Report(
            messages=messages,
            dialogs=sum(each.dialogs for each in figures),
            pairs=pairs,
            turns=2 * pairs,
            words=WordCounts(sum(each.question_words for each in figures), sum(each.answer_words for each in figures)),
            train=written.train,
            validation=written.validation,
            split=None if written.split is None else datetime.fromtimestamp(written.split, UTC).isoformat(),
            duplicates=written.duplicates,
            surplus_answers=written.surplus,
            masked=written.masked,
            notes=_sum([chat.ledger.notes for chat in self._chats]),
            dialog_pairs=bins([each.by_pairs for each in figures], digits=1),
            answer_words=bins([each.by_words for each in figures]),
            silences=self.census.silences(),
            people=[
                attrs.evolve(each, name=each.name and repair_surrogates(each.name)) for each in people[:_MOST_PEOPLE]
            ],
            chats=chats,
            samples=written.samples,
            expect=what_to_expect(pairs),
        )

    def _chat_report(self, chat: _Read, figures: DialogStatistics) -> ChatReport:
        tally: Tally = chat.ledger.tally()
        if tally.unsettled:
            total = pluralize(tally.read, "message")
            raise PluginError(
                self._extractor,
                f"left {tally.unsettled:,} of {total} of chat {escape_control_characters(chat.id)} neither in a dialog "
                "nor dropped with a reason",
            )
        return ChatReport(
            id=chat.id,
            title=chat.title,
            kind=chat.kind,
            skipped=chat.skipped,
            messages=MessageCounts(tally.read, tally.kept, dict(sorted(tally.dropped.items()))),
            dialogs=figures.dialogs,
            pairs=figures.pairs,
            words=WordCounts(figures.question_words, figures.answer_words),
        )


def nothing_to_learn(messages: MessageCounts, people: Sequence[Participant]) -> UserError:
    """Explains, with the counts, why no pair of question and answer was found.

    Args:
        messages: What became of the messages.
        people: Who wrote, those who wrote most first.

    Returns:
        The error to raise.
    """
    if not messages.read:
        return UserError("no pairs found: the source holds no messages", "is it the right file or folder?")
    reasons = sorted(messages.dropped.items(), key=lambda entry: -entry[1])
    dropped = ", ".join(f"{number:,} {escape_control_characters(reason)}" for reason, number in reasons)
    shown = ", ".join(str(person) for person in people[:_PEOPLE_SHOWN])
    more = f" and {len(people) - _PEOPLE_SHOWN:,} more" if len(people) > _PEOPLE_SHOWN else ""
    return UserError(
        f"no pairs found in {pluralize(messages.read, 'message')} ({dropped}); who wrote: {shown or 'nobody'}{more}",
        "is `server` the id of the person to learn, and does anybody write to that person?",
    )


def what_to_expect(pairs: int) -> str:
    """Says what a bot that learns so many pairs can and cannot do."""
    for limit, sentence in _EXPECTATIONS:
        if pairs < limit:
            return f"{pluralize(pairs, 'pair')}: {sentence}"
    return f"{pluralize(pairs, 'pair')}: {_PLENTY}"


_EXPECTATIONS = (
    (200, "too few to learn to talk from; the bot will repeat a handful of words. Add more chats."),
    (2_000, "few; the bot will use the person's most frequent phrases, seldom to the point."),
    (20_000, "some; short answers in the person's words, often to the point where the question is a usual one."),
    (200_000, "a good amount; the person's tone, and answers that mostly fit the last line."),
)
_PLENTY = "plenty; a big model is worth its time."


def _sum_messages(parts: Sequence[MessageCounts]) -> MessageCounts:
    dropped = _sum([part.dropped for part in parts])
    return MessageCounts(sum(part.read for part in parts), sum(part.kept for part in parts), dropped)


def _sum(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))

"""Builds the report of a corpus while its chats are read and its dialogs are written.

builder = ReportBuilder("turns-extractor")
builder.add_chat(chat)                      # before the chat is read: counts its participants
writer.write(dialog, builder.ledger(dialog.chat))
report = writer.finish(builder)             # also writes report.json
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import attrs

from autocakechat.corpus.report import ChatReport, MessageCounts, PartReport, Report, WordCounts
from autocakechat.errors import PluginError, UserError
from autocakechat.interface.chatlog import Chat
from autocakechat.interface.ledger import Ledger
from autocakechat.statistics.dialog_statistics import DialogStatistics, SamplePair, histogram_bins
from autocakechat.statistics.participants import Participant, ParticipantCounter
from autocakechat.text import escape_control_characters, pluralize, repair_surrogates

_MAX_PARTICIPANTS = 100
_PARTICIPANTS_SHOWN = 10

_EXPECTATIONS = (  # upper limit of the number of pairs, excluded, and what to expect below it
    (200, "too few to learn from; the bot will repeat a few words. Add more chats."),
    (2_000, "few; enough past replies to choose from, but a network from scratch learns little more than greetings."),
    (20_000, "some; short replies in the person's words, which often fit common questions."),
    (200_000, "a good amount; the person's tone, and replies that mostly fit the last message."),
)
_MOST_PAIRS_EXPECTATION = "plenty; a large model is worth the training time."


@attrs.frozen(kw_only=True)
class WriterStatistics:
    """What the corpus writer wrote and dropped.

    Attributes:
        chats: The dialogs written, by the ledger of their chat.
        train: Size of train.jsonl.
        validation: Size of validation.jsonl.
        split: When the first dialog of validation.jsonl starts, in seconds since 1970; None if the file is empty.
        masked: Number of placeholders, by kind.
        duplicates: Number of dialogs dropped as duplicates.
        overused_replies: Number of pairs dropped because their reply occurs too often.
        samples: Some pairs, chosen at random.
    """

    chats: dict[Ledger, DialogStatistics]
    train: PartReport
    validation: PartReport
    split: int | None
    masked: dict[str, int]
    duplicates: int
    overused_replies: int
    samples: list[SamplePair]


@attrs.frozen
class _ChatEntry:
    """A chat, without its messages."""

    id: str
    title: str | None
    kind: str
    skipped: str | None
    ledger: Ledger


class ReportBuilder:
    """Collects what a report needs while chats are read. A worker process can pickle it and send it back.

    Args:
        extractor: Name of the plugin that must account for every message; errors name it.

    Attributes:
        participants: Counts messages by sender.
    """

    def __init__(self, extractor: str = "of the extractor") -> None:
        self._extractor = extractor
        self.participants = ParticipantCounter()
        self._chats: list[_ChatEntry] = []
        self._ledgers: dict[str, Ledger] = {}

    def add_chat(self, chat: Chat) -> None:
        """Adds a chat before it is read, and counts its messages while they are read."""
        chat.tap(self.participants.count_batches)
        self.add_counted_chat(chat)

    def add_counted_chat(self, chat: Chat) -> None:
        """Adds a chat whose messages another process counts."""
        title = None if chat.title is None else repair_surrogates(chat.title)
        self._chats.append(_ChatEntry(chat.id, title, chat.kind, chat.skip, chat.ledger))
        self._ledgers[chat.id] = chat.ledger

    def merge(self, other: ReportBuilder) -> None:
        """Adds the chats of another builder after those of this one."""
        self._chats += other._chats
        self._ledgers |= other._ledgers
        self.participants.merge(other.participants)

    def ledger(self, chat: str) -> Ledger:
        """Returns the ledger of a chat; if two chats have the same id, the ledger of the later one.

        Args:
            chat: The chat's id.

        Raises:
            PluginError: No such chat was read.
        """
        try:
            return self._ledgers[chat]
        except KeyError:
            raise PluginError(self._extractor, f"yields a dialog of chat {chat!r}, which was not read") from None

    def finish(self, written: WriterStatistics) -> Report:
        """Makes the report.

        Args:
            written: What the corpus writer wrote and dropped.

        Raises:
            UserError: The corpus has no pairs; the message counts the dropped messages by reason.
            PluginError: The extractor did not account for every message.
        """
        chats = [self._chat_report(chat, written.chats.get(chat.ledger, DialogStatistics())) for chat in self._chats]
        messages = _sum_messages([chat.messages for chat in chats])
        participants = self.participants.ranking()
        statistics = list(written.chats.values())
        pairs = sum(chat.pairs for chat in statistics)
        if not pairs:
            raise no_pairs_error(messages, participants)
        return Report(
            messages=messages,
            dialogs=sum(chat.dialogs for chat in statistics),
            pairs=pairs,
            turns=2 * pairs,
            words=WordCounts(
                questions=sum(chat.client_words for chat in statistics),
                answers=sum(chat.reply_words for chat in statistics),
            ),
            train=written.train,
            validation=written.validation,
            split=None if written.split is None else datetime.fromtimestamp(written.split, UTC).isoformat(),
            duplicates=written.duplicates,
            surplus_answers=written.overused_replies,
            masked=written.masked,
            notes=_sum_counts([chat.ledger.notes for chat in self._chats]),
            dialog_pairs=histogram_bins([chat.dialog_lengths for chat in statistics]),
            answer_words=histogram_bins([chat.reply_lengths for chat in statistics]),
            silences=self.participants.gaps(),
            people=[_with_valid_name(participant) for participant in participants[:_MAX_PARTICIPANTS]],
            replies_by=[_with_valid_name(participant) for participant in self._reply_senders(statistics)],
            chats=chats,
            samples=written.samples,
            expect=expectation(pairs),
        )

    def _reply_senders(self, chats: Sequence[DialogStatistics]) -> list[Participant]:
        messages = _sum_counts([chat.reply_senders for chat in chats])
        return self.participants.rank(messages)[:_MAX_PARTICIPANTS]

    def _chat_report(self, chat: _ChatEntry, statistics: DialogStatistics) -> ChatReport:
        tally = chat.ledger.tally()
        if tally.unsettled:
            total = pluralize(tally.read, "message")
            raise PluginError(
                self._extractor,
                f"left {tally.unsettled:,} of {total} of chat {escape_control_characters(chat.id)} unaccounted for: "
                "neither in a dialog nor dropped with a reason",
            )
        return ChatReport(
            id=chat.id,
            title=chat.title,
            kind=chat.kind,
            skipped=chat.skipped,
            messages=MessageCounts(tally.read, tally.kept, dict(sorted(tally.dropped.items()))),
            dialogs=statistics.dialogs,
            pairs=statistics.pairs,
            words=WordCounts(questions=statistics.client_words, answers=statistics.reply_words),
            topics=dict(chat.ledger.topics.most_common()),
        )


def no_pairs_error(messages: MessageCounts, participants: Sequence[Participant]) -> UserError:
    """Makes the error for a corpus without pairs.

    Args:
        messages: The messages, by what happened to them.
        participants: The participants, most messages first.
    """
    if not messages.read:
        return UserError("no pairs found: the source contains no messages", "check the path of the export")
    reasons = sorted(messages.dropped.items(), key=lambda entry: -entry[1])
    dropped = ", ".join(f"{count:,}: {escape_control_characters(reason)}" for reason, count in reasons)
    shown = ", ".join(str(participant) for participant in participants[:_PARTICIPANTS_SHOWN])
    hidden = len(participants) - _PARTICIPANTS_SHOWN
    more = f" and {hidden:,} more" if hidden > 0 else ""
    return UserError(
        f"no pairs found in {pluralize(messages.read, 'message')} ({dropped}); participants: {shown or 'none'}{more}",
        "check that `server` is the id of the person to learn, and that other people write to that person",
    )


def expectation(pairs: int) -> str:
    """Describes the bot to expect from a number of pairs."""
    fitting = (text for limit, text in _EXPECTATIONS if pairs < limit)
    return f"{pluralize(pairs, 'pair')}: {next(fitting, _MOST_PAIRS_EXPECTATION)}"


def _with_valid_name(participant: Participant) -> Participant:
    if not participant.name:
        return participant
    return attrs.evolve(participant, name=repair_surrogates(participant.name))


def _sum_messages(parts: Sequence[MessageCounts]) -> MessageCounts:
    return MessageCounts(
        read=sum(part.read for part in parts),
        kept=sum(part.kept for part in parts),
        dropped=_sum_counts([part.dropped for part in parts]),
    )


def _sum_counts(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))

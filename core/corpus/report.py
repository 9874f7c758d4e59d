"""The report of a corpus: how many messages were read, kept and dropped, and what the dialogs look like.

Field names are the keys of report.json, so they are part of a file format: a field keeps its name, even where the
project now uses another word (`answer` for a reply, `question` for the client's turn, `silences` for gaps between
messages, `people` for participants).
"""

from __future__ import annotations

import attrs
import msgspec

from autocakechat.errors import UserError
from autocakechat.statistics.activity import DurationBin
from autocakechat.statistics.dialog_statistics import Bin, SamplePair
from autocakechat.statistics.participants import Participant

_FORMAT_VERSION = 1


@attrs.frozen
class MessageCounts:
    """Numbers of messages: `kept` and all of `dropped` add up to `read`.

    Attributes:
        read: All messages.
        kept: Messages whose text is in the corpus.
        dropped: All others, by reason.
    """

    read: int
    kept: int
    dropped: dict[str, int]


@attrs.frozen
class WordCounts:
    """Numbers of words; spaces and line breaks separate words.

    Attributes:
        questions: Words of the clients' turns.
        answers: Words of the server's replies.
    """

    questions: int
    answers: int


@attrs.frozen
class ChatReport:
    """What one chat contributes to the corpus.

    Attributes:
        id: The chat's id.
        title: The name shown for it.
        kind: The kind of chat, as its source names it.
        skipped: Why the chat was skipped, or None.
        messages: Its messages, by what happened to them.
        dialogs: Number of its dialogs in the corpus.
        pairs: Number of pairs in these dialogs.
        words: Number of words in these dialogs.
        topics: Number of messages by topic, most first; empty for a chat without topics.
    """

    id: str
    title: str | None
    kind: str
    skipped: str | None
    messages: MessageCounts
    dialogs: int
    pairs: int
    words: WordCounts
    topics: dict[str, int] = attrs.Factory(dict)


@attrs.frozen
class PartReport:
    """The size of one file of the corpus."""

    dialogs: int
    pairs: int


@attrs.frozen(kw_only=True)
class Report:
    """The content of report.json.

    Attributes:
        form: Version of the format; a change in the meaning of a key increases it.
        messages: All messages, by what happened to them.
        dialogs: Number of dialogs in the corpus.
        pairs: Number of pairs in these dialogs.
        turns: Number of turns in these dialogs.
        words: Number of words in these dialogs.
        train: Size of train.jsonl.
        validation: Size of validation.jsonl, the held-out set.
        split: When the first dialog of validation.jsonl starts (ISO 8601, UTC); None if the file is empty.
        duplicates: Number of dialogs dropped because the corpus already contains the same dialog.
        surplus_answers: Number of pairs dropped because their reply already occurs often enough.
        masked: Number of placeholders in all dialogs read, by kind.
        notes: Other counts of the extractor, such as dialogs that it cut.
        dialog_pairs: Histogram of pairs per dialog.
        answer_words: Histogram of words per reply.
        silences: Histogram of gaps between consecutive messages of a chat.
        people: The participants, most messages first, at most a hundred.
        replies_by: Who wrote the replies, with the number of messages in them, most first, at most a hundred. Usually
            one person, the one to learn. Empty in reports of older versions.
        chats: Every chat that was read.
        samples: Some pairs, chosen at random.
        expect: A sentence about the bot that this amount of data leads to.
    """

    form: int = _FORMAT_VERSION
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
    replies_by: list[Participant] = attrs.field(factory=list)
    chats: list[ChatReport]
    samples: list[SamplePair]
    expect: str

    @property
    def person(self) -> str | None:
        """The name of the person who wrote most of the replies, or the id if the name is unknown."""
        if not self.replies_by:
            return None
        person = self.replies_by[0]
        return person.name or person.id

    def to_json(self) -> bytes:
        """Returns the content of report.json."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, encoded: bytes) -> Report:
        """Reads the content of report.json.

        Raises:
            UserError: The file is damaged.
        """
        try:
            return msgspec.json.decode(encoded, type=cls)
        except msgspec.DecodeError as error:
            raise UserError(f"report.json: damaged: {error}", "run: acc run --force corpus") from None

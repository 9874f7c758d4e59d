"""Makes dialogs of the messages of a chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

from autocakechat import (
    Chat,
    Dialog,
    Message,
    MessageBatch,
    RunContext,
    UserError,
    Utterance,
    escape_control_characters,
)
from autocakechat.plugins.extractors.turns.message_history import Archive

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions

Turn = list[Message]

ME = "me"
_CONTEXT_SEARCH = 256  # messages; context that lies further back than this is not looked for


def extract(options: TurnsOptions, chat: Chat, run: RunContext) -> Iterator[Dialog]:
    """Makes dialogs of a chat.

    A dialog begins with somebody else's turn and ends with one of the server's. It holds no longer silence than is
    allowed, except before an answer that replies to an older message.

    Args:
        options: Whom to learn, and how.
        chat: The chat; every message that stands in no dialog is dropped.
        run: Its folder takes the older messages of a long chat.

    Yields:
        The dialogs, in the order of their ends.

    Raises:
        UserError: "me" is to be learnt, and the log does not tell who that is.
    """
    if not options.groups and "group" in chat.kind:
        chat.drop_rest("in a group")
        return
    archive = Archive(run.state)
    try:
        yield from _Extraction(options, chat, archive).dialogs()
    finally:
        archive.close()


class _NoQuestionError(Exception):
    """What an answer replies to is nothing that can be put before it.

    Args:
        reason: Why the answer is dropped.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Extraction:
    """Goes through one chat. The turns of the open dialog are the client's at even places, the server's at odd ones."""

    def __init__(self, options: TurnsOptions, chat: Chat, archive: Archive) -> None:
        self._options = options
        self._chat = chat
        self._archive = archive
        self._gap = int(options.gap_minutes * 60)
        self._servers = _servers(options.server)
        self._is_server: dict[str, bool] = {}
        self._server_seen = False
        self._since = _first_second(options.since)
        self._until = _first_second(options.until, days_later=1)
        self._last = 0
        self._turns: list[Turn] = []
        self._finished: list[Dialog] = []

    def dialogs(self) -> Iterator[Dialog]:
        """Reads the chat to its end."""
        for batch in self._chat.batches:
            self._archive.add(batch)
            self._read(batch)
            yield from self._finished
            self._finished.clear()
        self._close()
        yield from self._finished
        if not self._server_seen:
            self._drop_before(len(self._chat.ledger), "the server is not in this chat")

    def _read(self, messages: MessageBatch) -> None:
        """Goes on with the next messages."""
        options, turns, is_server = self._options, self._turns, self._is_server
        shortest, longest, turn_messages = options.min_length, options.max_length, options.turn_messages
        gap, since, until, last = self._gap, self._since, self._until, self._last
        for message in messages:
            text, sent = message.text, message.sent
            if not shortest <= len(text) <= longest or not message.sender or text.isspace():
                self._leave_out(message, _why_unfit(message, shortest))
                continue
            if (since is not None and sent < since) or (until is not None and sent >= until):
                self._leave_out(message, "outside of the dates asked for")
                continue
            if sent - last > gap:
                self._close()
            try:
                answers = is_server[message.sender]
            except KeyError:
                answers = self._meet(message)
            if answers:
                if (message.reply_to is not None or not message.own_words) and self._is_dropped(message):
                    continue
                if len(turns) % 2:
                    turns.append([message])
                elif turns:
                    turns[-1].append(message)
                else:
                    self._chat.drop(message, "nothing before it to answer")
                    continue
            elif len(turns) % 2:
                turn = turns[-1]
                turn.append(message)
                if len(turn) > turn_messages:
                    self._drop_later([turn.pop(0)], "older than the newest of its turn")
            else:
                if len(turns) >= options.dialog_turns:
                    self._cut()
                turns.append([message])
            last = sent
        self._last = last

    def _is_dropped(self, message: Message) -> bool:
        """Looks at an answer that is a reply or somebody else's words.

        Returns:
            True if it had to be dropped. Otherwise the open dialog ends in what it answers.
        """
        if not message.own_words:
            self._leave_out(message, message.kind if message.kind != "text" else "not their own words")
            return True
        if message.reply_to is None or not self._options.replies:
            return False
        try:
            self._follow_reply(message, message.reply_to)
        except _NoQuestionError as error:
            self._chat.drop(message, error.reason)
            return True
        return False

    def _leave_out(self, message: Message, reason: str) -> None:
        """Drops a message in such a way that no reply can bring its text back."""
        self._chat.drop(message, reason)
        if message.text:
            self._archive.erase(message)

    def _follow_reply(self, answer: Message, target: int) -> None:
        """Makes the open dialog end in the message that an answer replies to, if that is a question."""
        turns = self._turns
        if turns:
            asked = turns[-1] if len(turns) % 2 else turns[-2]
            if asked[-1].id == target:
                return
            if asked is turns[-1] and (later := _after(asked, target)) is not None:
                del asked[-len(later) :]
                self._drop_later(later, "nobody answered")
                return
        question, before = self._question(answer, target)
        if question:
            self._close()
            turns += self._context(question, before)

    def _question(self, answer: Message, target: int) -> tuple[Message | None, Iterator[Message]]:
        """Looks up what an answer replies to.

        Args:
            answer: The message that replies.
            target: Id of what it replies to.

        Returns:
            The message, or None if it is no question since the server itself said it or it is the topic of a forum;
            and the messages before it, backwards.

        Raises:
            _NoQuestionError: It is not here, or has no text.
        """
        before = self._archive.back_from(target)
        message = next(before, None)
        if message is None or message.position >= answer.position:
            raise _NoQuestionError("replies to a message that is not here")
        if self._is_server.get(message.sender) or message.kind.startswith("service"):
            return None, before
        if not message.text:
            raise _NoQuestionError("replies to a message that is not used")
        return message, before

    def _context(self, question: Message, before: Iterator[Message]) -> list[Turn]:
        """Collects the turns that end in a question.

        Args:
            question: A message of somebody else.
            before: What was said before it, backwards.

        Returns:
            As many turns as the options say at most, the oldest first; it is a client's.
        """
        turns, last = [[question]], question
        most = self._options.context
        for _ in range(_CONTEXT_SEARCH):
            message = next(before, None)
            if message is None or last.sent - message.sent > self._gap:
                break
            answers = self._is_server.get(message.sender)
            if answers is None or not message.text:
                continue
            asked: Message | None = None
            if answers and message.reply_to is not None and self._options.replies:
                try:
                    asked, before_asked = self._question(message, message.reply_to)
                except _NoQuestionError:
                    continue  # as this answer was dropped
            if answers == (len(turns) % 2 == 0):
                if answers or len(turns[0]) < self._options.turn_messages:
                    turns[0].insert(0, message)
            elif len(turns) < most:
                turns.insert(0, [message])
            else:
                break
            last = message
            if asked:
                if len(turns) == most:
                    break
                turns.insert(0, [asked])
                last, before = asked, before_asked
        return turns if len(turns) % 2 else turns[1:]

    def _meet(self, message: Message) -> bool:
        """Finds out whether a sender is the server, once a chat."""
        if ME in self._servers and message.outgoing is None and message.own_words:
            raise self._nobody_is_me(message)
        answers = message.sender in self._servers or (ME in self._servers and bool(message.outgoing))
        self._is_server[message.sender] = answers
        if answers and not self._server_seen:
            self._server_seen = True
            self._drop_before(message.position, "nobody answered")
        return answers

    def _nobody_is_me(self, message: Message) -> UserError:
        people = {message.sender: message.sender_name}
        for other in chain(self._archive.newest(), self._chat.rest()):
            if other.sender and other.own_words:
                people.setdefault(other.sender, other.sender_name)
        listed = ", ".join(f"{sender} ({name})" if name else sender for sender, name in islice(people.items(), 10))
        return UserError(
            f'{escape_control_characters(self._chat.title or self._chat.id)}: this log does not tell who is "me"',
            f"set server to one of: {escape_control_characters(listed)}",
        )

    def _close(self) -> None:
        """Ends the open dialog."""
        turns = self._turns
        if len(turns) % 2:
            self._drop_later(turns.pop(), "nobody answered")
        if turns:
            self._finished.append(self._dialog(turns))
            turns.clear()

    def _cut(self) -> None:
        """Ends the open dialog and begins another with its last lines."""
        turns = self._turns
        self._chat.note(f"dialogs cut after {self._options.dialog_turns} turns")
        self._finished.append(self._dialog(turns))
        repeated = (self._options.context - 1) // 2 * 2
        del turns[: len(turns) - repeated]

    def _dialog(self, turns: list[Turn]) -> Dialog:
        utterances = [
            Utterance(turn[0].text, "neutral", (turn[0].position,)) if len(turn) == 1 else self._joined(turn)
            for turn in turns
        ]
        return Dialog(self._chat.id, turns[0][0].sent, tuple(utterances))

    def _joined(self, turn: Turn) -> Utterance:
        """Joins the messages of a turn; those of different people stand on lines of their own."""
        positions = tuple([message.position for message in turn])
        if self._options.join == "\n":
            return Utterance("\n".join([message.text for message in turn]), "neutral", positions)
        text = turn[0].text
        for earlier, message in pairwise(turn):
            text += (self._options.join if message.sender == earlier.sender else "\n") + message.text
        return Utterance(text, "neutral", positions)

    def _drop_later(self, messages: list[Message], reason: str) -> None:
        """Drops messages of others, but as long as the server has said nothing, for what becomes of the whole chat."""
        if self._server_seen:
            for message in messages:
                self._chat.drop(message, reason)

    def _drop_before(self, position: int, reason: str) -> None:
        """Drops whatever stands before a place in the chat and neither was dropped nor waits for an answer."""
        waiting = {message.position for turn in self._turns for message in turn}
        for earlier in range(position):
            if earlier not in waiting:
                self._chat.ledger.drop(earlier, reason)


def _why_unfit(message: Message, shortest: int) -> str:
    """Says why a message can be neither learnt nor answered."""
    if not message.text:
        return message.kind
    if message.text.isspace():
        return "blank"
    if not message.sender:
        return "unknown sender"
    return "too short" if len(message.text) < shortest else "too long"


def _servers(server: str | int | list[str | int]) -> frozenset[str]:
    """Returns all forms in which the ids of the server may stand in a log."""
    people = [str(person).strip() for person in (server if isinstance(server, list) else [server])]
    return frozenset(people) | {f"user{person}" for person in people if person.isdecimal()}


def _after(turn: Turn, id: int) -> Turn | None:
    """Returns the messages of a turn that stand after a certain one; None if that one is not among them."""
    for index, message in enumerate(turn):
        if message.id == id:
            return turn[index + 1 :]
    return None


def _first_second(day: date | None, days_later: int = 0) -> float | None:
    """Returns when a day, or one some days later, begins."""
    if day is None:
        return None
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days_later)).timestamp()

"""Makes dialogs of the messages of a chat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from autocakechat import Chat, Dialog, Message, RunContext, UserError, Utterance, visible
from autocakechat.plugins.extractors.turns.archive import Archive

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns import TurnsOptions

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
        for message in chat.messages:
            chat.drop(message, "in a group")
        return
    archive = Archive(run.state)
    try:
        yield from _Extraction(options, chat, archive).dialogs()
    finally:
        archive.close()


class _Extraction:
    """Goes through one chat. The turns of the open dialog are the client's at even places, the server's at odd ones."""

    def __init__(self, options: TurnsOptions, chat: Chat, archive: Archive) -> None:
        self._options = options
        self._chat = chat
        self._archive = archive
        self._unfit = _Fitness(options)
        self._gap = options.gap_minutes * 60
        self._servers = _servers(options.server)
        self._is_server: dict[str, bool] = {}
        self._server_seen = False
        self._turns: list[Turn] = []
        self._finished: list[Dialog] = []

    def dialogs(self) -> Iterator[Dialog]:
        """Reads the chat to its end."""
        finished, is_server, gap = self._finished, self._is_server, self._gap
        archive, unfit = self._archive.add, self._unfit
        last = 0
        for message in self._chat.messages:
            if reason := unfit(message):
                self._chat.drop(message, reason)
                if not message.text:
                    archive(message)
                continue
            archive(message)
            if message.sent - last > gap:
                self._close()
            last = message.sent
            answers = is_server.get(message.sender)
            if answers is None:
                answers = self._meet(message)
            if answers:
                self._answer(message)
            else:
                self._ask(message)
            if finished:
                yield from finished
                finished.clear()
        self._close()
        yield from finished
        if not self._server_seen:
            self._drop_before(len(self._chat.ledger), "the server is not in this chat")

    def _ask(self, message: Message) -> None:
        """Takes in a message of somebody else."""
        turns = self._turns
        if len(turns) % 2 == 0:
            if len(turns) >= self._options.dialog_turns:
                self._cut()
            self._turns.append([message])
            return
        turn = turns[-1]
        turn.append(message)
        if len(turn) > self._options.turn_messages:
            self._chat.drop(turn.pop(0), "older than the newest of its turn")

    def _answer(self, message: Message) -> None:
        """Takes in a message of the server."""
        if not message.own_words:
            self._chat.drop(message, message.kind if message.kind != "text" else "not their own words")
            return
        if message.reply_to is not None and self._options.replies and self._follow_reply(message, message.reply_to):
            return
        turns = self._turns
        if len(turns) % 2:
            turns.append([message])
        elif turns:
            turns[-1].append(message)
        else:
            self._chat.drop(message, "nothing before it to answer")

    def _follow_reply(self, message: Message, target: int) -> bool:
        """Pairs an answer with the message that it replies to.

        Returns:
            False if the open dialog ends in what is answered, so that nothing is left to do.
        """
        turns = self._turns
        if turns:
            asked = turns[-1] if len(turns) % 2 else turns[-2]
            if asked[-1].id == target:
                return False
            if asked is turns[-1] and (later := _after(asked, target)) is not None:
                del asked[-len(later) :]
                self._drop_unanswered(later)
                return False
        before = self._archive.back_from(target)
        asked_message = next(before, None)
        if asked_message is None:
            self._chat.drop(message, "replies to a message that is not here")
            return True
        if self._is_server.get(asked_message.sender) or asked_message.kind.startswith("service"):
            return False  # one's own message is no question, and the topic of a forum is none either
        if not asked_message.text.strip():
            self._chat.drop(message, "replies to a message without text")
            return True
        self._close()
        self._turns = [*self._context(asked_message, before), [message]]
        return True

    def _context(self, asked: Message, before: Iterable[Message]) -> list[Turn]:
        """Collects the turns that end in a message.

        Args:
            asked: The message, a client's.
            before: What was said before it, backwards.

        Returns:
            As many turns as the options say at most, a client's first.
        """
        turns, last = [[asked]], asked
        for message in islice(before, _CONTEXT_SEARCH):
            if last.sent - message.sent > self._gap:
                break
            answers = self._is_server.get(message.sender)
            if answers is None or not message.text.strip() or (answers and not message.own_words):
                continue
            last = message
            if answers == (len(turns) % 2 == 0):
                if answers or len(turns[0]) < self._options.turn_messages:
                    turns[0].insert(0, message)
            elif len(turns) < self._options.context:
                turns.insert(0, [message])
            else:
                break
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
        for other in self._chat.rest():
            if other.sender and other.own_words:
                people.setdefault(other.sender, other.sender_name)
        listed = ", ".join(f"{sender} ({name})" if name else sender for sender, name in islice(people.items(), 10))
        return UserError(
            f'{visible(self._chat.title or self._chat.id)}: this log does not tell who is "me"',
            f"set server to one of: {visible(listed)}",
        )

    def _close(self) -> None:
        """Ends the open dialog."""
        turns = self._turns
        if len(turns) % 2:
            self._drop_unanswered(turns.pop())
        if turns:
            self._finished.append(self._dialog(turns))
            self._turns = []

    def _cut(self) -> None:
        """Ends the open dialog and begins another with its last lines."""
        turns = self._turns
        self._finished.append(self._dialog(turns))
        repeated = (self._options.context - 1) // 2 * 2
        self._turns = turns[len(turns) - repeated :]

    def _dialog(self, turns: list[Turn]) -> Dialog:
        return Dialog(self._chat.id, turns[0][0].sent, tuple([self._utterance(turn) for turn in turns]))

    def _utterance(self, turn: Turn) -> Utterance:
        """Joins the messages of a turn; those of different people stand on lines of their own."""
        if len(turn) == 1:
            return Utterance(turn[0].text, messages=(turn[0].position,))
        text = turn[0].text
        for earlier, message in pairwise(turn):
            text += (self._options.join if message.sender == earlier.sender else "\n") + message.text
        return Utterance(text, messages=tuple([message.position for message in turn]))

    def _drop_unanswered(self, messages: list[Message]) -> None:
        if self._server_seen:  # otherwise the whole chat may have to be dropped for a better reason
            for message in messages:
                self._chat.drop(message, "nobody answered")

    def _drop_before(self, position: int, reason: str) -> None:
        """Drops whatever stands before a place in the chat and neither was dropped nor waits for an answer."""
        waiting = {message.position for turn in self._turns for message in turn}
        for earlier in range(position):
            if earlier not in waiting:
                self._chat.ledger.drop(earlier, reason)


class _Fitness:
    """Tells which messages can be neither learnt nor answered."""

    def __init__(self, options: TurnsOptions) -> None:
        self._shortest = options.min_length
        self._longest = options.max_length
        self._since = _seconds(options.since, 0)
        self._until = _seconds(options.until, 1)

    def __call__(self, message: Message) -> str | None:
        """Returns the reason to drop a message, if there is one."""
        text = message.text
        length = len(text.strip())
        if self._shortest <= length <= self._longest and message.sender and self._since <= message.sent < self._until:
            return None
        if not text:
            return message.kind
        if not length:
            return "blank"
        if not message.sender:
            return "unknown sender"
        if length < self._shortest:
            return "too short"
        return "too long" if length > self._longest else "outside of the dates asked for"


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


def _seconds(day: date | None, later: int) -> float:
    """Returns when a day, or some days later, begins; without a day the beginning or the end of all time."""
    if day is None:
        return math.inf if later else -math.inf
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=later)).timestamp()

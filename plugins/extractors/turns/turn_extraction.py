"""Extracts dialogs from the messages of a chat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from autocakechat import Chat, Dialog, Message, MessageBatch, RunContext, UserError, escape_control_characters
from autocakechat.plugins.extractors.turns.dialogs import Turn, make_dialog
from autocakechat.plugins.extractors.turns.message_filter import INVISIBLE, MessageFilter, is_blank
from autocakechat.plugins.extractors.turns.message_history import MessageHistory
from autocakechat.plugins.extractors.turns.open_dialogs import OpenDialog, OpenDialogs
from autocakechat.plugins.extractors.turns.reply_targets import ReplyTargets, UnusableTargetError

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions

ME = "me"
_NO_REPLY = "no reply"
_ANSWERS_UNREAD = "answers a message without text"
_MAX_LISTED_PEOPLE = 10


def extract(options: TurnsOptions, chat: Chat, run: RunContext) -> Iterator[Dialog]:
    """Extracts the dialogs of a chat.

    A dialog begins with a client's turn and ends with one of the server's. It contains no pause longer than
    `options.gap_minutes`, except before an explicit reply to an older message. It contains messages of one topic.

    Args:
        options: The options of the extractor.
        chat: The chat. Every message that is not part of a dialog is dropped with a reason.
        run: The run. Its state folder takes the older messages of a long chat.

    Yields:
        The dialogs of a chat without topics, sorted by their ends; those of each topic, sorted in the same way.

    Raises:
        UserError: `options.server` is "me", and the log does not identify its owner.
    """
    if not options.groups and "group" in chat.kind:
        chat.drop_rest("in a group")
        return
    history = MessageHistory(run.state)
    try:
        yield from _TurnExtraction(options, chat, history).dialogs()
    finally:
        history.close()


class _TurnExtraction:
    """Extracts the dialogs of one chat in one pass. Each topic of the chat is a conversation of its own."""

    def __init__(self, options: TurnsOptions, chat: Chat, history: MessageHistory) -> None:
        self._options = options
        self._chat = chat
        self._history = history
        self._filter = MessageFilter(options)
        self._max_gap = int(options.gap_minutes * 60)
        self._max_turn_messages = options.turn_messages
        self._max_turns = options.dialog_turns
        self._server_ids = _server_ids(options.server)
        self._is_server: dict[str, bool] = {}
        self._server_seen = False
        self._targets = ReplyTargets(history, self._is_server, options)
        self._open = OpenDialogs(self._max_gap)
        self._topic = ""
        self._dialog = self._open.of_topic(self._topic)
        self._finished: list[Dialog] = []

    def dialogs(self) -> Iterator[Dialog]:
        """Reads the chat to its end and yields its dialogs."""
        for batch in self._chat.batches:
            self._history.add(batch)
            self._read(batch)
            yield from self._finished
            self._finished.clear()
        for dialog in self._open.all():
            self._close(dialog)
        yield from self._finished
        if not self._server_seen:
            self._drop_before(len(self._chat.ledger), "the server is not in this chat")

    def _read(self, messages: MessageBatch) -> None:
        """Adds a batch of messages to the open dialog.

        This loop runs for every message: it uses local variables, and calls methods only for less frequent cases.
        """
        by_topic = bool(messages.topics) and self._options.topics
        min_length, max_length = self._filter.min_length, self._filter.max_length
        since, until = self._filter.since, self._filter.until
        is_server, max_gap = self._is_server, self._max_gap
        dialog = self._dialog
        turns, previous_time = dialog.turns, dialog.previous_time
        for message in messages:
            text, sent, sender = message.text, message.sent, message.sender
            if by_topic and message.topic != self._topic:
                dialog.previous_time = previous_time
                dialog = self._switch_topic(message)
                turns, previous_time = dialog.turns, dialog.previous_time
            if (
                not min_length <= len(text) <= max_length
                or not sender
                or (text[0] in INVISIBLE and is_blank(text))
                or (since is not None and sent < since)
                or (until is not None and sent >= until)
            ):
                self._reject(message, self._filter.drop_reason(message))
                continue
            if sent - previous_time > max_gap:
                self._close(dialog)
            try:
                by_server = is_server[sender]
            except KeyError:
                by_server = self._identify_sender(message)
            if not by_server:
                dialog.after_unread = False
                self._add_client_message(turns, message)
            elif not message.own_words:  # a forward, a message via a bot, a channel post
                self._reject(message, _foreign_text_reason(message))
                continue
            elif message.reply_to is not None and not self._move_to_explicit_target(message, message.reply_to):
                continue
            elif dialog.after_unread:
                self._reject(message, _ANSWERS_UNREAD)
                continue
            elif len(turns) % 2:
                turns.append([message])
            elif turns:
                turns[-1].append(message)
            else:
                self._chat.drop(message, "no message to reply to")
                continue
            previous_time = sent
        dialog.previous_time = previous_time

    def _switch_topic(self, message: Message) -> OpenDialog:
        """Continues with the open dialog of the topic of a message."""
        self._topic = message.topic
        self._dialog = self._open.of_topic(message.topic)
        for ended in self._open.take_ended(message, message.topic):
            self._close(ended)
        return self._dialog

    def _add_client_message(self, turns: list[Turn], message: Message) -> None:
        """Adds a message to the client's turn, or begins one."""
        if len(turns) % 2 == 0:
            if len(turns) >= self._max_turns:
                self._split_dialog()
            turns.append([message])
            return
        turn = turns[-1]
        turn.append(message)
        if len(turn) > self._max_turn_messages:
            self._drop_client_messages([turn.pop(0)], "older message of a long turn")

    def _move_to_explicit_target(self, reply: Message, target_id: int) -> bool:
        """Makes the open dialog end with the target of an explicit reply, unless the options ignore explicit replies.

        Args:
            reply: A message of the server.
            target_id: Id of the message that it replies to.

        Returns:
            False if the reply is dropped, because its target cannot be part of a dialog.
        """
        if not self._options.replies:
            return True
        try:
            self._move_to_target(reply, target_id)
        except UnusableTargetError as error:
            self._chat.drop(reply, error.reason)
            return False
        return True

    def _move_to_target(self, reply: Message, target_id: int) -> None:
        """Makes the open dialog end with the target of a reply, unless the target is the server's own message.

        If the target is in the client's latest turn, the messages after it are dropped. Otherwise the dialog is closed
        and another one begins with the context of the target.

        Raises:
            UnusableTargetError: The target is missing, or has no text.
        """
        turns = self._dialog.turns
        if turns:
            client_turn = turns[-1] if len(turns) % 2 else turns[-2]
            if client_turn[-1].id == target_id:
                self._dialog.after_unread = False
                return
            if client_turn is turns[-1] and (later := _messages_after(client_turn, target_id)) is not None:
                del client_turn[-len(later) :]
                self._dialog.after_unread = False
                self._drop_client_messages(later, _NO_REPLY)
                return
        if target := self._targets.find(reply, target_id):
            self._close(self._dialog)
            turns += self._targets.turns_up_to(target)

    def _identify_sender(self, message: Message) -> bool:
        """Determines whether a sender is the server; called once per sender."""
        if ME in self._server_ids and message.outgoing is None and message.own_words:
            raise self._unknown_owner_error(message)
        by_server = self._is_by_server(message)
        self._is_server[message.sender] = by_server
        if by_server and not self._server_seen:
            self._server_seen = True
            self._drop_before(message.position, _NO_REPLY)
        return by_server

    def _is_by_server(self, message: Message) -> bool:
        return message.sender in self._server_ids or (ME in self._server_ids and bool(message.outgoing))

    def _unknown_owner_error(self, message: Message) -> UserError:
        """Makes an error that lists the participants of the chat."""
        people = {message.sender: message.sender_name}
        for other in chain(self._history.newest(), self._chat.rest()):
            if other.sender and other.own_words:
                people.setdefault(other.sender, other.sender_name)
        ids_and_names = islice(people.items(), _MAX_LISTED_PEOPLE)
        listed = ", ".join(f"{sender} ({name})" if name else sender for sender, name in ids_and_names)
        title = self._chat.title or self._chat.id
        return UserError(
            f'{escape_control_characters(title)}: the log does not identify its owner, "me"',
            f"set server to one of: {escape_control_characters(listed)}",
        )

    def _close(self, dialog: OpenDialog) -> None:
        """Ends an open dialog after its last reply."""
        dialog.after_unread = False
        turns = dialog.turns
        if len(turns) % 2:
            self._drop_client_messages(turns.pop(), _NO_REPLY)
        if turns:
            self._finished.append(make_dialog(self._chat.id, turns, self._options.join))
            turns.clear()

    def _split_dialog(self) -> None:
        """Ends the open dialog and begins another one with its last turns as context."""
        turns = self._dialog.turns
        self._chat.note(f"dialogs split after {self._max_turns} turns")
        self._finished.append(make_dialog(self._chat.id, turns, self._options.join))
        # An even number of turns, so that the dialog begins with a client's turn.
        repeated = (self._options.context - 1) // 2 * 2
        del turns[: len(turns) - repeated]

    def _reject(self, message: Message, reason: str) -> None:
        """Drops a message and erases its text, so that it cannot become the target of a reply."""
        self._chat.drop(message, reason)
        if message.text:
            self._history.erase_text(message)
        if self._filter.is_unread(message, reason) and not self._is_by_server(message):
            self._dialog.after_unread = True

    def _drop_client_messages(self, messages: Iterable[Message], reason: str) -> None:
        """Drops messages of clients. Before the server's first message, the reason for the whole chat is still open."""
        if self._server_seen:
            for message in messages:
                self._chat.drop(message, reason)

    def _drop_before(self, position: int, reason: str) -> None:
        """Drops all earlier messages that are neither dropped yet nor part of the open dialog."""
        open_positions = self._open.positions()
        for earlier in range(position):
            if earlier not in open_positions:
                self._chat.ledger.drop(earlier, reason)


def _server_ids(server: str | int | list[str | int]) -> frozenset[str]:
    """Returns the ids of the server as they occur in logs: `123` also means `user123`."""
    ids = [str(id_).strip() for id_ in (server if isinstance(server, list) else [server])]
    return frozenset(ids) | {f"user{id_}" for id_ in ids if id_.isdecimal()}


def _foreign_text_reason(message: Message) -> str:
    """Returns why a text of the server that it did not write is dropped: "forward", "via bot" or "channel post"."""
    return message.kind if message.kind != "text" else "not written by the sender"


def _messages_after(turn: Turn, id: int) -> Turn | None:
    """Returns the messages of a turn after the one with this id; None if the turn does not contain it."""
    for index, message in enumerate(turn):
        if message.id == id:
            return turn[index + 1 :]
    return None

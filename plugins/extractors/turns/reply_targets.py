"""Looks up the target of an explicit reply, and the context before the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from autocakechat import Message
from autocakechat.plugins.extractors.turns.dialogs import Turn
from autocakechat.plugins.extractors.turns.message_history import MessageHistory

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions

_MAX_SEARCHED_MESSAGES = 256  # before the target of a reply, so that one reply cannot read a whole chat again


class UnusableTargetError(Exception):
    """The target of a reply cannot be part of a dialog.

    Args:
        reason: Why the reply is dropped.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Target(NamedTuple):
    """The target of an explicit reply.

    Attributes:
        message: The target, a client's message.
        earlier: Iterates backwards over the messages before the target.
    """

    message: Message
    earlier: Iterator[Message]


class ReplyTargets:
    """Looks up the targets of replies in one chat.

    Args:
        history: The messages of the chat so far.
        is_server: For each sender so far, whether it is the server.
        options: The options of the extractor.
    """

    def __init__(self, history: MessageHistory, is_server: Mapping[str, bool], options: TurnsOptions) -> None:
        self._history = history
        self._is_server = is_server
        self._options = options
        self._max_gap = int(options.gap_minutes * 60)

    def find(self, reply: Message, target_id: int) -> Target | None:
        """Looks up the target of a reply.

        Args:
            reply: The reply.
            target_id: Id of the message that it replies to.

        Returns:
            The target if it is a client's message. None if it is a message of the server or a service message, such as
            the topic of a forum; the reply then belongs to the open dialog.

        Raises:
            UnusableTargetError: The target is missing, or its text is not used, or it belongs to another topic.
        """
        earlier = self._history.back_from(target_id)
        message = next(earlier, None)
        if message is None or message.position >= reply.position:
            raise UnusableTargetError("replies to a missing message")
        if self._is_server.get(message.sender) or message.kind.startswith("service"):
            return None
        if not message.text:
            raise UnusableTargetError("replies to an unused message")
        if self._options.topics and message.topic and reply.topic and message.topic != reply.topic:
            raise UnusableTargetError("replies to another topic")
        return Target(message, earlier)

    def turns_up_to(self, target: Target) -> list[Turn]:
        """Collects the target's turn and the context before it.

        Follows the dialog backwards, until a pause ends it or the context is complete. Where a reply of the server has
        an explicit target, the context continues at this target.

        Returns:
            At most `options.context` turns, oldest first. The first and the last one are a client's.
        """
        by_topic = self._options.topics
        context = _Context(target.message, self._options)
        earlier = target.earlier
        for _ in range(_MAX_SEARCHED_MESSAGES):
            message = next(earlier, None)
            if message is None or context.oldest.sent - message.sent > self._max_gap:
                break
            by_server = self._is_server.get(message.sender)
            if by_server is None or not message.text or (by_topic and message.topic != target.message.topic):
                continue
            try:
                explicit_target = self._explicit_target(message) if by_server else None
            except UnusableTargetError:
                continue  # the extraction has dropped this reply for the same reason
            if not context.prepend(message, by_server=by_server):
                break
            if explicit_target:
                if not context.prepend_turn(explicit_target.message):
                    break
                earlier = explicit_target.earlier
        return context.turns_from_client()

    def _explicit_target(self, reply: Message) -> Target | None:
        if reply.reply_to is None or not self._options.replies:
            return None
        return self.find(reply, reply.reply_to)


class _Context:
    """Turns that are collected backwards.

    Args:
        last: The last message, a client's.
        options: The options of the extractor.

    Attributes:
        oldest: The oldest message so far, whether or not its turn had room for it.
    """

    def __init__(self, last: Message, options: TurnsOptions) -> None:
        self.oldest = last
        self._turns: list[Turn] = [[last]]
        self._max_turns = options.context
        self._max_client_messages = options.turn_messages

    def prepend(self, message: Message, *, by_server: bool) -> bool:
        """Adds a message before the others; returns False if it would begin one turn too many."""
        oldest_turn_is_servers = len(self._turns) % 2 == 0
        if by_server != oldest_turn_is_servers:
            return self.prepend_turn(message)
        if by_server or len(self._turns[0]) < self._max_client_messages:
            self._turns[0].insert(0, message)
        self.oldest = message
        return True

    def prepend_turn(self, message: Message) -> bool:
        """Begins a turn with a message before the others; returns False if there are enough turns."""
        if len(self._turns) >= self._max_turns:
            return False
        self._turns.insert(0, [message])
        self.oldest = message
        return True

    def turns_from_client(self) -> list[Turn]:
        """Returns the turns, without a leading turn of the server."""
        return self._turns if len(self._turns) % 2 else self._turns[1:]

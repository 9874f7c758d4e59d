"""Admits or refuses messages: checks access and rate limits, and notifies users who are refused."""

from __future__ import annotations

from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.access_control import AccessControl
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import IncomingMessage
from autocakechat.plugins.deployers.telegram.receiving.notices import enqueue_notice
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import RateLimits
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

NO_ACCESS_NOTICE = "Sorry, this bot is private: I talk only with people on its list."

_NO_ACCESS_NOTICE_INTERVAL_SECONDS = 24 * 3600.0


class Admission:
    """Decides whether the bot handles a message.

    Args:
        access: Decides who may use the bot.
        rate_limits: Limit how much users may write.
        store: Takes the notices to users who are refused.
        event_log: Counts the messages and receives the refusals.
    """

    def __init__(
        self, access: AccessControl, rate_limits: RateLimits, store: ConversationStore, event_log: EventLog
    ) -> None:
        self._access = access
        self._rate_limits = rate_limits
        self._store = store
        self._event_log = event_log

    def admits(self, incoming: IncomingMessage) -> bool:
        """Returns whether to handle a message. A sender who addressed the bot and is refused gets a notice."""
        if incoming.addressed:
            self._event_log.count("received")
        if not self._access.has_access(incoming.sender, incoming.message.chat):
            if incoming.addressed:
                self._refuse_access(incoming)
            return False
        if incoming.addressed and (notice := self._rate_limits.admit(incoming.speaker_id)):
            self._refuse_rate(incoming, notice)
            return False
        return True

    def may_reply_to_request(self, incoming: IncomingMessage) -> bool:
        """Returns whether the reply to a request that is carried out in any case may be sent.

        A stranger, or a user who writes too much, gets one a minute.
        """
        self._event_log.count("received")
        has_access = self._access.has_access(incoming.sender, incoming.message.chat)
        if has_access and self._rate_limits.admit(incoming.speaker_id) is None:
            return True
        return self._rate_limits.may_notify(incoming.speaker_id, "request")

    def _refuse_access(self, incoming: IncomingMessage) -> None:
        self._event_log.count("refused")
        sender = incoming.sender
        if self._store.record_refusal(incoming.speaker_id, _NO_ACCESS_NOTICE_INTERVAL_SECONDS):
            self._event_log.log(
                "access denied", chat=incoming.conversation.chat, user=sender.id, username=sender.username
            )
            enqueue_notice(self._store, incoming, NO_ACCESS_NOTICE)

    def _refuse_rate(self, incoming: IncomingMessage, notice: str) -> None:
        self._event_log.count("refused")
        if self._rate_limits.may_notify(incoming.speaker_id, "limit"):
            enqueue_notice(self._store, incoming, notice)

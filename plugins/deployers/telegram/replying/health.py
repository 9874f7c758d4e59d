"""Notices that the model hangs: a call or a waiting message that is too old."""

from __future__ import annotations

from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.replying.reply_loop import ReplyLoop


class Health:
    """Whether the bot replies.

    Args:
        model_thread: Knows how long the running call of the model has taken.
        reply_loop: Knows how long messages have waited while no reply was made.
        hangs_after: Seconds after which either means that the bot hangs.
    """

    def __init__(self, model_thread: ModelThread, reply_loop: ReplyLoop, hangs_after: float) -> None:
        self._model_thread = model_thread
        self._reply_loop = reply_loop
        self._hangs_after = hangs_after

    def problem(self) -> str | None:
        """Returns why the bot hangs; None if it does not."""
        running, waiting = self._model_thread.running_seconds, self._reply_loop.seconds_without_progress
        if max(running, waiting) <= self._hangs_after:
            return None
        if running > waiting / 2:  # messages have been due a little longer than the call that they wait for
            return f"a call of the model has run for {running:.0f} s"
        return f"messages have waited for {waiting:.0f} s"

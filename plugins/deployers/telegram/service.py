"""Starts the bot, runs its loops and stops them in order.

From the outside to the inside:

1. `serve` silences the libraries and starts the event loop.
2. `_serve_until_signal` installs the signal handlers.
3. `serve_until` connects, loads the model, opens the store, and shuts down at the end.
4. `_Service.run` runs the loops; after the stop it finishes the pending replies.

`_run_unless_stopped`, `_wait_for_stop` and `_run_with_timeout` are their helpers: each waits for tasks and for one
other event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from telegram.error import TelegramError

from autocakechat import Responder, RunContext, StageError, TrainedModel
from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient, connect, silenced_libraries
from autocakechat.plugins.deployers.telegram.bot_api.retries import OutageLog, retry_until_success
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.maintenance import Maintenance
from autocakechat.plugins.deployers.telegram.options import Options, is_sent_in_clear_text
from autocakechat.plugins.deployers.telegram.receiving.access_control import AccessControl
from autocakechat.plugins.deployers.telegram.receiving.admission import Admission
from autocakechat.plugins.deployers.telegram.receiving.command_handler import CommandHandler
from autocakechat.plugins.deployers.telegram.receiving.commands import Commands
from autocakechat.plugins.deployers.telegram.receiving.message_handler import MessageHandler
from autocakechat.plugins.deployers.telegram.receiving.polling import UpdatePoller
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import RateLimits
from autocakechat.plugins.deployers.telegram.receiving.text_handler import TextHandler
from autocakechat.plugins.deployers.telegram.receiving.update_handler import UpdateHandler
from autocakechat.plugins.deployers.telegram.receiving.webhook import WebhookServer
from autocakechat.plugins.deployers.telegram.replying.delivery import Delivery
from autocakechat.plugins.deployers.telegram.replying.health import Health
from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.replying.reply_loop import ReplyLoop
from autocakechat.plugins.deployers.telegram.replying.typing_indicator import TypingIndicator
from autocakechat.plugins.deployers.telegram.storage.database import cannot_write, is_disk_error
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from autocakechat.plugins.deployers.telegram.systemd import notify_systemd

SHUTDOWN_TIMEOUT = 10.0
"""Seconds that the bot has to finish pending replies when it stops."""

_DRAIN_POLL_INTERVAL = 0.02
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

_T = TypeVar("_T")


def serve(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Runs the bot until SIGINT or SIGTERM; SIGUSR1 logs the counters.

    Args:
        options: The deployer's options.
        model: The model that replies.
        run: The run's log and state folder.

    Raises:
        UserError: The token is missing, malformed or rejected by Telegram.
        StageError: Another program keeps receiving this bot's updates, or the state folder cannot be written.
    """
    if options.allow == "everyone":
        run.log.warning("everyone may use the bot; it may repeat text from the chats it was trained on")
    if is_sent_in_clear_text(options.base_url):
        run.log.warning("base_url is not https: the token and all messages travel in clear text; use https")
    with silenced_libraries(), _restored_signal_handlers():
        bot = connect(options.token.reveal(), options.base_url)
        asyncio.run(_serve_until_signal(options, bot, model, run))


@contextlib.contextmanager
def _restored_signal_handlers() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


async def _serve_until_signal(options: Options, bot: BotClient, model: TrainedModel, run: RunContext) -> None:
    stop = asyncio.Event()
    event_log = EventLog(run.log, options.log_texts)
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, stop.set)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, lambda: event_log.log_summary(always=True))
    await serve_until(stop, options, bot, model, run, event_log)


async def serve_until(
    stop: asyncio.Event, options: Options, bot: BotClient, model: TrainedModel, run: RunContext, event_log: EventLog
) -> None:
    """Runs the bot until an event is set.

    Args:
        stop: Stops the bot.
        options: The deployer's options.
        bot: The Bot API client.
        model: The model that replies.
        run: The run's state folder, for the database and the heartbeat file.
        event_log: Receives the events.
    """
    model_thread = ModelThread()
    try:
        responder = await _run_unless_stopped(stop, _connect_and_load(bot, model, model_thread, event_log))
        if responder is None:
            return
        store = ConversationStore(run.state / f"bot-{bot.id}.sqlite3")
        with contextlib.closing(store):
            event_log.log("started", bot=f"@{bot.username}", link=f"https://t.me/{bot.username}")
            notify_systemd("READY=1")
            await _Service(options, bot, responder, model_thread, store, run, event_log).run(stop)
            event_log.log_summary()
    except sqlite3.Error as error:
        if is_disk_error(error):
            raise cannot_write(run.state, error) from None
        raise
    finally:
        await bot.shutdown()
    event_log.log("stopped")


async def _connect_and_load(
    bot: BotClient, model: TrainedModel, model_thread: ModelThread, event_log: EventLog
) -> Responder:
    await retry_until_success(bot.initialize, OutageLog(event_log, "getMe"))
    return await model_thread.call(model.load)


class _Service:
    """Creates the parts of the bot, connects them and runs them."""

    def __init__(
        self,
        options: Options,
        bot: BotClient,
        responder: Responder,
        model_thread: ModelThread,
        store: ConversationStore,
        run: RunContext,
        event_log: EventLog,
    ) -> None:
        self._bot = bot
        self._store = store
        self._event_log = event_log
        self._commands = Commands(options.welcome, responder, store)
        self._delivery = Delivery(bot, store, options.pause, options.sends_per_second, event_log)
        self._reply_loop = ReplyLoop(responder, model_thread, store, options, event_log, on_replies=self._delivery.wake)
        self._typing_indicator = TypingIndicator(bot, store, event_log)
        rate_limits = RateLimits(options.messages_per_minute, options.queue, store)
        health = Health(model_thread, self._reply_loop, options.hangs_after)
        self._maintenance = Maintenance(
            store, rate_limits, event_log, run.state / "heartbeat", health, options.forget_after_days
        )
        message_handler = MessageHandler(
            bot,
            store,
            Admission(AccessControl(options.allow, store, event_log), rate_limits, store, event_log),
            CommandHandler(bot, self._commands, event_log),
            TextHandler(bot, store, responder.context_lines, event_log),
        )
        update_handler = UpdateHandler(store, message_handler, event_log, on_stored=self._wake)
        self._receiver: UpdatePoller | WebhookServer
        if options.webhook_url is None:
            self._receiver = UpdatePoller(bot, update_handler, event_log)
        else:
            self._receiver = WebhookServer(bot, update_handler, options, event_log)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs all loops. When `stop` is set, stops receiving and finishes pending replies."""
        receiving = asyncio.create_task(self._receiver.run())
        menu = asyncio.create_task(self._set_menu())
        loops = (self._reply_loop, self._delivery, self._typing_indicator, self._maintenance)
        background_tasks = [asyncio.create_task(loop.run()) for loop in loops]
        try:
            await _wait_for_stop(stop, receiving, *background_tasks)
            self._event_log.log("stopping")
            receiving.cancel()
            await asyncio.wait([receiving])
            await _run_with_timeout(SHUTDOWN_TIMEOUT, self._finish_pending, *background_tasks)
        finally:
            for task in (receiving, menu, *background_tasks):
                task.cancel()
            await asyncio.gather(receiving, menu, *background_tasks, return_exceptions=True)

    def _wake(self) -> None:
        self._reply_loop.wake()
        self._delivery.wake()

    async def _set_menu(self) -> None:
        """Sets Telegram's command menu, in the background: no other part depends on it."""
        try:
            await retry_until_success(
                lambda: self._bot.set_my_commands(self._commands.menu), OutageLog(self._event_log, "setMyCommands")
            )
        except StageError as error:
            self._event_log.log("menu not set", level=logging.WARNING, reason=error)

    async def _finish_pending(self) -> None:
        """Confirms the stored updates, and returns when no reply is pending and the outbox is empty."""
        self._reply_loop.stop_waiting()
        self._delivery.stop_pausing()
        with contextlib.suppress(TelegramError):
            await self._receiver.confirm()
        while self._store.pending_conversations() or self._store.conversations_with_outgoing():
            await asyncio.sleep(_DRAIN_POLL_INTERVAL)


async def _wait_for_stop(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Waits until `stop` is set or a task fails; raises the task's exception."""
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for task in done - {stopping}:
        task.result()


async def _run_with_timeout(seconds: float, work: Callable[[], Awaitable[None]], *tasks: asyncio.Task[None]) -> None:
    """Runs `work` until it returns, the time is over or a task fails; raises the task's exception."""
    working = asyncio.ensure_future(work())
    try:
        done, _ = await asyncio.wait([working, *tasks], return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
    finally:
        working.cancel()
    for task in done:
        task.result()


async def _run_unless_stopped(stop: asyncio.Event, work: Awaitable[_T]) -> _T | None:
    """Runs `work` and returns its result; cancels it and returns None if `stop` is set."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, task], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopping.cancel()
        task.cancel()

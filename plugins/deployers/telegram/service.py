"""Sets the bot up, runs its loops and stops them in order."""

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
from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot, connect, quiet_libraries
from autocakechat.plugins.deployers.telegram.bot_api.retries import Trouble, insist
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.maintenance import Housekeeping
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.receiving.access_control import Access
from autocakechat.plugins.deployers.telegram.receiving.commands import Commands
from autocakechat.plugins.deployers.telegram.receiving.polling import Polling
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import Limits
from autocakechat.plugins.deployers.telegram.receiving.update_handler import Intake
from autocakechat.plugins.deployers.telegram.receiving.webhook import Webhook
from autocakechat.plugins.deployers.telegram.replying.delivery import Sending
from autocakechat.plugins.deployers.telegram.replying.model_thread import Worker
from autocakechat.plugins.deployers.telegram.replying.reply_loop import Answering
from autocakechat.plugins.deployers.telegram.replying.typing_indicator import Presence
from autocakechat.plugins.deployers.telegram.storage.store import Store

SECONDS_TO_FINISH = 10.0
"""How long a bot that is told to stop goes on with what is in hand."""

_T = TypeVar("_T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


def serve(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Runs the bot until SIGINT or SIGTERM; SIGUSR1 has it log its counters.

    Raises:
        UserError: The token is missing, malformed or refused.
        StageError: Another program goes on receiving this bot's messages, or nothing can be stored.
    """
    if options.allow == "everyone":
        run.log.warning("everyone may talk to the bot; it may repeat what stood in the chats it learnt from")
    with quiet_libraries(), _signals_restored():
        bot = connect(options.token.reveal(), options.base_url)
        asyncio.run(_until_signal(options, bot, model, run))


@contextlib.contextmanager
def _signals_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


async def _until_signal(options: Options, bot: QuietBot, model: TrainedModel, run: RunContext) -> None:
    stop = asyncio.Event()
    journal = Journal(run.log, options.log_texts)
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, stop.set)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, lambda: journal.sum_up(always=True))
    await serve_until(stop, options, bot, model, run, journal)


async def serve_until(
    stop: asyncio.Event, options: Options, bot: QuietBot, model: TrainedModel, run: RunContext, journal: Journal
) -> None:
    """Runs the bot until it is told to stop.

    Args:
        stop: Tells it to stop.
        options: The deployer's options.
        bot: The connection.
        model: Who answers.
        run: What the deployer was handed.
        journal: Where to log.
    """
    worker = Worker()
    try:
        responder = await _unless(stop, _start(bot, model, worker, journal))
        if responder is None:
            return
        store = Store(run.state / f"bot-{bot.id}.sqlite3")
        with contextlib.closing(store):
            journal.tell("started", bot=f"@{bot.username}", link=f"https://t.me/{bot.username}")
            await _Service(options, bot, responder, worker, store, run, journal).run(stop)
            journal.sum_up()
    except sqlite3.Error as error:
        raise StageError(f"{run.state}: nothing can be stored: {error}", "make room there and start again") from None
    finally:
        await bot.shutdown()
    journal.tell("stopped")


async def _start(bot: QuietBot, model: TrainedModel, worker: Worker, journal: Journal) -> Responder:
    await insist(bot.initialize, Trouble(journal, "starting"))
    return await worker.call(model.load)


class _Service:
    """The loops of a bot that has started, wired together."""

    def __init__(
        self,
        options: Options,
        bot: QuietBot,
        responder: Responder,
        worker: Worker,
        store: Store,
        run: RunContext,
        journal: Journal,
    ) -> None:
        self._webhook = options.webhook_url is not None
        self._bot = bot
        self._store = store
        self._journal = journal
        self._sending = Sending(bot, store, options.pause, options.sends_per_second, journal)
        self._answering = Answering(responder, worker, store, options, journal, wake=self._sending.wake)
        self._commands = Commands(options.welcome, responder, store)
        access = Access(options.allow, store, journal)
        limits = Limits(options.messages_per_minute, options.queue, store)
        intake = Intake(bot, responder.context_lines, store, access, limits, self._commands, journal, wake=self._wake)
        self._receiving = Webhook(bot, intake, options, journal) if self._webhook else Polling(bot, intake, journal)
        self._presence = Presence(bot, store)
        self._housekeeping = Housekeeping(store, limits, journal, run.state / "heartbeat", options.forget_after_days)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs all loops; when told to stop, stops receiving and finishes what is in hand."""
        receiving = asyncio.create_task(self._receive())
        loops = (self._answering.run, self._sending.run, self._presence.run, self._housekeeping.run)
        others = [asyncio.create_task(loop()) for loop in loops]
        menu = asyncio.create_task(self._show_menu())
        try:
            await _first(stop, receiving, *others)
            self._journal.tell("stopping")
            receiving.cancel()
            await asyncio.wait([receiving])
            await _first_within(SECONDS_TO_FINISH, self._finish, *others)
        finally:
            for task in (receiving, menu, *others):
                task.cancel()
            await asyncio.gather(receiving, menu, *others, return_exceptions=True)

    def _wake(self) -> None:
        self._answering.wake()
        self._sending.wake()

    async def _receive(self) -> None:
        if not self._webhook:  # or asking for updates would be refused
            await insist(self._bot.delete_webhook, Trouble(self._journal, "starting"))
        await self._receiving.run()

    async def _show_menu(self) -> None:
        """Lists the commands in Telegram's menu; nothing else waits for it."""
        try:
            await insist(
                lambda: self._bot.set_my_commands(self._commands.listed), Trouble(self._journal, "setting the menu")
            )
        except StageError as error:
            self._journal.tell("no menu", level=logging.WARNING, reason=error)

    async def _finish(self) -> None:
        self._answering.hurry()
        self._sending.hurry()
        with contextlib.suppress(TelegramError):
            await self._receiving.confirm()
        while self._store.waiting() or self._store.chats_to_send_to():
            await asyncio.sleep(0.02)


async def _first(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Waits for the stop, or for the failure of a task, which is raised."""
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for task in done - {stopping}:
        task.result()


async def _first_within(seconds: float, work: Callable[[], Awaitable[None]], *tasks: asyncio.Task[None]) -> None:
    """Waits for work to be done, but not for ever; the failure of a task is raised."""
    working = asyncio.ensure_future(work())
    try:
        done, _ = await asyncio.wait([working, *tasks], return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
    finally:
        working.cancel()
    for task in done:
        task.result()


async def _unless(stop: asyncio.Event, work: Awaitable[_T]) -> _T | None:
    """Waits for work to be done; gives up and returns None when told to stop."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, task], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopping.cancel()
        task.cancel()

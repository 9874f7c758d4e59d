"""Sets the bot up, runs its loops and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from telegram.error import TelegramError

from autocakechat import Responder, RunContext, TrainedModel
from autocakechat.plugins.deployers.telegram import Options
from autocakechat.plugins.deployers.telegram.access import Access
from autocakechat.plugins.deployers.telegram.answering import Answering
from autocakechat.plugins.deployers.telegram.commands import Commands
from autocakechat.plugins.deployers.telegram.connection import Backoff, QuietBot, connect, insist, quiet_libraries
from autocakechat.plugins.deployers.telegram.intake import Intake
from autocakechat.plugins.deployers.telegram.polling import Polling
from autocakechat.plugins.deployers.telegram.sending import Sending
from autocakechat.plugins.deployers.telegram.store import Store

_T = TypeVar("_T")
_SECONDS_TO_FINISH = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Runs the bot until SIGINT or SIGTERM.

    Raises:
        UserError: The token is missing, malformed or refused.
        StageError: Another program goes on receiving this bot's messages.
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
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_until(stop, options, bot, model, run)


async def serve_until(
    stop: asyncio.Event, options: Options, bot: QuietBot, model: TrainedModel, run: RunContext
) -> None:
    """Runs the bot until it is told to stop.

    Args:
        stop: Tells it to stop.
        options: The deployer's options.
        bot: The connection.
        model: Who answers.
        run: Where to log and to keep what is kept.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="model")
    try:
        responder = await _unless(stop, _start(bot, model, worker, run))
        if responder is not None:
            store = Store(run.state / f"bot-{bot.id}.sqlite3")
            with contextlib.closing(store):
                await _run(stop, options, bot, responder, worker, store, run)
    finally:
        worker.shutdown(wait=False, cancel_futures=True)
        await bot.shutdown()
    run.log.info("stopped")


async def _start(bot: QuietBot, model: TrainedModel, worker: Executor, run: RunContext) -> Responder:
    backoff = Backoff(run.log, "starting")
    await insist(bot.initialize, backoff)
    responder = await asyncio.get_running_loop().run_in_executor(worker, model.load)
    await insist(bot.delete_webhook, backoff)  # or fetching updates would be refused
    run.log.info("@%s is there: https://t.me/%s", bot.username, bot.username)
    return responder


async def _run(
    stop: asyncio.Event,
    options: Options,
    bot: QuietBot,
    responder: Responder,
    worker: Executor,
    store: Store,
    run: RunContext,
) -> None:
    sending = Sending(bot, store, run.log)
    answering = Answering(responder, worker, store, options.fallback, run.log, wake=sending.wake)

    def wake() -> None:
        answering.wake()
        sending.wake()

    commands = Commands(options.welcome, responder, store)
    access = Access(options.allow, store, run.log)
    polling = Polling(bot, Intake(bot, store, access, commands, run.log, wake), run.log)
    await insist(lambda: bot.set_my_commands(commands.listed), Backoff(run.log, "starting"))

    receiving = asyncio.create_task(polling.run())
    others = [asyncio.create_task(answering.run()), asyncio.create_task(sending.run())]
    try:
        await _first(stop, receiving, *others)
        receiving.cancel()
        run.log.info("stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS_TO_FINISH):
                with contextlib.suppress(TelegramError):
                    await polling.confirm()
                while store.waiting() or store.chats_to_send_to():
                    await asyncio.sleep(0.02)
    finally:
        for task in (receiving, *others):
            task.cancel()
        await asyncio.gather(receiving, *others, return_exceptions=True)


async def _first(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Waits for the stop, or for the failure of a task, which is raised."""
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for task in done - {stopping}:
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

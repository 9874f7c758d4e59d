"""Responders for tests: their replies are predictable, so a test can tell a right reply from a wrong one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from autocakechat import Reply, Request, Responder, TrainedModel


class Echo:
    """Replies with the mood and the last line. Records its latest batches and the threads that called it.

    Args:
        reply: Makes the text of a reply, instead of the echo.
        delay: Seconds that each batch takes.
    """

    labels: Sequence[str] = ("neutral", "joy", "anger")
    context_lines = 3

    def __init__(self, reply: Callable[[Request], str] | None = None, delay: float = 0.0) -> None:
        self.batches: deque[list[Request]] = deque(maxlen=100)
        self.threads: set[str] = set()
        self._reply = reply or (lambda request: f"{request.emotion}: {request.context[-1]}")
        self._delay = delay

    @property
    def contexts(self) -> list[tuple[str, ...]]:
        """The contexts of all requests, oldest first."""
        return [request.context for batch in self.batches for request in batch]

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(requests))
        time.sleep(self._delay)
        return [Reply(self._reply(request)) for request in requests]


def all_lines(request: Request) -> str:
    """Returns all lines of the context, each with the mood before it."""
    return "\n".join(f"{request.emotion} {line}" for line in request.context)


def model_of(responder: Responder) -> TrainedModel:
    """Returns a trained model that loads a given responder."""
    return TrainedModel(Path("test"), trainer="test", metrics={}, load=lambda: responder)

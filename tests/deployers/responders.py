"""Responders of the tests' own: what they answer is known, so that a test can tell a right answer from a wrong one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from autocakechat import Reply, Request, Responder, TrainedModel


class Echo:
    """Answers with the mood and the last line, and remembers what it was asked last, and from which thread.

    Args:
        answer: Makes the answer of a request, where another one is wanted.
        seconds: How long it thinks about each batch.
    """

    labels: Sequence[str] = ("neutral", "joy", "anger")
    context_lines = 3

    def __init__(self, answer: Callable[[Request], str] | None = None, seconds: float = 0.0) -> None:
        self.batches: deque[list[Request]] = deque(maxlen=100)
        self.threads: set[str] = set()
        self._answer = answer or (lambda request: f"{request.emotion}: {request.context[-1]}")
        self._seconds = seconds

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(requests))
        time.sleep(self._seconds)
        return [Reply(self._answer(request)) for request in requests]


def trained(responder: Responder) -> TrainedModel:
    """A model that loads a responder of the tests' own."""
    return TrainedModel(Path("test"), trainer="test", metrics={}, load=lambda: responder)

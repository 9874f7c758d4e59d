"""Measures the replies of a model in this process, for `replies.py`, with the version that this interpreter has.

    python benchmarks/workers/replies.py MODEL REQUESTS.json BATCH OPTIONS RUNS

It prints the milliseconds of each run as a JSON array.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from autocakechat import Request, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load


def measure(model: Path, contexts: list[list[str]], batch: int, options: dict[str, Any], runs: int) -> list[float]:
    """Times the replies to batches of requests.

    Args:
        model: The model folder.
        contexts: The contexts of the requests; each run takes the next batch of them.
        batch: Requests of a batch.
        options: The options of `[reply]`.
        runs: Number of batches, besides one that is not counted.
    """
    run = RunContext(log=logging.getLogger("benchmark"), progress=silent_progress, seed=1, state=model)
    responder = load(model, ReplyOptions(seed=1, choose_among=1, **options), run)
    requests = [Request(context) for context in contexts]
    times = []
    for number in range(runs + 1):
        chosen = [requests[(number * batch + index) % len(requests)] for index in range(batch)]
        started = time.perf_counter()
        responder.respond(chosen)
        times.append(1000 * (time.perf_counter() - started))
    return times[1:]


def main() -> None:
    """Measures what the arguments say."""
    model, requests, batch, options, runs = sys.argv[1:]
    contexts = json.loads(Path(requests).read_text("utf-8"))
    print(json.dumps(measure(Path(model), contexts, int(batch), json.loads(options), int(runs))))


if __name__ == "__main__":
    main()

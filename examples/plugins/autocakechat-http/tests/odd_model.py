"""A program that deploys a model unlike that of the test trainer: without labels, and it fails when a client wants.

Its argument is a JSON object with the options of the deployer. Clients have a second for a head and a body.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from autocakechat_http import Options, connections, deploy, guard

from autocakechat import Reply, Request

_ERRORS: dict[str, BaseException] = {
    "fail": ValueError("this model fails on request"),
    "stop": StopIteration(),
    "no memory": MemoryError(),
    "exit": SystemExit(),
    "interrupt": KeyboardInterrupt(),
}


class OddModel:
    """A model that repeats the whole context, one line per turn, unless the last line asks for something else."""

    labels: Sequence[str] = ()
    context_lines = 20

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to each request."""
        last_lines = [request.context[-1] for request in requests]
        for line, error in _ERRORS.items():
            if line in last_lines:
                raise error
        if "hang" in last_lines:
            time.sleep(3600)
        if "too few replies" in last_lines:
            return []
        if "half a character" in last_lines:
            return [Reply("\ud83d") for _ in requests]
        if "who am I?" in last_lines:
            return [Reply(f"{request.chat_kind} {request.person}") for request in requests]
        return [Reply("" if "say nothing" in last_lines else "\n".join(request.context)) for request in requests]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model: Any = SimpleNamespace(path=Path("odd-model"), person="Zoë Đặng", load=OddModel)
    run: Any = SimpleNamespace(log=logging.getLogger("test"))
    connections.HEAD_SECONDS = connections.BODY_SECONDS = guard.BODY_SECONDS = 1.0
    deploy(Options(**json.loads(sys.argv[1])), model, run)

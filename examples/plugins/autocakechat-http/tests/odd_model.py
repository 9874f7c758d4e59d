"""A program that deploys a model unlike that of the test trainer: without labels, and it fails when a client wants."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from autocakechat_http import Options, deploy

from autocakechat import Reply, Request


class OddModel:
    """A model that repeats the whole context, one line per turn, unless the last line asks for something else."""

    labels: Sequence[str] = ()
    context_lines = 20

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to each request."""
        last_lines = [request.context[-1] for request in requests]
        if "fail" in last_lines:
            raise ValueError("this model fails on request")
        if "too few replies" in last_lines:
            return []
        return [Reply("" if "say nothing" in last_lines else "\n".join(request.context)) for request in requests]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model: Any = SimpleNamespace(path=Path("odd-model"), person="Zoë Đặng", load=OddModel)
    run: Any = SimpleNamespace(log=logging.getLogger("test"))
    deploy(Options(port=int(sys.argv[1]) if sys.argv[1:] else 0), model, run)

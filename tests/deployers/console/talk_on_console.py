"""A program that deploys an echo on the console, for tests that need a process of its own."""

from __future__ import annotations

import logging
import runpy
from pathlib import Path

from autocakechat import RunContext
from autocakechat.plugins.deployers.console import Options, deploy

here = Path(__file__).parents[1]
responders = runpy.run_path(str(here / "responders.py"))


def answer(request):  # type: ignore[no-untyped-def]
    return "\n".join(f"{request.emotion} {line}" for line in request.context)


model = responders["trained"](responders["Echo"](answer))
deploy(Options(), model, RunContext(log=logging.getLogger("test"), progress=None, seed=1, state=here))  # type: ignore[arg-type]

"""A program that deploys an echo on the console, for tests that need a separate process."""

from __future__ import annotations

import logging
import runpy
from pathlib import Path

from autocakechat import RunContext
from autocakechat.plugins.deployers.console import Options, deploy

folder = Path(__file__).parents[1]
responders = runpy.run_path(str(folder / "responders.py"))
model = responders["model_of"](responders["Echo"](responders["all_lines"]))
run = RunContext(log=logging.getLogger("test"), progress=None, seed=1, state=folder)  # type: ignore[arg-type]
deploy(Options(), model, run)

"""A program that deploys an echo on Telegram, for tests that need a process of its own.

Arguments: the address of the Bot API, the folder for what is kept, seconds the model thinks, who is invited,
kilobytes that a file may have (0: any).
"""

from __future__ import annotations

import logging
import resource
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

from autocakechat import RunContext, Secret
from autocakechat.plugins.deployers.telegram import Options, deploy

url, state, seconds, allow = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
responders = runpy.run_path(str(Path(__file__).parents[2] / "responders.py"))
echo = responders["Echo"](lambda request: f"answer to {request.context[-1]}", seconds)

if int(sys.argv[5]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]) * 1024,) * 2)


def terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, terminate)
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s")
options = Options(
    token=Secret(env="TOKEN"),
    allow="everyone" if allow == "everyone" else [int(allow)],
    base_url=url,
    settle=0.01,
    pause=0.0,
    separate_lines=False,
    sends_per_second=1000.0,
    messages_per_minute=100_000,
)
run = RunContext(log=logging.getLogger("bot"), progress=None, seed=1, state=state)  # type: ignore[arg-type]
deploy(options, responders["trained"](echo), run)
assert signal.getsignal(signal.SIGTERM) is terminate
print("deploy returned")

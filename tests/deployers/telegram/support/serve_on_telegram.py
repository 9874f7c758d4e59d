"""A program that deploys an echo on Telegram, for tests that need a separate process.

Arguments: URL of the Bot API, state folder, seconds that each batch of replies takes, the `allow` option, maximum size
of the files that it writes in kilobytes (0: no limit).
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

url, state, reply_delay, allow = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
max_file_bytes = int(sys.argv[5]) * 1024
responders = runpy.run_path(str(Path(__file__).parents[2] / "responders.py"))
echo = responders["Echo"](lambda request: f"reply to {request.context[-1]}", reply_delay)

if max_file_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))


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
deploy(options, responders["model_of"](echo), run)
assert signal.getsignal(signal.SIGTERM) is terminate
print("deploy returned")

"""Times the start of `acc`, compared with an interpreter that only imports click, pluggy and attrs.

    python benchmarks/starting.py [--rounds 20]

The baseline also looks up entry points. The commands take turns, and the shortest time of each counts, since other
load on the machine can only add to it. The exit status is 1 if a command takes more than 1.5 times the baseline.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

BASELINE = "bare interpreter"
IMPORTS = "import attrs, click, pluggy, importlib.metadata as m; list(m.entry_points(group='autocakechat'))"
COMMANDS = {
    BASELINE: [sys.executable, "-c", IMPORTS],
    "acc --help": [sys.executable, "-m", "autocakechat", "--help"],
    "acc plugins list": [sys.executable, "-m", "autocakechat", "plugins", "list"],
}
GOAL = 1.5
"""Maximum time of a command, relative to the baseline."""


def main() -> None:
    """Measures each command, prints a line for each, and exits with 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds + 1):  # one more, to warm the file cache
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - started)
    baseline = best[BASELINE]
    for name, seconds in best.items():
        print(f"{name:<18} {1000 * seconds:6.0f} ms  {seconds / baseline:5.2f}")
    sys.exit(max(best.values()) > GOAL * baseline)


if __name__ == "__main__":
    main()

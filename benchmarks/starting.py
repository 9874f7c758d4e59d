"""How long `acc` takes to start, beside an interpreter that only imports what any program of this make needs.

    python benchmarks/starting.py [--rounds 20]

The bare interpreter imports click, pluggy and attrs and looks for entry points. Rounds take turns, and the shortest
time of each counts: everything else on the machine only adds to it. Exits with 1 if a command takes over 1.5 times.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

BARE = "import attrs, click, pluggy, importlib.metadata as m; list(m.entry_points(group='autocakechat'))"
COMMANDS = {
    "bare interpreter": [sys.executable, "-c", BARE],
    "acc --help": [sys.executable, "-m", "autocakechat", "--help"],
    "acc plugins list": [sys.executable, "-m", "autocakechat", "plugins", "list"],
}
GOAL = 1.5


def main() -> None:
    """Measures, prints a line for each command, and says by the exit status whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds + 1):  # the first warms the caches
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - started)
    bare = best["bare interpreter"]
    for name, seconds in best.items():
        print(f"{name:<18} {1000 * seconds:6.0f} ms  {seconds / bare:5.2f}")
    sys.exit(max(best.values()) > GOAL * bare)


if __name__ == "__main__":
    main()

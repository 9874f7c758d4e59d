"""Measures reading and training in a Ray cluster on this machine, with one and with two workers.

    python benchmarks/cluster.py --megabytes 200 --training-megabytes 1

The cluster consists of nodes with one CPU each, as separate processes. The programs take turns, `--runs` times each,
and the table shows the shortest time of each. Starting and ending Ray is part of the time; the first row shows how long
that takes. All workers share the cores of one machine, so the table shows what a cluster costs, and not what more
machines gain.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from machine import machine
from reading import PIPELINE, Layout, write_exports

TRAINER = """
[trainer]
use = "cakechat"
size = "tiny"
epochs = 1
ranking = false
"""


@contextmanager
def local_cluster(nodes: int) -> Iterator[str]:
    """Starts a cluster of nodes with one CPU each, and yields its address."""
    from ray.cluster_utils import Cluster

    options = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**options)
        yield cluster.address
    finally:
        cluster.shutdown()


def make_project(folder: Path, megabytes: int, files: int) -> Path:
    """Writes exports and a pipeline.toml into a new folder."""
    write_exports(folder / "export", Layout(megabytes, files))
    (folder / "pipeline.toml").write_text(PIPELINE + TRAINER)
    return folder


def seconds_of(folder: Path, *arguments: str) -> float:
    """Runs `acc` in a folder, and returns how long it took."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "autocakechat", "--quiet", *arguments]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def connection_seconds(address: str) -> float:
    """Returns how long it takes to connect to a cluster, to run an empty task in it, and to end."""
    code = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False); ray.get(ray.remote(lambda: 0).remote())"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, address], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200, help="size of the exports that are read")
    parser.add_argument("--training-megabytes", type=int, default=1, help="size of the exports that are trained on")
    parser.add_argument("--files", type=int, default=8, help="number of exports of each")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program")
    options = parser.parse_args()
    # Workers of the cluster have the same priority as other processes.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
    with tempfile.TemporaryDirectory() as scratch, local_cluster(1) as one, local_cluster(2) as two:
        reading = make_project(Path(scratch) / "reading", options.megabytes, options.files)
        training = make_project(Path(scratch) / "training", options.training_megabytes, options.files)
        corpus = ("run", "--until", "corpus", "--force", "corpus")
        model = ("run", "--until", "model", "--force", "model")
        seconds_of(training, *corpus)
        programs: Mapping[str, Callable[[], float]] = {
            "connecting to a cluster": lambda: connection_seconds(one),
            "corpus, without a cluster": lambda: seconds_of(reading, *corpus),
            "corpus, one node": lambda: seconds_of(reading, *corpus, "--cluster", one),
            "corpus, two nodes": lambda: seconds_of(reading, *corpus, "--cluster", two),
            "training, without a cluster": lambda: seconds_of(training, *model),
            "training, one worker": lambda: seconds_of(training, *model, "--cluster", one),
            "training, two workers": lambda: seconds_of(training, *model, "--cluster", two),
        }
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(options.runs):
            for name, program in programs.items():
                seconds[name].append(program())
                print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    size = f"{options.megabytes} MB to read and {options.training_megabytes} MB to train on"
    print(f"{machine()}; {size}, each in {options.files} exports\n")
    print("| | seconds |\n|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {min(times):.1f} |")


if __name__ == "__main__":
    main()

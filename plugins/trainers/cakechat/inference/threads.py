"""The number of threads: as many as processors that the process may use, or fewer."""

from __future__ import annotations

import os
from pathlib import Path

from autocakechat import cgroup_folders

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def choose_threads(maximum: int | None) -> int:
    """Returns the number of threads for matrix products, and makes BLAS in this process use one thread.

    `network.multiplier` divides large products among its own threads instead.

    Args:
        maximum: Maximum number of threads; None for the number of available processors, which is the maximum anyway.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
    available = available_processors()
    return min(maximum or available, available)


def available_processors(cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Returns the number of processors that this process may use at the same time, at least 1.

    This is the smaller of its CPU affinity and the CPU limit of its container, which is that of its cgroup.

    Args:
        cgroups: Where Linux mounts the cgroups.
        membership: The file that names this process's cgroups.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *_cgroup_limits(cgroups, membership)]))


def _cgroup_limits(cgroups: Path, membership: Path) -> list[int]:
    """Returns the CPU limits of this process's cgroup and of those above it, in whole processors."""
    # cgroup v1: two files; a quota of -1 means no limit.
    v1 = [_read(cgroups / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    # cgroup v2: a file with `QUOTA PERIOD`; a quota of `max` means no limit.
    groups = cgroup_folders(cgroups, membership)
    limits = []
    for quota, period in [v1, *((_read(folder / "cpu.max").split() or ["", ""]) for folder in groups)]:
        if quota.strip().isdigit() and period.strip().isdigit():
            limits.append(int(quota) // int(period))
    return limits


def _read(file: Path) -> str:
    """Returns the content of a file; nothing if it cannot be read."""
    try:
        return file.read_text("ascii")
    except OSError:
        return ""

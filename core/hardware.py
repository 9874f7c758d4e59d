"""What the processor of this machine can do, and which cgroups limit this process."""

from __future__ import annotations

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def multiplies_bfloat16(cpuinfo: Path = _CPUINFO) -> bool:
    """Returns whether the processor multiplies bfloat16. Others emulate it, several times slower than float32.

    Args:
        cpuinfo: Linux's description of the processor.
    """
    try:
        flags = cpuinfo.read_text("ascii", "ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def cgroup_folders(cgroups: Path, membership: Path) -> list[Path]:
    """Returns the folders of this process's cgroup (version 2) and of those above it: each may limit a container.

    Args:
        cgroups: Where Linux mounts the cgroups: `/sys/fs/cgroup`.
        membership: The file that names this process's cgroups, `/proc/self/cgroup`. It has a line `0::/path`.
    """
    try:
        lines = membership.read_text("ascii").splitlines()
    except OSError:
        lines = []
    path = next((line[3:] for line in lines if line.startswith("0::/")), "/")
    group = cgroups / path.lstrip("/")
    return list(
        dict.fromkeys([group, *(parent for parent in group.parents if parent.is_relative_to(cgroups)), cgroups])
    )

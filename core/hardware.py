"""What the processor of this machine can do."""

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

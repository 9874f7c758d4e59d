"""The machine's name, for above a table."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """Returns the processor, its number of cores, and what it can that matters to matrix products."""
    name, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name = facts.get("model name", name)
        known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
        flags = ", " + " ".join(flag for flag in known if flag in facts.get("flags", "").split())
    return f"{name}, {os.cpu_count()} cores{flags}, Python {platform.python_version()}"

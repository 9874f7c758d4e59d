"""Describes the machine, for the line above a table, and reads the memory of processes."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_MATRIX_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""CPU features that decide the speed of matrix products."""


def machine() -> str:
    """Returns the processor, its number of cores, its features for matrix products, and Python's version."""
    name, features = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = {}
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            fields[key.strip()] = value.strip()
        name = fields.get("model name", name)
        flags = fields.get("flags", "").split()
        features = ", " + " ".join(flag for flag in _MATRIX_FLAGS if flag in flags)
    return f"{name}, {os.cpu_count()} cores{features}, Python {platform.python_version()}"


def resident_bytes(process: int | str) -> int:
    """Returns the resident memory of a process in bytes (Linux); 0 for a process that has ended.

    Args:
        process: Its id, or `self`.
    """
    match = re.search(r"^VmRSS:\s*(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0

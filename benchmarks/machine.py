"""Describes the machine, for the line above a table."""

from __future__ import annotations

import os
import platform
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

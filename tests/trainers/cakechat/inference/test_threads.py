"""The threads of matrix products are bounded by the option, the CPU affinity and the limits of the container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from autocakechat.plugins.trainers.cakechat.inference.threads import available_processors, choose_threads

AFFINITY = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.fixture
def other_threads() -> Iterator[None]:
    with threadpool_limits():  # restores the present number
        yield


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.usefixtures("other_threads")
def test_the_option_is_a_maximum() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))  # NumPy's BLAS is loaded
    assert choose_threads(1) == 1
    assert choose_threads(1000) == choose_threads(None) == available_processors()
    assert blas_threads() == {1}


@pytest.mark.parametrize(
    ("files", "processors"),
    [
        ({}, AFFINITY),
        ({"cpu.max": "max 100000\n"}, AFFINITY),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "99900000 100000\n"}, AFFINITY),
        ({"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
        ({"a/b/cpu.max": "100000 100000\n"}, 1),
        ({"other/cpu.max": "100000 100000\n"}, AFFINITY),
        ({"a/b/cpu.max": "something else"}, AFFINITY),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, AFFINITY),
    ],
)
def test_the_limits_of_a_container_count(tmp_path: Path, files: dict[str, str], processors: int) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    membership = tmp_path / "membership"
    membership.write_text("1:name=systemd:/x\n0::/a/b\n")
    assert available_processors(tmp_path, membership) == processors


def test_a_system_without_cgroups_has_no_such_limit(tmp_path: Path) -> None:
    assert available_processors(tmp_path, tmp_path / "membership") == AFFINITY

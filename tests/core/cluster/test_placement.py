"""Each worker gets as many CPUs as fit."""

from __future__ import annotations

import json

import pytest

from autocakechat.cluster.group_worker import Address, environment_of
from autocakechat.cluster.placement import Machine, Placement, place_workers


@pytest.mark.parametrize(
    ("machines", "wanted", "gpus", "expected"),
    [
        ([Machine(8, 0), Machine(8, 0)], None, 0, Placement(2, 8)),
        ([Machine(8, 0), Machine(4, 0)], None, 0, Placement(2, 4)),
        ([Machine(16, 0), Machine(4, 0)], None, 0, Placement(2, 8)),
        ([Machine(8, 0), Machine(8, 0)], 4, 0, Placement(4, 4)),
        ([Machine(8, 0), Machine(8, 0)], 1, 0, Placement(1, 8)),
        ([Machine(8, 0), Machine(0, 0)], None, 0, Placement(1, 8)),
        ([Machine(2, 0)], 5, 0, Placement(2, 1)),
        ([Machine(32, 4), Machine(32, 0)], None, 1, Placement(1, 32)),
        ([Machine(32, 4), Machine(32, 4)], 8, 1, Placement(8, 8)),
        ([Machine(32, 4)], 3, 2, Placement(2, 16)),
        ([], None, 0, Placement(0, 0)),
    ],
)
def test_placement(machines: list[Machine], wanted: int | None, gpus: int, expected: Placement) -> None:
    assert place_workers(machines, wanted, gpus) == expected


def test_tensorflow_learns_about_all_workers() -> None:
    addresses = [Address("10.0.0.1", 4000), Address("10.0.0.2", 4001)]
    environment = environment_of("tensorflow", 1, addresses, cpus=8)
    assert environment["TF_NUM_INTRAOP_THREADS"] == "8"
    assert json.loads(environment["TF_CONFIG"]) == {
        "cluster": {"worker": ["10.0.0.1:4000", "10.0.0.2:4001"]},
        "task": {"type": "worker", "index": 1},
    }


def test_torch_learns_about_the_chief_and_its_rank() -> None:
    environment = environment_of("torch", 1, [Address("10.0.0.1", 4000), Address("10.0.0.2", 4001)], cpus=8)
    assert environment == {
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "4000",
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
    }


def test_a_single_worker_trains_as_without_a_cluster() -> None:
    assert "TF_CONFIG" not in environment_of("tensorflow", 0, [Address("10.0.0.1", 4000)], cpus=8)
    assert environment_of("torch", 0, [Address("10.0.0.1", 4000)], cpus=8) == {}

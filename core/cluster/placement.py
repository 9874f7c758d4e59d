"""How many workers fit on the machines of a cluster, and how many CPUs each of them gets."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class Machine:
    """What a machine offers.

    Attributes:
        cpus: The number of CPUs.
        gpus: The number of GPUs.
    """

    cpus: int
    gpus: int

    def room(self, cpus: int, gpus: int) -> int:
        """Returns how many workers fit that need so many CPUs and GPUs each."""
        by_cpus = self.cpus // cpus
        return min(by_cpus, self.gpus // gpus) if gpus else by_cpus


@attrs.frozen
class Placement:
    """The workers to start.

    Attributes:
        workers: How many.
        cpus: The number of CPUs of each.
    """

    workers: int
    cpus: int


def place_workers(machines: Sequence[Machine], wanted: int | None, gpus: int) -> Placement:
    """Chooses the workers, and gives each of them as many CPUs as fit.

    Args:
        machines: The machines of the cluster.
        wanted: How many workers to place; None for as many as there are machines.
        gpus: The number of GPUs of each worker.

    Returns:
        The placement: with fewer workers than wanted if no more fit, even with one CPU each.
    """
    if wanted is None:
        wanted = sum(machine.room(1, gpus) > 0 for machine in machines)
    workers = min(wanted, _room(machines, 1, gpus))
    cpus = max((machine.cpus for machine in machines), default=0)
    while cpus > 1 and _room(machines, cpus, gpus) < workers:
        cpus -= 1
    return Placement(workers, cpus)


def _room(machines: Sequence[Machine], cpus: int, gpus: int) -> int:
    return sum(machine.room(cpus, gpus) for machine in machines)

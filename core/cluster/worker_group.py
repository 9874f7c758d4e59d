"""Runs a task on a group of workers of the cluster, and starts the group again if one of them is lost."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from autocakechat.cluster.connection import connected
from autocakechat.cluster.group_worker import GroupTask, GroupWorker, environment_of
from autocakechat.cluster.options import ClusterOptions
from autocakechat.cluster.payload import Failure, Outcome, Payload, result_of
from autocakechat.cluster.placement import Machine, Placement, place_workers
from autocakechat.errors import StageError, UserError
from autocakechat.interface.stage_types import Framework
from autocakechat.text import pluralize

_MAX_LOSSES = 3
"""How many times in a row a worker may be lost before the task has got any further."""

_SECONDS_TO_RESERVE = 30.0
_SECONDS_TO_WAIT_FOR_EVENTS = 1.0
_SECONDS_TO_ANSWER = 30.0
_SECONDS_TO_END = 5.0
_THREADS = 4  # of a worker: for `run`, `events`, `is_alive` and `end`


class _WorkerLostError(Exception):
    """A process or a machine of the group was killed."""


@attrs.frozen
class WorkerGroup:
    """Workers of a cluster that do one task together.

    Attributes:
        options: The cluster.
        framework: Determines the environment variables of the workers.
        log: The log.
    """

    options: ClusterOptions
    framework: Framework
    log: logging.Logger

    def run(self, task: GroupTask, handle_event: Callable[[Any], None], describe_progress: Callable[[], object]) -> Any:
        """Runs a task until it has ended. If a worker is lost, all of them start again, with as many as still fit.

        Args:
            task: The task.
            handle_event: Called with each event of the chief.
            describe_progress: Returns another value when the task has got further, such as the state of its checkpoint.

        Returns:
            The result of the chief.

        Raises:
            AccError: An error of the task.
            UserError: There is no such cluster, or it has too few machines.
            StageError: Workers were lost again and again, or the cluster failed.
        """
        losses = 0
        progress = describe_progress()
        with connected(self.options):
            self._require_room()
            while True:
                try:
                    return self._run_once(task, handle_event)
                except _WorkerLostError:
                    previous, progress = progress, describe_progress()
                    losses = 1 if progress != previous else losses + 1
                if losses > _MAX_LOSSES:
                    message = f"a worker was lost {losses} times before the training got any further"
                    raise StageError(message, "the machines may be out of memory")
                self.log.warning("a worker was lost; the training continues from the last checkpoint")

    def _require_room(self) -> None:
        """Checks that the cluster is large enough.

        Raises:
            UserError: It is not.
        """
        wanted, gpus = self.options.workers or 1, self.options.gpus_per_worker
        room = self._place().workers
        if room < wanted:
            need = f"a CPU and {pluralize(gpus, 'GPU')}" if gpus else "a CPU"
            raise UserError(
                f"cluster: there is room for {room} of {pluralize(wanted, 'worker')} with {need} each",
                "add machines to the cluster, or change cluster.workers or cluster.gpus_per_worker",
            )

    def _place(self) -> Placement:
        import ray

        resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        machines = [Machine(int(one.get("CPU", 0)), int(one.get("GPU", 0))) for one in resources]
        return place_workers(machines, self.options.workers, self.options.gpus_per_worker)

    def _run_once(self, task: GroupTask, handle_event: Callable[[Any], None]) -> Any:
        """Starts the workers, and returns the result of the chief.

        Raises:
            _WorkerLostError: A worker was killed.
        """
        import ray

        with self._reserved() as (placement, reservation), self._started(placement, reservation) as workers:
            count, cpus = pluralize(placement.workers, "worker"), pluralize(placement.cpus, "CPU")
            self.log.info("training on %s of the cluster, with %s each", count, cpus)
            try:
                addresses = ray.get([worker.address.remote() for worker in workers])
                payload = ray.put(Payload.of(task))
                environments = [
                    environment_of(self.framework, rank, addresses, placement.cpus) for rank in range(len(workers))
                ]
                prepared = [
                    worker.prepare.remote(payload, rank, environment)
                    for rank, (worker, environment) in enumerate(zip(workers, environments, strict=True))
                ]
                for outcome in ray.get(prepared):
                    result_of(outcome)
                return self._wait_for_chief(workers, handle_event)
            except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
                raise _WorkerLostError from None

    def _wait_for_chief(self, workers: list[Any], handle_event: Callable[[Any], None]) -> Any:
        """Waits until the chief has ended, and handles its events meanwhile."""
        import ray

        chief, *others = [worker.run.remote() for worker in workers]
        events = workers[0].events.remote(_SECONDS_TO_WAIT_FOR_EVENTS)
        while True:
            ready, _ = ray.wait([chief, *others, events])
            (reference,) = ready
            if reference == events:
                for event in ray.get(events):
                    handle_event(event)
                events = workers[0].events.remote(_SECONDS_TO_WAIT_FOR_EVENTS)
                continue
            outcome: Outcome[Any] = ray.get(reference)
            if isinstance(outcome, Failure):
                # A worker also fails because another one is lost.
                ray.get([worker.is_alive.remote() for worker in workers], timeout=_SECONDS_TO_ANSWER)
            if reference == chief:
                # The call that waits may have returned nothing just before the last events were sent.
                for event in (*ray.get(events), *ray.get(workers[0].events.remote(0.0))):
                    handle_event(event)
                return result_of(outcome)
            result_of(outcome)
            others.remove(reference)

    @contextmanager
    def _reserved(self) -> Iterator[tuple[Placement, Any]]:
        """Reserves CPUs and GPUs for the workers, on different machines if possible; waits until they are free.

        Yields:
            The placement, and the reservation: a placement group of Ray.
        """
        import ray
        from ray.util.placement_group import placement_group, remove_placement_group

        gpus = self.options.gpus_per_worker
        while True:
            placement = self._place()  # anew each time: a machine may have been lost
            if not placement.workers:
                self.log.info("waiting for machines of the cluster")
                time.sleep(_SECONDS_TO_RESERVE)
                continue
            bundle = {"CPU": placement.cpus} | ({"GPU": gpus} if gpus else {})
            reservation = placement_group([bundle] * placement.workers, strategy="SPREAD")
            try:
                if reservation.wait(_SECONDS_TO_RESERVE):
                    yield placement, reservation
                    return
            finally:
                with contextlib.suppress(ray.exceptions.RayError, ConnectionError):
                    remove_placement_group(reservation)
            self.log.info("waiting for free CPUs%s in the cluster", " and GPUs" if gpus else "")

    @contextmanager
    def _started(self, placement: Placement, reservation: Any) -> Iterator[list[Any]]:
        """Starts the workers. They end with the block."""
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        workers = []
        for index in range(placement.workers):
            actor = ray.remote(
                num_cpus=placement.cpus,
                num_gpus=self.options.gpus_per_worker,
                max_concurrency=_THREADS,
                scheduling_strategy=PlacementGroupSchedulingStrategy(reservation, index),
            )
            workers.append(actor(GroupWorker).remote())
        try:
            yield workers
        finally:
            with contextlib.suppress(ray.exceptions.RayError, ConnectionError):
                ended = [worker.end.remote() for worker in workers]
                ray.wait(ended, num_returns=len(ended), timeout=_SECONDS_TO_END)
                for worker in workers:
                    ray.kill(worker)

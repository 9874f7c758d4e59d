"""Trains a model on workers of a Ray cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs

from autocakechat.cluster.checkpoint_upload import download, uploaded
from autocakechat.cluster.options import ClusterOptions
from autocakechat.cluster.storage import (
    copy_folder,
    describe_content,
    is_path,
    remove_folder,
    storage_errors,
    store_folder,
    stored_number,
)
from autocakechat.cluster.worker_group import WorkerGroup
from autocakechat.config.pipeline import StageConfig
from autocakechat.display.progress import silent_progress
from autocakechat.errors import UserError
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.pipeline.forwarded_progress import ProgressReplay, forwarded_progress
from autocakechat.pipeline.reading.worker_processes import LogRecord, forward_logs, is_picklable
from autocakechat.pipeline.stage_results import check_training, stage_inputs, train
from autocakechat.registry.plugin_errors import errors_of_plugin

_CHIEF = 0


@attrs.frozen(kw_only=True)
class Places:
    """Where the workers find and store folders: paths that all machines see, or addresses.

    Attributes:
        corpus: The corpus.
        previous: The model that the training continues from, if any.
        checkpoints: The checkpoints of the chief.
        model: The model of the chief.
    """

    corpus: str
    previous: str | None
    checkpoints: str
    model: str


@attrs.frozen(kw_only=True)
class TrainingJob:
    """The part of a training that each worker runs; see `GroupTask`.

    Attributes:
        trainer: The trainer and its options.
        owner: The plugin that provides it, as error messages name it.
        seed: The random seed.
        log: The log of the trainer.
        places: Where to find and store folders.
    """

    trainer: StageConfig[TrainerType]
    owner: str
    seed: int
    log: logging.Logger
    places: Places

    def prepare(self, rank: int, scratch: Path) -> None:
        """Copies the corpus and the checkpoints, if this machine does not see them, and checks the other files."""
        stage_inputs(self.owner, self.trainer.stage, self.trainer.options)
        places = self.places
        for place in (places.corpus, places.previous):
            if place and is_path(place) and not Path(place).is_dir():
                raise UserError(f"{place}: no such folder", "set cluster.storage to a place that all machines see")
            if place and not is_path(place):
                copy_folder(place, _local_copy(place, scratch))
        checkpoints = self._checkpoints(rank, scratch)
        with storage_errors(str(checkpoints)):
            checkpoints.mkdir(parents=True, exist_ok=True)
        if not is_path(places.checkpoints):
            download(places.checkpoints, checkpoints)
        elif rank != _CHIEF:  # it writes checkpoints, too, which must not replace those of the chief
            copy_folder(places.checkpoints, checkpoints)  # which the chief may not have created yet

    def run(self, rank: int, scratch: Path, send: Callable[[Any], None]) -> Mapping[str, Any]:
        """Trains, and stores the model of the chief.

        Returns:
            The metrics.
        """
        forward_logs(send)
        places, stage = self.places, self.trainer.stage
        progress = forwarded_progress(send, send) if rank == _CHIEF else silent_progress
        checkpoints, model = self._checkpoints(rank, scratch), scratch / "model"
        model.mkdir()
        previous = _local_copy(places.previous, scratch) if places.previous else None
        is_stored_apart = rank == _CHIEF and not is_path(places.checkpoints)
        storing = uploaded(checkpoints, places.checkpoints, self.log) if is_stored_apart else nullcontext()
        with storing, errors_of_plugin(self.owner, stage):
            run = RunContext(self.log, progress, self.seed, checkpoints)
            metrics = train(self.trainer, Corpus(_local_copy(places.corpus, scratch)), previous, model, run)
        if rank == _CHIEF:
            check_training(self.owner, stage, metrics, model)
            store_folder(model, places.model)
        return metrics

    def _checkpoints(self, rank: int, scratch: Path) -> Path:
        place = self.places.checkpoints
        return Path(place) if rank == _CHIEF and is_path(place) else scratch / "checkpoints"


def train_in_cluster(
    cluster: ClusterOptions,
    owner: str,
    trainer: StageConfig[TrainerType],
    corpus: Corpus,
    previous: Path | None,
    folder: Path,
    run: RunContext,
) -> Mapping[str, Any]:
    """Trains a model on workers of a cluster.

    Args:
        cluster: The cluster.
        owner: The plugin that provides the trainer, as error messages name it.
        trainer: The trainer and its options.
        corpus: The corpus.
        previous: The model folder to continue from, if any.
        folder: An empty folder for the model.
        run: The run context of the trainer.

    Returns:
        The metrics.

    Raises:
        AccError: The training failed, or the cluster or its storage cannot be used.
    """
    stage = trainer.stage
    assert stage.distributed
    root = None if cluster.storage is None else f"{cluster.storage.rstrip('/')}/{run.state.name}"
    places = _places_here(corpus, previous, folder, run) if root is None else _places_below(root, corpus, previous)
    job = TrainingJob(trainer=trainer, owner=owner, seed=run.seed, log=run.log, places=places)
    if not is_picklable(job):
        problem = f"the trainer '{stage.name}' cannot be sent to other machines"
        raise UserError(f"cluster: {problem}", "remove [cluster] to train on this one")
    group = WorkerGroup(cluster, stage.distributed, run.log)
    with ProgressReplay(run.progress) as progress:

        def handle_event(event: Any) -> None:
            if isinstance(event, LogRecord):
                event.replay(run.log)
            else:
                progress.handle(event)

        metrics: Mapping[str, Any] = group.run(job, handle_event, lambda: describe_content(places.checkpoints))
    if root is not None:
        copy_folder(places.model, folder)
        remove_folder(root)
    return metrics


def _places_here(corpus: Corpus, previous: Path | None, folder: Path, run: RunContext) -> Places:
    """Returns the folders of the artifact store, which all machines have to see."""
    return Places(
        corpus=str(corpus.path.resolve()),
        previous=str(previous.resolve()) if previous else None,
        checkpoints=str(run.state.resolve()),
        model=str(folder.resolve()),
    )


def _places_below(root: str, corpus: Corpus, previous: Path | None) -> Places:
    """Returns places in the storage of the cluster, and stores there what the workers need."""
    places = Places(
        corpus=f"{root}/corpus",
        previous=f"{root}/previous" if previous else None,
        checkpoints=f"{root}/checkpoints",
        model=f"{root}/model",
    )
    _store_once(corpus.path, places.corpus)
    if previous and places.previous:
        _store_once(previous, places.previous)
    return places


def _store_once(folder: Path, place: str) -> None:
    """Stores a folder at a place, unless an interrupted training has done so."""
    if stored_number(place) is None:
        store_folder(folder, place, number=0)


def _local_copy(place: str, scratch: Path) -> Path:
    """Returns the folder with the content of a place on this machine."""
    return Path(place) if is_path(place) else scratch / place.rpartition("/")[2]

"""The start model of `start = "conversations"`: trained once on this machine, and kept for all pipelines.

It is cached in the user's cache folder, under the hash of everything that it is made of. An interrupted training
resumes, and of several processes that need the model at the same time, one trains it and the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import attrs

from autocakechat import RunContext, TrainerType, UserError, finalize_model_folder, hash_file
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.conversations import (
    dataset_file,
    unreadable_dataset,
    write_corpus,
)
from autocakechat.plugins.trainers.cakechat.pretrained.download import UnavailableModelError, download_published_model

RECIPE = Options(size="small", epochs=2, targets="all", rehearsals=0)
"""How the start model is trained: as much as a machine with two cores can do in about ten minutes."""

_SEED = 42
"""Not the seed of a pipeline, since all pipelines share the model."""


def with_start_model(
    options: Options,
    trainer: TrainerType,
    run: RunContext,
    recipe: Options = RECIPE,
    find_dataset: Callable[[], Path] = dataset_file,
) -> Options:
    """Trains the start model of `start = "conversations"`, if needed, and returns options that name its folder.

    With `start_fallback`, this also happens if the published model cannot be downloaded.

    Args:
        options: The options of `[trainer]`.
        trainer: The trainer that can load the start model.
        run: Log and progress.
        recipe: How to train the start model.
        find_dataset: Returns the file with the conversations.

    Raises:
        UserError: The conversations are not installed, or the cache folder cannot be used.
    """
    if options.start == "pretrained" and options.start_fallback == "conversations" and options.start_path is None:
        try:
            download_published_model(options, run)
        except UnavailableModelError as error:
            run.log.warning("%s; a start model from conversations is used instead", error.message)
        else:
            return options
    elif options.start != "conversations":
        return options
    return from_model(options, conversation_model(trainer, find_dataset(), recipe, run))


def from_model(options: Options, folder: Path) -> Options:
    """Returns the options for a training that starts from a model folder of ours."""
    return attrs.evolve(options, start="pretrained", start_path=folder, sha256=(), word2vec=False)


def conversation_model(trainer: TrainerType, dataset: Path, recipe: Options, run: RunContext) -> Path:
    """Returns the folder of a start model that is trained on conversations; trains it unless the cache contains it.

    Args:
        trainer: The trainer that can load the start model.
        dataset: The file with the conversations.
        recipe: How to train it.
        run: Log and progress.

    Raises:
        UserError: The conversations cannot be read, or the cache folder cannot be used.
        OSError: A write failed, such as to a full disk. It names the file or the folder.
    """
    folder = model_folder(trainer, dataset, recipe)
    if not _is_complete(folder, run):
        with _locked(folder.with_name(f"{folder.name}.lock"), run):
            if not _is_complete(folder, run):
                try:
                    _train(folder, trainer, dataset, recipe, run)
                except OSError as error:  # a write to a full disk does not name the file
                    error.filename = error.filename or str(folder.parent)
                    raise
    run.log.info("start model: %s", folder)
    return folder


def model_folder(trainer: TrainerType, dataset: Path, recipe: Options) -> Path:
    """Returns where the start model is cached: the name has the hash of everything that the model depends on.

    Raises:
        UserError: The conversations cannot be read.
    """
    import pooch

    try:
        data = hash_file(dataset)
    except OSError as error:
        raise unreadable_dataset(dataset, error) from None
    made_of = [version("autocakechat"), trainer.version, attrs.asdict(recipe), _SEED, data]
    key = hashlib.sha256(json.dumps(made_of, default=str).encode()).hexdigest()[:16]
    folder: Path = pooch.os_cache("autocakechat") / "start-models" / f"conversations-{key}"
    return folder


def _is_complete(folder: Path, run: RunContext) -> bool:
    """Returns whether the cache contains the model, undamaged."""
    manifest = folder / "model.json"
    if not manifest.is_file():
        return False
    try:
        files = json.loads(manifest.read_bytes())["files"]
        damaged = [name for name, digest in files.items() if hash_file(folder / name) != digest]
    except (OSError, ValueError, KeyError, AttributeError):
        damaged = [manifest.name]
    for name in damaged:
        run.log.warning("start model: %s is damaged, so it is trained again", folder / name)
    return not damaged


@contextmanager
def _locked(file: Path, run: RunContext) -> Iterator[None]:
    """Lets one process at a time run the block; the others wait.

    Raises:
        UserError: The cache folder cannot be written to.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = file.open("a")
    except OSError as error:
        raise UserError(
            f"{error.filename}: {error.strerror}",
            "the start model is kept there: make the folder writable, or set XDG_CACHE_HOME to another one",
        ) from None
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            run.log.info("start model: another process is training it; waiting until it is complete")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _train(folder: Path, trainer: TrainerType, dataset: Path, recipe: Options, run: RunContext) -> None:
    """Trains the start model, or the rest of it after an interruption, and moves it to its place in the cache."""
    from autocakechat.plugins.trainers.cakechat.training.train import train

    run.log.info(
        "start model: it is trained once on the conversations of chitchat-dataset, about 10 minutes on two idle cores, "
        "and kept in %s for all pipelines; after an interruption, the training continues",
        folder.parent,
    )
    state = folder.with_name(f"{folder.name}.training")
    corpus = write_corpus(dataset, state / "corpus")
    unfinished = state / "model"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    metrics = train(recipe, corpus, unfinished, attrs.evolve(run, seed=_SEED, state=state))
    finalize_model_folder(unfinished, trainer, recipe, metrics)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    shutil.rmtree(state, ignore_errors=True)

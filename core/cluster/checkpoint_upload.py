"""Stores the checkpoints of a training at an address while the training runs.

They are stored at two places in turn, so that one of them is complete at any time.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autocakechat.cluster.storage import copy_folder, store_folder, stored_number
from autocakechat.errors import AccError, StageError

SECONDS_BETWEEN_UPLOADS = 10.0

_FileTimes = dict[str, tuple[int, int]]


def download(place: str, folder: Path) -> None:
    """Copies the newest checkpoint to a folder; nothing if there is none.

    Args:
        place: The place that `uploaded` stores checkpoints at.
        folder: An empty folder.

    Raises:
        StageError: It cannot be read.
    """
    if newest := _newest(place):
        copy_folder(_place_of(newest, place), folder)


@contextmanager
def uploaded(folder: Path, place: str, log: logging.Logger) -> Iterator[None]:
    """Stores the content of a folder whenever it has changed, while the block runs.

    If storing fails, the training goes on: a warning is logged, and storing is tried again.

    Args:
        folder: The folder with the checkpoints.
        place: Where to store them.
        log: Receives the warnings.
    """
    stopped = threading.Event()
    stored = _file_times(folder)
    uploader = threading.Thread(target=_upload_until, args=(stopped, folder, stored, place, log), daemon=True)
    uploader.start()
    try:
        yield
    finally:
        stopped.set()
        uploader.join()


def _newest(place: str) -> int:
    """Returns the number of the newest checkpoint; 0 if there is none."""
    return max(stored_number(_place_of(number, place)) or 0 for number in (1, 2))


def _place_of(number: int, place: str) -> str:
    return f"{place}/{number % 2}"


def _upload_until(stopped: threading.Event, folder: Path, stored: _FileTimes, place: str, log: logging.Logger) -> None:
    """Stores the content of a folder whenever its files differ from those that are stored, until an event is set."""
    while True:
        ends = stopped.wait(SECONDS_BETWEEN_UPLOADS)
        times = _file_times(folder)
        if times != stored:
            try:
                if _upload(folder, place, times):
                    stored = times
            except AccError as error:
                log.warning("a checkpoint cannot be stored: %s", error)
        if ends:
            return


def _upload(folder: Path, place: str, times: _FileTimes) -> bool:
    """Stores the content of a folder; returns False if it changed while it was copied.

    What is stored is a copy: making it takes less time than storing, and no file is replaced meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="acc-") as scratch:
        copy = Path(scratch) / "copy"
        try:
            shutil.copytree(folder, copy)
        except OSError as error:  # of `copytree`, a list of errors
            if _file_times(folder) != times:
                return False
            raise StageError(f"{folder}: cannot be copied to {scratch}: {error}", "free some space there") from error
        if _file_times(folder) != times:
            return False
        number = _newest(place) + 1
        store_folder(copy, _place_of(number, place), number)
    return True


def _file_times(folder: Path) -> _FileTimes:
    """Returns the size and the time of each file of a folder."""
    times: _FileTimes = {}
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:  # it was replaced
            continue
        times[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return times

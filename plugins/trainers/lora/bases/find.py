"""Finds the base of a training or of a model folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora.bases.cache import has_files, known_folders
from autocakechat.plugins.trainers.lora.bases.catalog import NAMED_BASES
from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.bases.package_file import find_packaged
from autocakechat.plugins.trainers.lora.bases.record import BaseRecord, FoundBase


def find_base(
    name: str, path: Path | None, sha256: Sequence[str], run: RunContext, largest: float | None = None
) -> FoundBase:
    """Finds the base of a training, and downloads it if it is not on this machine.

    Args:
        name: The name of a base.
        path: A base on this machine, instead.
        sha256: The allowed SHA-256 digests of its files; empty to allow any.
        run: Log and progress.
        largest: The most bytes that the files of a download may have, by the memory of this machine; None for any
            number.

    Raises:
        UserError: It cannot be found, downloaded or verified.
    """
    if path is not None:
        found = find_local(path)
    elif name in NAMED_BASES:
        found = find_packaged(name, NAMED_BASES[name], run)
    else:
        from autocakechat.plugins.trainers.lora.bases.hub import download_from_hub

        found = download_from_hub(name, largest, run)
    for file, digest in found.record.files.items():
        run.log.info("base: %s, SHA-256 %s", file, digest)
        if sha256 and digest not in sha256:
            raise UserError(
                f"{file}: the SHA-256 {digest} is not listed in trainer.sha256",
                "do not use this file unless you know why it has changed",
            )
    return found


def find_again(record: BaseRecord, included: Path, run: RunContext) -> Path:
    """Returns the folder of a model's base.

    Args:
        record: What the base is.
        included: The folder inside the model folder that contains the base, or may contain it.
        run: Log and progress.

    Raises:
        UserError: The base is not on this machine.
    """
    if record.included:  # the manifest of the model folder was verified
        return included
    for folder in (included, *known_folders(record)):
        if has_files(folder, record.files):
            return folder
    if record.kind == "package" and record.name in NAMED_BASES:
        return find_packaged(record.name, NAMED_BASES[record.name], run).folder
    names = ", ".join(record.files)
    source = f"download {record.name}" if record.kind == "hub" else f"copy the base {record.name}"
    raise UserError(
        f"{included}: the base of this model is not on this machine", f"{source} and put its files there: {names}"
    )

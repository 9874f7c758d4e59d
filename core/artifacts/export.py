"""Copies a model out of the artifact store."""

from __future__ import annotations

import shutil
from pathlib import Path

from autocakechat.artifacts.store import MANIFEST_NAMES
from autocakechat.errors import UserError
from autocakechat.files import replace_folder


def holds_other_model(folder: Path, model: Path) -> bool:
    """Returns whether a folder contains a model that differs from another model, by their manifests."""
    manifest = folder / MANIFEST_NAMES["model"]
    return manifest.is_file() and manifest.read_bytes() != (model / manifest.name).read_bytes()


def export_model(model: Path, target: Path) -> None:
    """Copies a model folder. A model that is already at the target is replaced.

    Args:
        model: The model folder.
        target: The new folder.

    Raises:
        UserError: The target exists, is not empty, and is not a model folder; or it cannot be written.
    """
    target = target.resolve()  # a relative path such as `.` has no name
    try:
        if target.exists() and not (target / MANIFEST_NAMES["model"]).is_file() and any(target.iterdir()):
            raise UserError(f"{target}: already exists and is not a model folder", "give another folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = target.with_name(f".{target.name}.copying")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(model, copy)
        replace_folder(copy, target, spare=target.with_name(f".{target.name}.replaced"))
    except OSError as error:
        raise UserError(f"{error.filename or target}: {error.strerror}", "give another folder") from None

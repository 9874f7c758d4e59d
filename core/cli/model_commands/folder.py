"""The option `--folder`, and the artifact store of that folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from autocakechat.artifacts.store import ArtifactStore

_Function = TypeVar("_Function", bound=Callable[..., Any])


def folder_option(function: _Function) -> _Function:
    """Adds `--folder` to a command: the folder whose artifacts it is about."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=".",
        help="The folder of the pipelines; by default the current one.",
    )(function)


def store_in(folder: Path) -> ArtifactStore:
    """Returns the artifact store of a folder."""
    from autocakechat.artifacts.store import ArtifactStore

    return ArtifactStore.beside(folder / "pipeline.toml")

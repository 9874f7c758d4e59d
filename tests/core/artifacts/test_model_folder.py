"""Model folders are verified before they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import RunContext, UserError, finalize_model_folder
from autocakechat.artifacts.model_folder import open_model
from autocakechat.plugins.trainers.retrieval import acc_trainers
from autocakechat.plugins.trainers.retrieval.options import Options
from autocakechat.registry.manager import PluginManager


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with a page and another file."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("training.html", "weights.bin"):
        (folder / name).write_text(name)
    (trainer,) = acc_trainers()
    finalize_model_folder(folder, trainer, Options(), {})
    return folder


def open_folder(folder: Path, run: RunContext) -> None:
    open_model(folder, PluginManager.load(frozenset(), third_party=False), lambda trainer: trainer.reply(), run)


def test_a_page_may_be_deleted(folder: Path, run: RunContext) -> None:
    (folder / "training.html").unlink()
    open_folder(folder, run)


def test_other_files_may_be_neither_deleted_nor_changed(folder: Path, run: RunContext) -> None:
    (folder / "training.html").write_text("changed")
    with pytest.raises(UserError, match=r"training\.html: damaged \(wrong checksum\)"):
        open_folder(folder, run)
    (folder / "training.html").unlink()
    (folder / "weights.bin").unlink()
    with pytest.raises(UserError, match=r"weights\.bin: missing"):
        open_folder(folder, run)

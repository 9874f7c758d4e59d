"""Copies of models outside of the artifact store."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat.artifacts.export import export_model
from autocakechat.errors import UserError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    return folder


def test_a_model_is_copied_to_the_current_folder(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "empty"
    target.mkdir()
    monkeypatch.chdir(target)
    export_model(model, Path())
    assert [path.name for path in target.iterdir()] == ["model.json"]


def test_a_folder_with_other_files_is_not_replaced(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "photos"
    target.mkdir()
    (target / "photo.jpg").touch()
    with pytest.raises(UserError, match="photos: already exists and is not a model folder"):
        export_model(model, target)
    assert (target / "photo.jpg").exists()


def test_an_interrupted_export_can_be_repeated(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    export_model(model, target)
    for leftover in (".copy.replaced", ".copy.copying"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "model.json").write_text("old")
    (model / "model.json").write_text('{"new": 1}')
    export_model(model, target)
    assert (target / "model.json").read_text() == '{"new": 1}'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "model"]

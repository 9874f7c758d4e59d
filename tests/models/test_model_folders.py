"""A model folder of a stranger works, or one line says what is wrong with it; nothing in it takes all memory."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from tests.conftest import ROOT
from tests.models.folders import write_cakechat_model, write_retrieval_model


def assert_all_are_handled(folder: Path, first_seed: int, number: int) -> None:
    (folder / "models").mkdir()
    write_cakechat_model(folder / "models" / "cakechat", shared_embedding=False)
    write_cakechat_model(folder / "models" / "shared", shared_embedding=True)
    write_retrieval_model(folder / "models" / "retrieval")
    shutil.rmtree(folder / "models" / "corpus")
    command = [sys.executable, "-m", "tests.models.open_mutated", str(folder), str(first_seed), str(number)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert completed.stdout == "done\n", completed.stdout[-5000:] + completed.stderr[-2000:]


def test_damaged_model_folders_are_one_line(tmp_path: Path) -> None:
    assert_all_are_handled(tmp_path, 0, 60)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("hidden", -1, "'hidden' must be >= 1: -1"),
        ("tokens", 2**40, "'tokens' must be <= 16777216"),
        ("embedding", 2**20, "has the shape"),
        ("conditions", True, "Expected `int`, got `bool`"),
    ],
)
def test_numbers_of_the_settings_have_bounds(tmp_path: Path, name: str, value: object, problem: str) -> None:
    write_cakechat_model(tmp_path / "model", shared_embedding=False)
    file = tmp_path / "model" / "settings.json"
    content = json.loads(file.read_bytes())
    content["network"][name] = value
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "model"))) as raised:
        load_model(tmp_path / "model")
    assert problem in str(raised.value)
    assert raised.value.hint == "the model folder is damaged: copy it again, or train again"


@pytest.mark.soak
def test_a_thousand_damaged_model_folders_are_one_line(tmp_path: Path) -> None:
    assert_all_are_handled(tmp_path, 1000, 1000)

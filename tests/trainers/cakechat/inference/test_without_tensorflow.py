"""Everything that answers works without TensorFlow, and a training says what is missing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus, finalize_model_folder
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER
from autocakechat.testing import Project
from tests.trainers.cakechat.conftest import SMALL

TRAINING_MODULES = {"tensorflow", "keras", "h5py", "safetensors", "pooch"}


@pytest.fixture(scope="module")
def project(trained: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a trained model in the folder `model`."""
    project = Project.make(tmp_path_factory.mktemp("acc"))
    model = shutil.copytree(trained[0], project.folder / "model")
    finalize_model_folder(model, TRAINER, SMALL, {})
    project.pipeline(trainer={"use": "cakechat"})
    return project


@pytest.mark.parametrize(
    ("command", "stdin"),
    [
        (["chat", "model"], "hello\n"),
        (["chat", "model", "--set", "reply.mode=beamsearch", "--set", "reply.threads=1"], "hello\n"),
        (["deploy", "--model", "model"], "hello\n"),
        (["evaluate", "model", "--samples", "10"], ""),
    ],
    ids=["chat", "beam search", "deploy", "evaluate"],
)
def test_answering_imports_no_library_of_training(
    project: Project, corpus: Corpus, command: list[str], stdin: str
) -> None:
    if command[0] == "evaluate":
        command = [*command, "--corpus", str(corpus.path)]
    profiled = attrs.evolve(project, environment=project.environment | {"PYTHONPROFILEIMPORTTIME": "1"})
    done = profiled.acc(*command, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert {"numpy", "threadpoolctl"} <= imported
    assert not imported & TRAINING_MODULES


def test_a_model_answers_where_tensorflow_is_not_installed(project: Project) -> None:
    done = project.without_modules(TRAINING_MODULES).acc("chat", "model", stdin="hello\nhow are you?\n")
    assert done.returncode == 0
    assert re.fullmatch(r"model: imported, .*, trainer cakechat\n", done.stderr)
    assert len(done.stdout.splitlines()) == 2


def test_training_without_tensorflow_says_what_is_missing(project: Project) -> None:
    done = project.without_modules(TRAINING_MODULES).run()
    assert done.returncode == 2
    assert "trainer: cakechat needs tensorflow, keras; run: pip install 'autocakechat[cakechat]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_answering_without_numpy_says_what_is_missing(project: Project) -> None:
    done = project.without_modules({"numpy"}).acc("chat", "model")
    assert done.returncode == 2
    assert "model: answering needs numpy; run: pip install 'autocakechat[reply]'" in done.stderr


def test_the_list_of_plugins_tells_both_purposes(project: Project) -> None:
    label = "cakechat-trainer: trainer cakechat:"
    without_training = project.without_modules({"tensorflow"}).acc("plugins", "list").stdout
    hint = "ready to answer; training needs tensorflow; run: pip install 'autocakechat[cakechat]'"
    assert f"{label} {hint}" in without_training
    without_both = project.without_modules({"keras", "threadpoolctl"}).acc("plugins", "show", "cakechat").stdout
    assert "trainer cakechat: answering needs threadpoolctl; run: pip install 'autocakechat[reply]'" in without_both
    assert "trainer cakechat: training needs keras, threadpoolctl; run:" in without_both


def test_an_import_without_h5py_says_what_is_missing(project: Project, golden_files: Path) -> None:
    files = {"weights": "model.h5", "tokens": "t_idx.json", "conditions": "c_idx.json"}
    options = [f"--{name}={golden_files / 'small' / file}" for name, file in files.items()]
    done = project.without_modules({"h5py"}).acc("cakechat", "import", *options, "--out", "imported")
    assert done.returncode == 2
    assert "reading HDF5 needs h5py; run: pip install 'autocakechat[cakechat]'" in done.stderr

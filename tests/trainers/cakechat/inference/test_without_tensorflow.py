"""Everything that answers works without TensorFlow, and a training says what is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import attrs
import pytest

from autocakechat import Corpus, finalize_model_folder
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER
from autocakechat.testing import Project
from tests.conftest import ROOT
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi
from tests.trainers.cakechat.conftest import SMALL

HTTP_PLUGIN = ROOT / "examples/plugins/autocakechat-http"
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


def test_a_model_answers_on_telegram_where_tensorflow_is_not_installed(project: Project) -> None:
    with closing(BotApi()) as api:
        options = {"use": "telegram", "token": {"env": "TOKEN"}, "allow": [1], "base_url": api.url, "settle": 0.0}
        project.pipeline(trainer={"use": "cakechat"}, deployer=options)
        bot = attrs.evolve(project, environment=project.environment | {"TOKEN": TOKEN})
        with bot.without_modules(TRAINING_MODULES).start("deploy", "--model", "model") as process:
            api.write("hello")
            process.wait_for(api.texts)
            assert process.stop(signal.SIGTERM) == 0


def test_a_model_answers_over_http_where_tensorflow_is_not_installed(project: Project, tmp_path: Path) -> None:
    metadata = tmp_path / "autocakechat_http-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: autocakechat-http\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[autocakechat]\nhttp = autocakechat_http\n")
    path = os.pathsep.join([str(tmp_path), str(HTTP_PLUGIN), project.environment["PYTHONPATH"]])
    bot = attrs.evolve(project, environment=project.environment | {"PYTHONPATH": path})
    bot.pipeline(trainer={"use": "cakechat"}, deployer={"use": "http", "port": 0})
    with bot.without_modules(TRAINING_MODULES).start("deploy", "--model", "model") as process:
        process.wait_for(lambda: "listening on" in process.stderr)
        (address,) = re.findall(r"listening on (http://127\.0\.0\.1:\d+)", process.stderr)
        body = json.dumps({"context": ["hello"]}).encode()
        url = f"{address}/cakechat_api/v1/actions/get_response"
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=30) as response:
            assert json.load(response)["response"]


def test_training_without_tensorflow_says_what_is_missing(project: Project) -> None:
    project.pipeline(trainer={"use": "cakechat"})
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
    hint = "ready to reply; training needs tensorflow; run: pip install 'autocakechat[cakechat]'"
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

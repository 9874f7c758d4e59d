"""A target that misses something says so in one line, before it does anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import attrs
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autocakechat import Secret
from autocakechat.plugins.deployers.telegram import Options
from tests.docker.checkout import ROOT, Checkout

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def one_line(result: tuple[int, str]) -> str:
    """Returns the only line of a target that fails before it starts."""
    status, shown = result
    assert status == 2, shown
    (line,) = shown.splitlines()
    return re.sub(r"^[\w/.]+:\d+: \*\*\* |\.  Stop\.$", "", line)


@pytest.mark.parametrize(
    "target",
    [
        "docker_train_from_scratch",
        "docker_update_pretrained",
        "docker_train_lora",
        "docker_deploy_model",
        "docker_stop",
        "docker_remove",
    ],
)
def test_a_missing_engine_is_reported_with_what_to_install(checkout: Checkout, target: str) -> None:
    assert one_line(checkout.make(target, **NO_ENGINE)).startswith("no Docker engine is running: install it (https://")


def test_a_missing_server_id_is_reported_before_chats_are_read(checkout: Checkout) -> None:
    message = one_line(checkout.make("generate_corpus", "--assume-old=.venv/core", TELEGRAM_SERVER_ID=" "))
    assert message == "TELEGRAM_SERVER_ID is not set: `.venv/bin/acc inspect tg_data` lists the ids"


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("123456789", '["123456789",]'),
        ("123456789 @name", '["123456789", "@name",]'),
        ("1, -1001234567890", '["1", "-1001234567890",]'),
        ("everyone", '"everyone"'),
    ],
)
def test_the_list_of_allowed_users_is_passed_to_the_bot(checkout: Checkout, written: str, option: str) -> None:
    assert checkout.make("--eval", "show: ; @echo '$(allow)'", "show", TELEGRAM_ALLOW=written) == (0, f"{option}\n")
    allow = tomllib.loads(f"allow = {option}")["allow"]
    assert attrs.evolve(Options(token=Secret(env="TOKEN"), allow=[1]), allow=allow).allow == allow


@pytest.mark.parametrize("server", ["", "user1"])
def test_a_training_uses_the_corpus_of_the_server_that_make_sets(checkout: Checkout, server: str) -> None:
    """`pipeline.toml` names another server, so its own corpus does not exist."""
    option = f" --set extractor.server={server}" if server else ""
    command = f" train train --any{option} --set trainer.start=scratch --export-model results.nosync/model"
    assert training_command(checkout, "docker_train_from_scratch", TELEGRAM_SERVER_ID=server).endswith(command)


@pytest.mark.parametrize(
    ("variables", "option"),
    [({}, "start_fallback=conversations"), ({"START_FALLBACK": "none"}, "start_fallback=none")],
)
def test_a_start_model_does_not_depend_on_a_download(
    checkout: Checkout, variables: dict[str, str], option: str
) -> None:
    command = training_command(checkout, "docker_update_pretrained", **variables)
    assert f" --set trainer.start=pretrained --set trainer.{option} " in command


def test_a_local_start_model_is_used_instead_of_the_published_one(checkout: Checkout) -> None:
    model = checkout.folder / "results.nosync" / "pretrained"
    model.mkdir(parents=True)
    (model / "settings.json").touch()
    command = training_command(checkout, "docker_update_pretrained")
    shutil.rmtree(model.parent)
    assert " --set trainer.start=pretrained --set trainer.start_path=results.nosync/pretrained " in command
    assert "start_fallback" not in command


def training_command(checkout: Checkout, target: str, **variables: str) -> str:
    """Returns the command that a target passes to a stand-in for Docker, in a checkout with a corpus."""
    corpus, docker = checkout.folder / ".acc" / "corpus" / "key", checkout.folder / "docker-stand-in"
    corpus.mkdir(parents=True, exist_ok=True)
    checkout.belongs_to_user(checkout.folder / ".acc")
    checkout.write(docker.name, '#!/bin/sh\necho "docker $*"\n')
    docker.chmod(0o755)
    status, shown = checkout.make(target, DOCKER=str(docker), **variables)
    shutil.rmtree(checkout.folder / ".acc")
    docker.unlink()
    assert status == 0, shown
    return shown.splitlines()[-1]


@pytest.mark.parametrize(("gpu", "build"), [("", "TRAINER=lora --build-arg TORCH=https://"), ("1", "TRAINER=lora ")])
def test_a_language_model_has_its_own_image(checkout: Checkout, gpu: str, build: str) -> None:
    corpus, docker = checkout.folder / ".acc" / "corpus" / "key", checkout.folder / "docker-stand-in"
    corpus.mkdir(parents=True, exist_ok=True)
    checkout.belongs_to_user(checkout.folder / ".acc")
    checkout.write(docker.name, '#!/bin/sh\necho "docker $*"\n')
    docker.chmod(0o755)
    pipeline = (ROOT / "pipeline.toml").read_text()
    checkout.write("pipeline.toml", pipeline)
    run = {"DOCKER": str(docker), "GPU": gpu, "TELEGRAM_SERVER_ID": "user1"}
    assert one_line(checkout.make("docker_train_lora", **run)).startswith("pipeline.toml trains no language model:")
    checkout.write("pipeline.toml", pipeline.replace('use = "cakechat"', 'use = "lora"'))
    status, shown = checkout.make("docker_train_lora", **run)
    (checkout.folder / "pipeline.toml").unlink()
    shutil.rmtree(checkout.folder / ".acc")
    docker.unlink()
    assert status == 0, shown
    assert f"--target train --build-arg {build}" in " ".join(shown.split())
    service = "train-lora-gpu" if gpu else "train-lora"
    command = f" {service} train --any --set extractor.server=user1 --export-model results.nosync/model"
    assert " ".join(shown.splitlines()[-1].split()).endswith(command)


def test_the_pipeline_of_the_containers_allows_no_user() -> None:
    assert tomllib.loads((ROOT / "pipeline.toml").read_text())["deployer"]["allow"] == [0]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("TELEGRAM_SERVER_ID=user1", "user1"),
        ('export TELEGRAM_SERVER_ID = "user1" \r', "user1"),
        (
            "TELEGRAM_SERVER_ID=user0\n# TELEGRAM_SERVER_ID=user2\nTELEGRAM_SERVER_ID='user1'\nMY_TELEGRAM_SERVER_ID=x",
            "user1",
        ),
        ("", ""),
    ],
)
def test_values_are_read_from_the_env_file(checkout: Checkout, written: str, read: str) -> None:
    checkout.write(".env", written)
    show = ("--eval", "show: ; @echo '$(TELEGRAM_SERVER_ID)'", "show")
    assert checkout.make(*show) == (0, f"{read}\n")
    assert checkout.make(*show, TELEGRAM_SERVER_ID="me") == (0, "me\n")
    assert checkout.make(*show, "TELEGRAM_SERVER_ID=you", TELEGRAM_SERVER_ID="me") == (0, "you\n")
    (checkout.folder / ".env").unlink()


def test_git_and_builds_ignore_private_files() -> None:
    private = ["tg_data/x", "corpus/x", "results.nosync/x", ".env", ".acc/x", ".secrets/x"]
    ignored = subprocess.run(["git", "check-ignore", *private], cwd=ROOT, capture_output=True, text=True)
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.stdout.split() == private
    included = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert included[0] == "*"
    assert not [line for line in included if line.startswith("!") and line[1:].split("/")[0] in (*private, ".")]


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if not hadolint:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, str(ROOT / "docker/Dockerfile")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_of_the_image_is_that_of_the_trainer() -> None:
    from autocakechat.plugins.trainers.lora.bases.catalog import NAMED_BASES

    base = NAMED_BASES["smollm2"]
    assert f"{base.package}=={base.version};" in (ROOT / "docker/Dockerfile").read_text()


def test_requirements_are_printed_without_the_code() -> None:
    command = [sys.executable, str(ROOT / "docker/requirements.py"), "lora", "conversations", "telegram"]
    requirements = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"attrs>=24.2", "peft>=0.18"} <= set(requirements)
    assert any(line.startswith("chitchat-dataset") for line in requirements)
    assert any(line.startswith("python-telegram-bot[webhooks]") for line in requirements)


LOCKED = {
    "bot": ("reply", "llama", "retrieval", "telegram"),
    "cakechat-cpu": ("cakechat-cpu", "conversations", "retrieval", "telegram"),
    "cakechat-gpu": ("cakechat-gpu", "conversations", "retrieval", "telegram"),
}


@pytest.mark.parametrize("name", LOCKED)
def test_the_images_install_what_the_package_requires_by_hash(name: str) -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = (setup["options.extras_require"][extra] for extra in LOCKED[name])
    required = [
        Requirement(line)
        for text in (setup["options"]["install_requires"], *extras)
        for line in text.split("\n")
        if line and not line.startswith("autocakechat[")
    ]
    entries = (ROOT / f"docker/locked/{name}.txt").read_text().replace("\\\n", "").splitlines()
    locked: dict[str, list[str]] = {}
    for entry in entries:
        requirement, *hashes = entry.split(" --hash=sha256:")
        assert hashes, entry
        assert all(re.fullmatch("[0-9a-f]{64} *", digest) for digest in hashes), entry
        pinned = Requirement(requirement.strip())
        locked.setdefault(pinned.name, []).append(str(pinned.specifier).removeprefix("=="))
    for requirement in required:
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement}: not locked; run: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: run: make lock"

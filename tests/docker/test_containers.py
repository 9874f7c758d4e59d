"""The four make targets with a real engine: build images, train, stop, resume, deploy, reply, back up, restore."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.deployers.telegram.support.bot_api import TOKEN, BotApi
from tests.docker.checkout import DOCKER, Checkout, docker
from tests.docker.conftest import ENVIRONMENT, Deployed, Trained
from tests.docs.pages import DOCS, blocks


def image(tag: str) -> dict[str, Any]:
    """Returns what `docker image inspect` prints about an image."""
    (found,) = json.loads(docker("image", "inspect", f"autocakechat:{tag}"))
    return dict(found)


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}


def test_the_corpus_is_written_in_cakechat_format_without_tensorflow(corpus: Checkout) -> None:
    lines = (corpus.folder / "corpus/train_processed_dialogs.txt").read_text().splitlines()
    assert len(lines) > 30
    for line in lines:
        dialog = json.loads(line)
        assert len(dialog) >= 2
        assert all(set(utterance) == {"text", "condition"} for utterance in dialog)
    assert list(corpus.folder.glob(".venv/lib/python*/site-packages/pluggy"))
    assert not list(corpus.folder.glob(".venv/lib/python*/site-packages/tensorflow*"))


def test_a_second_run_reuses_the_corpus(corpus: Checkout) -> None:
    status, shown = corpus.make("generate_corpus", as_root=True)
    assert status == 0, shown
    assert "corpus: reused" in shown


def test_a_stopped_training_prints_the_command_that_resumes_it(trained: Trained) -> None:
    assert "interrupted; to resume: make docker_train_from_scratch" in trained.stopped
    assert "Traceback" not in trained.stopped
    assert "resuming from step" in trained.resumed
    assert trained.checkout.containers("--all", "--filter", "label=com.docker.compose.service=train") == []


def test_the_model_belongs_to_the_user_of_make(trained: Trained) -> None:
    results = trained.checkout.folder / "results.nosync"
    assert (results / "model/model.json").is_file()
    assert owners(results) == owners(trained.checkout.folder / ".acc") == {trained.checkout.user}


@pytest.mark.parametrize("allow", ["", " ", ","])
def test_a_bot_is_not_deployed_without_a_list_of_users(trained: Trained, allow: str) -> None:
    trained.checkout.write(".env", f"TELEGRAM_BOT_TOKEN='{TOKEN}'\nTELEGRAM_ALLOW={allow}\n")
    status, shown = trained.checkout.make("docker_deploy_model")
    trained.checkout.write(".env", ENVIRONMENT)
    assert (status, len(shown.splitlines())) == (2, 1), shown
    assert "TELEGRAM_ALLOW is not set: write TELEGRAM_ALLOW=123456789 @name into .env" in shown


def test_a_second_training_reuses_the_model(trained: Trained) -> None:
    status, shown = trained.checkout.make("docker_train_from_scratch")
    assert status == 0, shown
    assert "model: reused" in shown


def test_training_starts_from_a_local_model(trained: Trained) -> None:
    results = trained.checkout.folder / "results.nosync"
    shutil.copytree(results / "model", results / "pretrained")
    trained.checkout.belongs_to_user(results / "pretrained", *(results / "pretrained").rglob("*"))
    pipeline = (trained.checkout.folder / "pipeline.toml").read_text()
    trained.checkout.write("pipeline.toml", pipeline.replace("epochs = 3", "epochs = 1"))
    status, shown = trained.checkout.make("docker_update_pretrained")
    assert status == 0, shown
    made = json.loads((results / "model/model.json").read_text())
    assert made["options"]["start"] == "pretrained"
    before = json.loads((results / "pretrained/model.json").read_text())
    assert made["metrics"]["perplexity"] < 1.1 * before["metrics"]["perplexity"]
    shutil.rmtree(results / "pretrained")


@pytest.mark.parametrize("tag", ["train", "bot"])
def test_an_image_has_labels_and_runs_without_root(trained: Trained, deployed: Deployed, tag: str) -> None:
    config = image(tag)["Config"]
    assert config["Labels"]["org.opencontainers.image.title"] == "autocakechat"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["acc"]
    assert ("Healthcheck" in config) == (tag == "bot")


def test_the_image_of_the_bot_is_small_and_holds_no_tensorflow(
    trained: Trained, deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {tag: image(tag)["Size"] / 1e6 for tag in ("bot", "train")}
    with capsys.disabled():
        print(f"\nimages: bot {sizes['bot']:,.0f} MB, training {sizes['train']:,.0f} MB")
    assert sizes["bot"] < sizes["train"] / 2
    script = "from importlib.util import find_spec; print(*filter(find_spec, ['numpy', 'tensorflow', 'keras']))"
    assert docker("exec", deployed.checkout.inspect()["Id"], "python", "-c", script) == "numpy"


def test_no_secret_and_no_chat_is_in_an_image_or_its_history(deployed: Deployed) -> None:
    message = json.loads((deployed.checkout.folder / "tg_data/result.json").read_text())
    longest = max((line["text"] for line in message["chats"]["list"][0]["messages"]), key=len)
    needles = [TOKEN.encode(), longest.encode(), b"tg_data/result.json"]
    assert not [needle for needle in needles if needle in docker("history", "--no-trunc", "autocakechat:bot").encode()]
    with subprocess.Popen([DOCKER, "save", "autocakechat:bot"], stdout=subprocess.PIPE) as saving:
        assert saving.stdout
        before, size = b"", 0
        while block := saving.stdout.read(1 << 22):
            assert not [needle for needle in needles if needle in before + block]
            before, size = block[-1000:], size + len(block)
    assert saving.returncode == 0
    assert size > 100e6


def test_the_bot_is_healthy_and_has_no_privileges(deployed: Deployed) -> None:
    known = deployed.checkout.inspect()
    host = known["HostConfig"]
    assert known["State"]["Health"]["Status"] == "healthy"
    assert known["Config"]["User"] == f"{deployed.checkout.user}:{deployed.checkout.user}"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 5}
    assert host["Memory"] == 2 << 30
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    script = "id -u; touch /opt/acc/x /work/x /work/model/x 2>/dev/null || echo refused; grep CapEff /proc/self/status"
    inside = docker("exec", known["Id"], "sh", "-c", script).split()
    assert inside == [str(deployed.checkout.user), "refused", "CapEff:", "0" * 16]


def test_the_token_is_not_in_command_lines_and_not_in_docker_inspect(deployed: Deployed) -> None:
    assert len(deployed.command_lines) > 10
    assert not [line for line in deployed.command_lines if TOKEN.encode() in line]
    known = deployed.checkout.inspect()
    assert TOKEN not in json.dumps(known)
    assert TOKEN not in docker("logs", known["Id"]) + deployed.shown
    secret = deployed.checkout.folder / ".secrets/telegram_bot_token"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert TOKEN not in docker("exec", known["Id"], "cat", "/proc/1/environ")


def test_the_bot_replies_after_a_second_deployment_too(deployed: Deployed, api: BotApi) -> None:
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:]+\+00:00 started bot=@PersonBot ", deployed.shown, re.M)
    api.write("hello")
    api.wait(api.texts, seconds=60)
    first = deployed.checkout.inspect()["Id"]
    sent = len(api.texts())
    # Without a token: the first deployment has stored it.
    deployed.checkout.write(".env", "TELEGRAM_ALLOW=1\n")
    status, shown = deployed.checkout.make("docker_deploy_model", BOT_NETWORK="host")
    assert status == 0, shown
    assert deployed.checkout.inspect()["Id"] != first
    assert len(api.texts()) == sent
    api.write("how are you?")
    api.wait(lambda: len(api.texts()) > sent, seconds=60)
    assert owners(deployed.checkout.folder / "results.nosync") == {deployed.checkout.user}


def documented_commands(name: str) -> str:
    """Returns the block of the page that has a certain command."""
    page = DOCS / "bots/docker.md"
    (commands,) = [block.content for block in blocks(page) if block.language == "sh" and name in block.content]
    return commands


def conversations(checkout: Checkout) -> list[str]:
    """Returns the texts that the bot has stored."""
    with closing(sqlite3.connect(checkout.folder / "results.nosync/bot/bot-4242.sqlite3")) as db:
        return [text for (text,) in db.execute("SELECT text FROM lines")]


def test_a_backup_restores_the_bot(deployed: Deployed, api: BotApi) -> None:
    checkout = deployed.checkout

    def write(text: str) -> None:
        sent = len(api.texts())
        api.write(text)
        api.wait(lambda: len(api.texts()) > sent, seconds=60)

    write("before the backup")
    back_up = documented_commands("backup=~")
    status, shown = checkout.sh(back_up, BOT_NETWORK="host")
    assert status == 0, shown
    write("after the backup")
    status, shown = checkout.sh(
        back_up.splitlines()[0] + "\n" + documented_commands("rm -rf results"), BOT_NETWORK="host"
    )
    assert status == 0, shown
    assert "before the backup" in conversations(checkout)
    assert "after the backup" not in conversations(checkout)
    write("after the restore")
    status, shown = checkout.sh(documented_commands("autocakechat:bot-before autocakechat:bot\n"), BOT_NETWORK="host")
    assert status == 0, shown
    write("after the rollback")
    assert owners(checkout.folder / "results.nosync") == {checkout.user}


def test_docker_stop_ends_the_bot_cleanly(deployed: Deployed) -> None:
    begun = time.monotonic()
    assert deployed.checkout.make("docker_stop") == (0, "")
    assert time.monotonic() - begun < 20
    state = deployed.checkout.inspect()["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
    assert deployed.checkout.make("docker_stop") == (0, "")


def test_a_refused_token_is_reported_once_and_not_retried(deployed: Deployed, api: BotApi) -> None:
    api.token = "4242:another"
    status, shown = deployed.checkout.make("docker_deploy_model", BOT_NETWORK="host")
    api.token = TOKEN
    assert status == 2
    errors = [line for line in shown.splitlines() if re.match(r"\S+ acc: ", line)]
    assert len(errors) == 1
    assert "Telegram rejected the bot's token" in errors[0]
    assert TOKEN not in shown
    assert deployed.checkout.inspect()["State"]["Status"] == "exited"


def test_a_missing_image_is_reported_in_one_line(deployed: Deployed) -> None:
    status, shown = deployed.checkout.make("docker_remove")
    assert status == 0, shown
    assert deployed.checkout.containers("--all") == []
    assert docker("image", "ls", "--quiet", "autocakechat") == ""
    assert (deployed.checkout.folder / "results.nosync/model/model.json").is_file()
    status, shown = deployed.checkout.make("docker_remove")
    assert status == 0, shown
    status, shown = deployed.checkout.make("docker_deploy_model", "DOCKER_BUILD=no")
    assert (status, len(shown.splitlines())) == (2, 1), shown
    assert re.search(r"there is no image autocakechat:bot: run again without DOCKER_BUILD=no", shown)

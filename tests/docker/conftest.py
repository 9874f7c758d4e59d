"""The container tests use a Docker engine if one is running, and are skipped with a reason otherwise.

The fixtures are the steps from a chat log to a running bot, each of which needs the one before.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.deployers.telegram.support.bot_api import TOKEN, BotApi
from tests.docker.checkout import Checkout, docker, wait, why_no_engine
from tests.test_flow import write_export

CONVERSATIONS = 60
SERVER = "user1000001"
ENVIRONMENT = f"TELEGRAM_SERVER_ID={SERVER}\nTELEGRAM_BOT_TOKEN='{TOKEN}'\nTELEGRAM_ALLOW=1\n"
PIPELINE = """\
[[source]]
use = "telegram"
path = "tg_data"

[extractor]
use = "turns"
server = "user123456789"

[trainer]
use = "cakechat"
size = "tiny"
batch_size = 16
epochs = 3
checkpoint_seconds = 0.2

[deployer]
use = "telegram"
token = {{ env = "TELEGRAM_BOT_TOKEN" }}
allow = [0]
base_url = "{url}"
settle = 0.2
separate_lines = false
"""


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips if no engine is running. The tests install and start none."""
    reason = why_no_engine()
    if reason:
        pytest.skip(f"containers were not tested: {reason}")


@pytest.fixture(scope="session")
def checkout() -> Iterator[Checkout]:
    """A checkout without chats, in a folder that its user can access."""
    folder = Path(tempfile.mkdtemp(prefix="acc-docker-")).resolve()
    checkout = Checkout.copied(folder)
    checkout.belongs_to_user(folder, *folder.rglob("*"))
    folder.chmod(0o755)
    yield checkout
    if not why_no_engine():
        for container in checkout.containers("--all"):
            docker("rm", "--force", container)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def api() -> Iterator[BotApi]:
    api = BotApi()
    yield api
    api.close()


@pytest.fixture(scope="module")
def chats(engine: None, checkout: Checkout, api: BotApi) -> Checkout:
    """The checkout with a chat log and everything that must not get into an image."""
    write_export(checkout.folder / "tg_data", CONVERSATIONS)
    checkout.write("pipeline.toml", PIPELINE.format(url=api.url))
    checkout.write(".env", ENVIRONMENT)
    return checkout


@pytest.fixture(scope="module")
def corpus(chats: Checkout) -> Checkout:
    """The checkout after `make generate_corpus`."""
    status, shown = chats.make("docker_train_from_scratch")
    assert (status, len(shown.splitlines())) == (2, 1), shown
    assert "there is no corpus: run make generate_corpus" in shown
    # As root: other users may have no access to the interpreter of the tests.
    status, shown = chats.make("generate_corpus", as_root=True)
    assert status == 0, shown
    chats.belongs_to_user(*(path for name in (".acc", "corpus") for path in (chats.folder / name).rglob("*")))
    chats.belongs_to_user(chats.folder / ".acc", chats.folder / "corpus")
    return chats


@attrs.frozen
class Trained:
    """The output of a training that was stopped, and of the run that resumed it."""

    checkout: Checkout
    stopped: str
    resumed: str


@pytest.fixture(scope="module")
def trained(corpus: Checkout) -> Trained:
    """The checkout after two runs of `make docker_train_from_scratch`, the first one stopped by SIGTERM."""
    begun = corpus.start("docker_train_from_scratch")
    wait(lambda: begun.poll() is not None or list(corpus.folder.glob(".acc/state/model-*/*.safetensors")), 600)
    assert begun.poll() is None, begun.communicate()[0]
    docker("stop", *corpus.containers())
    stopped, _ = begun.communicate(timeout=60)
    assert begun.returncode == 2, stopped
    status, resumed = corpus.make("docker_train_from_scratch")
    assert status == 0, resumed
    return Trained(corpus, stopped, resumed)


@attrs.frozen
class Deployed:
    """A running bot, the output of its start, and the command lines of all processes during the start."""

    checkout: Checkout
    shown: str
    command_lines: set[bytes]


def command_lines(stop: threading.Event, seen: set[bytes]) -> None:
    """Collects the command lines of all processes."""
    while not stop.wait(0.02):
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(file.read_bytes())
            except OSError:
                continue


@pytest.fixture(scope="module")
def deployed(trained: Trained) -> Deployed:
    """The checkout after `make docker_deploy_model`."""
    stop, seen = threading.Event(), set[bytes]()
    watch = threading.Thread(target=command_lines, args=(stop, seen))
    watch.start()
    status, shown = trained.checkout.make("docker_deploy_model", BOT_NETWORK="host")
    stop.set()
    watch.join()
    assert status == 0, shown
    return Deployed(trained.checkout, shown, seen)

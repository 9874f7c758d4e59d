"""Power cuts: only the data survives that the bot has synced to the disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.bot_process import Killer, answered_messages, converse

SOURCE = Path(__file__).with_name("support") / "only_synced.c"


@pytest.fixture(scope="module")
def only_synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that keeps a copy of each database file as it was at its last sync."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("library") / "only_synced.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def revert_to_synced(state: Path) -> None:
    """Reverts the database files to their last sync, as a power cut does in the worst case."""
    for file in [*state.glob("*.sqlite3"), *state.glob("*.sqlite3-wal")]:
        copy = file.with_name(f"{file.name}.synced")
        if copy.exists():
            shutil.copy(copy, file)
        else:
            file.unlink()


@pytest.mark.parametrize(("cuts", "messages"), [(4, 20), pytest.param(50, 300, marks=pytest.mark.soak)])
def test_a_power_cut_loses_no_message(api: BotApi, tmp_path: Path, only_synced: Path, cuts: int, messages: int) -> None:
    with Killer(api, tmp_path, cuts, 5, only_synced, revert_to_synced) as killer:
        written = converse(api, killer, messages, cuts)
    assert list(tmp_path.glob("*.sqlite3-wal.synced")), "the library was not used"
    answered, resent = answered_messages(api.texts())
    assert answered == written
    print(f"{killer.kills} power cuts, {len(written)} messages, {resent} replies sent twice")

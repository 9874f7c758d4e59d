"""The power fails: of what the bot wrote, only that is left which it had asked the disk to keep."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.killing import Killer, answered_and_doubled, converse

SOURCE = Path(__file__).with_name("support") / "only_synced.c"


@pytest.fixture(scope="module")
def only_synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that keeps a copy of each file of the bot's memory as it was when it was last synced."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("library") / "only_synced.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def lose_what_was_not_synced(state: Path) -> None:
    """Does what a power cut does, at its worst."""
    for file in [*state.glob("*.sqlite3"), *state.glob("*.sqlite3-wal")]:
        copy = file.with_name(f"{file.name}.synced")
        if copy.exists():
            shutil.copy(copy, file)
        else:
            file.unlink()


@pytest.mark.parametrize(("cuts", "messages"), [(4, 20), pytest.param(50, 300, marks=pytest.mark.soak)])
def test_a_power_cut_loses_nothing(api: BotApi, tmp_path: Path, only_synced: Path, cuts: int, messages: int) -> None:
    with Killer(api, tmp_path, cuts, 5, only_synced, lose_what_was_not_synced) as killer:
        wanted = converse(api, killer, messages, cuts)
    assert list(tmp_path.glob("*.sqlite3-wal.synced")), "the library was not used"
    answered, doubled = answered_and_doubled(api.texts())
    assert answered == wanted
    print(f"{killer.kills} power cuts, {len(wanted)} messages, {doubled} answers sent twice")

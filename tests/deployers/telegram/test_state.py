"""What the state folder guarantees: complete backups while the bot runs, deleted texts, a clock that is set back."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from autocakechat import RunContext, StageError
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.bot_process import start_bot
from tests.deployers.telegram.support.bot_thread import BotThread
from tests.docs.pages import DOCS

MakeBot = Callable[..., BotThread]
DATABASE = "bot-4242.sqlite3"


def contents(database: Path) -> list[str]:
    """Returns everything in a database, as SQL."""
    with closing(sqlite3.connect(database)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        return [f"version {version}", *db.iterdump()]


def documented_backup(state: Path, backup: Path) -> str:
    """Returns the command of the page that backs up the database, with the folders of a test."""
    page = (DOCS / "bots/telegram.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if "VACUUM INTO" in line]
    for documented, here in (("/var/lib/person-bot", state), ("$backup", backup), ("bot-123456789", "bot-4242")):
        assert documented in line
        line = line.replace(documented, str(here))
    return line


def test_a_state_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"gone: cannot write the bot's data: No such file or directory"):
        ConversationStore(tmp_path / "gone" / "bot.sqlite3")


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the program sqlite3")
def test_a_backup_of_a_running_bot_is_complete(api: BotApi, tmp_path: Path) -> None:
    """The backup has a mood, a conversation, a refused user and a message that waits for its reply."""
    state, backup, restored = (tmp_path / name for name in ("state", "backup", "restored"))
    for folder in (state, backup, restored):
        folder.mkdir()
    with start_bot(api, state, log=tmp_path / "log") as process:
        api.write("/mood neutral")
        api.write("hi")
        api.write("let me in", chat=2)
        api.wait(lambda: len(api.texts(1)) == 2 and api.texts(2), seconds=30)
        process.terminate()
        process.communicate(timeout=30)
    with start_bot(api, state, reply_delay=60, log=tmp_path / "log") as process:
        calls = len(api.calls)
        api.write("are you there?")
        api.wait(lambda: "sendChatAction" in api.methods()[calls:], seconds=30)
        subprocess.run(["/bin/sh", "-c", documented_backup(state, backup)], check=True)
        assert contents(backup / DATABASE) == contents(state / DATABASE)
        process.kill()
    dump = "\n".join(contents(backup / DATABASE))
    assert all(stored in dump for stored in ('"moods" VALUES', '"refusals" VALUES', "are you there?", "reply to hi"))

    shutil.copy(backup / DATABASE, restored)
    sent = len(api.texts(1))
    with start_bot(api, restored, log=tmp_path / "log") as process:
        api.wait(lambda: len(api.texts(1)) > sent, seconds=30)
        process.kill()
    assert api.texts(1)[sent:] == ["reply to are you there?"]


def test_texts_deleted_during_a_backup_leave_the_disk_after_it(tmp_path: Path) -> None:
    with closing(ConversationStore(tmp_path / DATABASE)) as store:
        with store.transaction():
            store.add_message(Conversation(1), 1, "a secret", None, needs_reply=False)
        with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM lines").fetchall()
            with store.transaction():
                store.delete_user(1)
            assert any(b"a secret" in file.read_bytes() for file in tmp_path.iterdir())
        with store.transaction():
            store.record_update(1)
        assert not any(b"a secret" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_message_gets_a_reply_although_the_clock_was_set_back(api: BotApi, bot: MakeBot, run: RunContext) -> None:
    with closing(ConversationStore(run.state / DATABASE)) as store:
        store.add_message(Conversation(1), 1, "hi", None, needs_reply=True)
    with closing(sqlite3.connect(run.state / DATABASE)) as db, db:
        db.execute("UPDATE lines SET said = said + 3600")
    with bot():
        api.wait(api.texts)
    assert api.texts() == ["neutral: hi"]

"""Topics of a chat in `acc inspect`, on its page and in the report of a run."""

from __future__ import annotations

import json
from pathlib import Path

from autocakechat import Chat
from autocakechat.display.log_page import page
from autocakechat.statistics.log_summary import summarize_log
from tests.core.conftest import Project
from tests.extractors.chats import make_messages
from tests.sources.exports import make_chat, make_message, make_service, write_export

PIPELINE = """
[[source]]
use = "telegram"
[extractor]
use = "turns"
server = "user1"
[trainer]
use = "retrieval"
"""


def write_forum(folder: Path) -> None:
    posts = [
        make_service(10, 3, "topic_created", title="Cats \x1b"),
        make_service(11, 3, "topic_created", title="Taxes"),
        make_message(20, 2, "my cat eats nothing", reply_to_message_id=10),
        make_message(21, 3, "when are they due?", reply_to_message_id=11),
        make_message(22, 1, "try fish", reply_to_message_id=20),
        make_message(23, 3, "good morning"),
    ]
    forum = make_chat(posts, type="private_supergroup", id=500, name="Forum")
    write_export(folder / "tg_data" / "result.json", forum)


LISTED = "topics: Cats \\x1b 3, Taxes 2, General 1"


def test_inspect_lists_topics(project: Project) -> None:
    write_forum(project.folder)
    assert LISTED in project.acc("inspect", "tg_data").stdout
    (chat,) = json.loads(project.acc("inspect", "tg_data", "--json").stdout)["chats"]
    assert chat["topics"] == {"Cats \x1b": 3, "Taxes": 2, "General": 1}


def test_the_report_lists_topics(project: Project) -> None:
    write_forum(project.folder)
    (project.folder / "forum.toml").write_text(PIPELINE)
    done = project.acc("run", "forum.toml", "--until", "corpus", "--samples", "5")
    assert done.returncode == 0, done.stderr
    assert LISTED in done.stdout + done.stderr
    assert "> my cat eats nothing\n" in done.stdout + done.stderr


def test_the_page_has_a_column_for_topics_if_there_are_any() -> None:
    messages = make_messages("bob: q", "sue: a")
    messages[0].topic = messages[1].topic = "Cats"
    with_topics = page(summarize_log("telegram", [Chat("c1", "Forum", "group", messages)]))
    assert "topics" in with_topics
    assert "Cats" in with_topics
    plain = page(summarize_log("telegram", [Chat("c2", "Plain", "group", make_messages("bob: q"))]))
    assert "topics" not in plain

"""The options `include` and `exclude`: in one export, in several, in worker processes, and in `acc run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import RunContext, UserError
from autocakechat.pipeline.reading.extraction import BoundStage
from autocakechat.pipeline.reading.prefetch import prefetch_chats
from autocakechat.plugins.sources.telegram import TelegramOptions
from autocakechat.statistics.participants import ParticipantCounter
from autocakechat.testing import Project
from tests.sources.exports import ME, TELEGRAM, make_account, make_chat, make_message, read, write_export


def family(name: str = "Family") -> dict[str, object]:
    messages = [make_message(1, ME, "hi"), make_message(2, 5, "yo"), make_message(3, 6, "hello")]
    return make_chat(messages, type="private_group", id=9, name=name)


def private(partner: int, **changes: object) -> dict[str, object]:
    messages = [make_message(n, partner if n % 2 else ME, f"line {n}") for n in range(1, 21)]
    return make_chat(messages, id=partner, name=f"Person {partner}", **changes)  # type: ignore[arg-type]


@pytest.fixture(params=["one account", "several chats"])
def exports(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three chats: in the export of an account, or in one export per chat."""
    chats = [family(), private(5), private(6)]
    if request.param == "one account":
        return write_export(tmp_path / "result.json", make_account(*chats))
    for number, chat in enumerate(chats):
        write_export(tmp_path / f"{number}" / "result.json", chat)
    return tmp_path


def test_chats_and_people_are_selected(exports: Path, run: RunContext) -> None:
    skips = {chat.id: chat.skip for chat in read(exports, run, include=["Family", 6])}
    assert skips == {"chat9": None, "user5": "chat not in include", "user6": None}
    group, excluded, other = read(exports, run, exclude=["Person 5"])
    assert group.texts == ["hi", "", "hello"]
    assert group.kinds == ["text", "excluded person", "text"]
    assert (excluded.skip, other.skip) == ("excluded chat", None)


def test_an_entry_that_fits_only_one_of_several_exports_is_accepted(exports: Path, run: RunContext) -> None:
    assert len(read(exports, run, exclude=["user6", "Family"])) == 3


def test_an_entry_that_fits_no_export_is_an_error(exports: Path, run: RunContext) -> None:
    with pytest.raises(UserError, match=r"'Person 7' fits no chat or person; did you mean user5 \(Person 5\)"):
        read(exports, run, exclude=["Person 7"])


def test_a_chat_of_a_skipped_kind_can_be_included(tmp_path: Path, run: RunContext) -> None:
    path = write_export(tmp_path / "result.json", make_account(private(5), private(6, type="bot_chat")))
    assert [chat.skip for chat in read(path, run, include=[6])] == ["chat not in include", None]


def test_the_report_of_a_run_names_what_was_excluded(exports: Path, acc_project: Project) -> None:
    source = {"use": "telegram", "path": str(exports), "exclude": ["Person 5"]}
    acc_project.pipeline(source=source, extractor={"use": "turns", "server": "user1"})
    report = acc_project.outcome("corpus")["corpus"]["report"]
    assert report["messages"]["dropped"]["excluded chat"] == 20
    assert report["messages"]["dropped"]["excluded person"] == 1
    assert {chat["id"]: chat["skipped"] for chat in report["chats"]}["user5"] == "excluded chat"
    assert "user5" not in [person["id"] for person in report["people"]]


def test_a_changed_selection_makes_another_corpus(exports: Path, acc_project: Project) -> None:
    keys = []
    for exclude in ([], ["Family"], ["Family", "Person 6"]):
        source = {"use": "telegram", "path": str(exports), "exclude": exclude}
        acc_project.pipeline(source=source, extractor={"use": "turns", "server": "user1"})
        keys.append(acc_project.outcome("corpus")["corpus"]["key"])
    assert len(set(keys)) == 3


def test_an_unclear_entry_ends_the_run_in_one_line(exports: Path, acc_project: Project) -> None:
    source = {"use": "telegram", "path": str(exports), "exclude": ["Familie"]}
    acc_project.pipeline(source=source, extractor={"use": "turns", "server": "user1"})
    done = acc_project.acc("run", "--until", "corpus")
    assert done.returncode == 2
    problem = "acc: exclude in [[source]]: 'Familie' fits no chat or person; did you mean chat9 (Family)?"
    assert problem in done.stderr.splitlines()
    assert not list((acc_project.folder / ".acc").glob("corpus/*/report.json"))


def test_a_kind_in_include_is_refused_before_the_export_is_read(acc_project: Project) -> None:
    source = {"use": "telegram", "path": "nowhere", "include": ["channel"]}
    acc_project.pipeline(source=source, extractor={"use": "turns", "server": "user1"})
    done = acc_project.acc("run", "--until", "corpus")
    assert done.returncode == 2
    assert 'write include_kinds = ["channel"]' in done.stderr


def test_a_worker_process_selects_too(exports: Path, run: RunContext) -> None:
    options = TelegramOptions(path=exports, exclude=["Person 5", "Person 7"])
    (entry,) = TELEGRAM.inputs(options)
    chats = prefetch_chats(BoundStage(TELEGRAM, options, run, "telegram"), entry, ParticipantCounter())
    with pytest.raises(UserError, match="'Person 7' fits no chat or person"):
        assert [(chat.skip, [message.sender for message in chat.messages][:3]) for chat in chats] == []

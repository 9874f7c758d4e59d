"""The options `include` and `exclude`, for a folder with several exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from autocakechat_whatsapp import Options, inputs, read

from autocakechat import RunContext, UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two exports: a chat with Bob, and a group."""
    for name, people in {"Bob": ("Ann", "Bob"), "Choir": ("Ann", "Bob", "Eve")}.items():
        lines = [f"2{day}/11/2023, 10:00 - {person}: hi from {person}\n" for day, person in enumerate(people)]
        (tmp_path / f"WhatsApp Chat with {name}.txt").write_text("".join(lines))
    return tmp_path


def read_all(run: RunContext, **values: object) -> dict[str | None, tuple[str | None, list[str]]]:
    options = Options(**values)  # type: ignore[arg-type]
    chats = (chat for entry in inputs(options) for chat in read(options, entry, run))
    return {chat.title: (chat.skip, [message.sender for message in chat.messages]) for chat in chats}


def test_chats_and_people_are_selected(folder: Path, acc_run: RunContext) -> None:
    chats = read_all(acc_run, path=folder, include=["WhatsApp Chat with Choir"], exclude=["eve"])
    assert chats["WhatsApp Chat with Bob"][0] == "chat not in include"
    assert chats["WhatsApp Chat with Choir"] == (None, ["Ann", "Bob", ""])


def test_an_entry_that_fits_no_export_is_an_error(folder: Path, acc_run: RunContext) -> None:
    with pytest.raises(UserError, match=r"'Evie' fits no chat or person; did you mean Eve\?"):
        read_all(acc_run, path=folder, exclude=["Bob", "Evie"])

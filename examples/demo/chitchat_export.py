"""Writes conversations of the package `chitchat-dataset` as if Telegram Desktop had exported them.

The second speaker of every conversation plays one and the same person, `user1000001`: the owner of the account and the
one to learn. Every first speaker is somebody else.

    python examples/demo/chitchat_export.py tg_data --conversations 400
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count, islice
from pathlib import Path
from typing import Any

SERVER = 1000001
SERVER_NAME = "Robin"
FIRST_CLIENT = 2000001

ABOUT = "Conversations of the Chit-Chat dataset in the form of a Telegram export, for the demo of autocakechat."


def export(folder: Path, conversations: int = 400, single_chats: bool = False) -> list[Path]:
    """Writes an export of a whole account, or one export for each chat.

    Args:
        folder: Where to write; made if it is missing.
        conversations: How many conversations, in the order of their ids.
        single_chats: Write `ChatExport_0001/result.json` and so on instead of one `result.json` with all chats.

    Returns:
        The files written.

    Raises:
        FileExistsError: There is a file of that name that was not made here; nothing is written.
    """
    chats = list(islice(telegram_chats(), conversations))
    if single_chats:
        documents = {folder / f"ChatExport_{number:04}" / "result.json": chat for number, chat in enumerate(chats, 1)}
    else:
        documents = {folder / "result.json": account(chats)}
    layouts = {path: json.dumps(document, indent=1, ensure_ascii=False) for path, document in documents.items()}
    for path, layout in layouts.items():
        if path.exists() and _head(path.read_text("utf-8")) != _head(layout):
            raise FileExistsError(f"{path} is no demo export; choose another folder")
    for path, layout in layouts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(layout, "utf-8")
    return list(layouts)


def account(chats: list[dict[str, Any]]) -> dict[str, Any]:
    """Wraps chats into the export of their owner's account."""
    return {
        "about": ABOUT,
        "personal_information": {"user_id": SERVER, "first_name": SERVER_NAME, "last_name": "", "phone_number": ""},
        "chats": {"about": ABOUT, "list": chats},
    }


def telegram_chats() -> Iterator[dict[str, Any]]:
    """Turns every conversation between two people into a chat, in the order of the conversations' ids."""
    # The package's own reader leaves the file open.
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    message_ids = count(1)
    client = FIRST_CLIENT
    for _, conversation in sorted(dataset.items()):
        messages = [message for turn in conversation["messages"] for message in turn]
        speakers = list(dict.fromkeys(message["sender"] for message in messages))
        if len(speakers) == 2:
            name = f"Guest {client - FIRST_CLIENT + 1}"
            people = dict(zip(speakers, ((client, name), (SERVER, SERVER_NAME)), strict=True))
            yield {
                "name": name,
                "type": "personal_chat",
                "id": client,
                "messages": [_message(next(message_ids), people[message["sender"]], message) for message in messages],
            }
            client += 1


def _message(id: int, sender: tuple[int, str], message: dict[str, str]) -> dict[str, Any]:
    sent = datetime.fromisoformat(message["timestamp"]).astimezone(UTC)
    user_id, name = sender
    text = message["text"]
    return {
        "id": id,
        "type": "message",
        "date": sent.strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(int(sent.timestamp())),
        "from": name,
        "from_id": f"user{user_id}",
        "text": text,
        "text_entities": [{"type": "plain", "text": text}] if text else [],
    }


def _head(layout: str) -> str:
    return layout.partition('"messages"')[0]


def main() -> None:
    """Reads the command line and writes."""
    parser = argparse.ArgumentParser(description="Write conversations of chitchat-dataset as Telegram exports.")
    parser.add_argument("folder", type=Path, help="where to write, such as tg_data")
    parser.add_argument("--conversations", type=int, default=400, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--single-chats", action="store_true", help="one export for each chat, not one for all")
    options = parser.parse_args()
    try:
        written = export(options.folder, options.conversations, options.single_chats)
    except (OSError, ImportError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    print(f"wrote {len(written)} file(s) into {options.folder}; the person to learn is user{SERVER}")


if __name__ == "__main__":
    main()

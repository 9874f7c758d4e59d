"""Converts conversations of the package `chitchat-dataset` to Telegram Desktop exports.

The second speaker of every conversation becomes the same person, `user1000001`: the owner of the account and the person
to learn. Every first speaker becomes another person.

    python examples/demo/chitchat_export.py tg_data --conversations 400
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count, islice
from pathlib import Path
from typing import Any

SERVER = 1000001
SERVER_NAME = "Robin"
FIRST_CLIENT = 2000001

ABOUT = "Conversations of the Chit-Chat dataset in the form of a Telegram export, for the demo of autocakechat."


def export(
    folder: Path, conversations: int = 400, single_chats: bool = False, chosen: Callable[[str], bool] | None = None
) -> list[Path]:
    """Writes the export of an account, or one export per chat.

    Args:
        folder: The output folder; created if it is missing.
        conversations: Number of conversations, in the order of their ids.
        single_chats: Whether to write `ChatExport_0001/result.json` and so on instead of one `result.json`.
        chosen: Takes the id of a conversation and returns whether to export it; by default, all are exported.

    Returns:
        The paths of the files.

    Raises:
        FileExistsError: A file exists that this script did not write. Nothing is written.
    """
    chats = list(islice(telegram_chats(chosen), conversations))
    if single_chats:
        documents = {folder / f"ChatExport_{number:04}" / "result.json": chat for number, chat in enumerate(chats, 1)}
    else:
        documents = {folder / "result.json": account(chats)}
    contents = {path: json.dumps(document, indent=1, ensure_ascii=False) for path, document in documents.items()}
    for path, content in contents.items():
        if path.exists() and _head(path.read_text("utf-8")) != _head(content):
            raise FileExistsError(f"{path} exists and is not a demo export; choose another folder")
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return list(contents)


def account(chats: list[dict[str, Any]]) -> dict[str, Any]:
    """Makes the export of an account from its chats."""
    return {
        "about": ABOUT,
        "personal_information": {"user_id": SERVER, "first_name": SERVER_NAME, "last_name": "", "phone_number": ""},
        "chats": {"about": ABOUT, "list": chats},
    }


def telegram_chats(chosen: Callable[[str], bool] | None = None) -> Iterator[dict[str, Any]]:
    """Converts every chosen conversation of two people to a chat, sorted by conversation id."""
    # The reader of the package does not close the file.
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    message_ids = count(1)
    client = FIRST_CLIENT
    for name, conversation in sorted(dataset.items()):
        if chosen and not chosen(name):
            continue
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


def _unseen() -> Callable[[str], bool]:
    """Returns the function that chooses the conversations that the start model does not learn from."""
    from autocakechat.plugins.trainers.cakechat.pretrained.conversations import is_kept_back

    return is_kept_back


def _head(content: str) -> str:
    """Returns everything before the first message."""
    return content.partition('"messages"')[0]


def main() -> None:
    """Parses the command line and writes the exports."""
    parser = argparse.ArgumentParser(description="Write conversations of chitchat-dataset as Telegram exports.")
    parser.add_argument("folder", type=Path, help="output folder, such as tg_data")
    parser.add_argument(
        "--conversations", type=int, default=400, metavar="N", help="number of conversations (default: %(default)s)"
    )
    parser.add_argument(
        "--unseen",
        action="store_true",
        help='only conversations that the start model of start = "conversations" does not learn from: 408',
    )
    parser.add_argument("--single-chats", action="store_true", help="write one export per chat")
    options = parser.parse_args()
    try:
        written = export(
            options.folder, options.conversations, options.single_chats, _unseen() if options.unseen else None
        )
    except (OSError, ImportError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    print(f"wrote {len(written)} file(s) into {options.folder}; the person to learn is user{SERVER}")


if __name__ == "__main__":
    main()

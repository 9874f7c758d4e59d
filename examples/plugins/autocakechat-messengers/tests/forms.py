"""All forms of exports: by the name of the source, and what tells forms of one source apart."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from exports import (
    Messages,
    write_discord,
    write_imessage,
    write_instagram,
    write_meta,
    write_signal,
    write_slack,
)
from text_exports import (
    write_imessage_html,
    write_imessage_text,
    write_signal_html,
    write_signal_markdown,
    write_signal_text,
)

Writer = Callable[[Path, Messages], str]


def zipped(write: Writer, name: str) -> Writer:
    """Returns a writer of the same export in a zip archive, in a folder with a damaged archive."""

    def write_zip(folder: Path, said: Messages) -> str:
        unpacked = folder / "unpacked"
        unpacked.mkdir()
        root = unpacked / write(unpacked, said)
        (folder / "exports").mkdir()
        (folder / "exports/other.zip").write_bytes(b"PK\x03\x04 cut off")
        with zipfile.ZipFile(folder / "exports" / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in [root] if root.is_file() else sorted(root.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(unpacked))
            archive.writestr("__MACOSX/._users.json", b"\x00\x05")
        return "exports"

    return write_zip


WRITERS: dict[str, Writer] = {
    "discord": write_discord,
    "discord zip": zipped(write_discord, "channels.zip"),
    "messenger": write_meta,
    "messenger zip": zipped(write_meta, "facebook-ann.zip"),
    "instagram": write_instagram,
    "instagram zip": zipped(write_instagram, "instagram-ann.zip"),
    "slack": write_slack,
    "slack zip": zipped(write_slack, "workspace.zip"),
    "signal": write_signal,
    "signal markdown": write_signal_markdown,
    "signal text": write_signal_text,
    "signal html": write_signal_html,
    "imessage": write_imessage,
    "imessage text": write_imessage_text,
    "imessage html": write_imessage_html,
    "imessage zip": zipped(write_imessage, "messages.zip"),
}


def source_of(form: str) -> str:
    """The name of the source that reads a form."""
    return form.partition(" ")[0]

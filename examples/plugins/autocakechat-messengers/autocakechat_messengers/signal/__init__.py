"""Signal: JSON Lines of sigexport, and the text and HTML files of signalbackup-tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat import Chat, LogFile, RunContext
from autocakechat_messengers.files import ExportFiles, Listing
from autocakechat_messengers.signal import json_lines, pages, plain_text

HINT = {
    "signal": "export the chats with sigexport (Signal Desktop) or signalbackup-tools (a backup of Android), and give "
    "the folder that it writes"
}


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`."""
    return listing.find(("data.json", ".txt", ".html"), _find_problem)


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the conversations; see `Format.read`."""
    heads = {file: files.read_head(file) for file in files}
    html = [file for file in files if pages.is_page(heads[file])]
    texts = [file for file in files if plain_text.is_text(heads[file])]
    json = [file for file in files if file not in html and file not in texts]
    with run.progress("reading Signal chats", total=sum(map(files.size, files)), unit="B") as progress:
        yield from json_lines.read(json, files, run, progress.advance)
        yield from plain_text.read(texts, files, progress.advance)
        yield from pages.read(html, files, progress.advance)


def _find_problem(_: LogFile, head: bytes) -> str:
    if pages.is_page(head) or plain_text.is_text(head):
        return ""
    return "HTML, but not of signalbackup-tools" if head.startswith(b"<") else json_lines.find_problem(head)

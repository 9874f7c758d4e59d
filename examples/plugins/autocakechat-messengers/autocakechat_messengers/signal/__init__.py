"""Signal: JSON Lines and Markdown of sigexport, and the text and HTML files of signalbackup-tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat import Chat, LogFile, RunContext
from autocakechat_messengers.files import ExportFiles, Listing
from autocakechat_messengers.signal import json_lines, markdown, pages, plain_text

HINT = {
    "signal": "export the chats with sigexport (Signal Desktop) or signalbackup-tools (a backup of Android), and give "
    "the folder that it writes"
}


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`."""
    files = listing.find(("data.json", ".txt", ".html", ".md"), _find_problem)
    with_json = {file.location.parent for file in files if file.file_name == "data.json"}
    return [file for file in files if not (file.file_name.endswith(".md") and file.location.parent in with_json)]


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the conversations; see `Format.read`."""
    heads = {file: files.read_head(file) for file in files}
    html = [file for file in files if pages.is_page(heads[file])]
    texts = [file for file in files if plain_text.is_text(heads[file])]
    notes = [file for file in files if markdown.is_markdown(heads[file])]
    others = {*html, *texts, *notes}
    json = [file for file in files if file not in others]
    with run.progress("reading Signal chats", total=sum(map(files.size, files)), unit="B") as progress:
        yield from json_lines.read(json, files, run, progress.advance)
        yield from markdown.FORM.read(notes, files, progress.advance)
        yield from plain_text.FORM.read(texts, files, progress.advance)
        yield from pages.read(html, files, progress.advance)


def _find_problem(file: LogFile, head: bytes) -> str:
    is_markdown = markdown.is_markdown(head) and file.file_name.endswith(".md")  # a .txt file is one of WhatsApp
    if pages.is_page(head) or plain_text.is_text(head) or is_markdown:
        return ""
    return "HTML, but not of signalbackup-tools" if head.startswith(b"<") else json_lines.find_problem(head)

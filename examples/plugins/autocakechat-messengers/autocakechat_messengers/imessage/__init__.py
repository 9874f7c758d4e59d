"""iMessage: the database of macOS, and the text and HTML files of imessage-exporter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat import Chat, LogFile, RunContext
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError
from autocakechat_messengers.imessage import database, pages, plain_text

HINT = {
    "imessage": "copy chat.db and chat.db-wal from ~/Library/Messages of a Mac, or export the chats with "
    "imessage-exporter"
}


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`. A database contains more than the files made of it."""
    try:
        return database.find(listing)
    except NotAnExportError as error:
        try:
            return listing.find((".txt", ".html"), _find_problem)
        except NotAnExportError:
            raise error from None


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the chats; see `Format.read`."""
    heads = {file: files.read_head(file) for file in files}
    html = [file for file in files if pages.is_page(heads[file])]
    texts = [file for file in files if plain_text.is_text(heads[file])]
    if not html and not texts:
        yield from database.read(files, run)
        return
    with run.progress("reading iMessage chats", total=sum(map(files.size, files)), unit="B") as progress:
        yield from plain_text.FORM.read(texts, files, progress.advance)
        yield from pages.read(html, files, progress.advance)


def _find_problem(_: LogFile, head: bytes) -> str:
    return "" if plain_text.is_text(head) or pages.is_page(head) else "not a chat of imessage-exporter"

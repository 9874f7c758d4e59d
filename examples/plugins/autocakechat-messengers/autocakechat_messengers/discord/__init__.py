"""Discord: JSON files of DiscordChatExporter, one channel each, and the data package of Discord itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat import Chat, LogFile, RunContext, UserError, escape_control_characters
from autocakechat_messengers.discord import channels, package
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError

HINT = {"discord": "export channels with DiscordChatExporter in the format JSON"}

_MARK_OF_PAGE = b"chatlog__"


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`."""
    try:
        return listing.find(".json", channels.find_problem)
    except NotAnExportError as error:
        if files := package.find(listing):
            return files
        page = next((file for file in listing.files if file.file_name.endswith(".html")), None)
        if page and _MARK_OF_PAGE in listing.read_head(page):
            name = escape_control_characters(str(page))
            raise UserError(f"{name}: HTML of DiscordChatExporter, which is not read", HINT[source]) from None
        raise error from None


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels; see `Format.read`."""
    own = package.own_files(files)
    yield from package.read(own, files, run) if own else channels.read(files, run)

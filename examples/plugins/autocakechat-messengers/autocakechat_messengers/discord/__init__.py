"""Discord: JSON files of DiscordChatExporter, one channel each, and the data package of Discord itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat import Chat, LogFile, RunContext
from autocakechat_messengers.discord import channels, package
from autocakechat_messengers.files import ExportFiles, Listing, NotAnExportError

HINT = {"discord": "export channels with DiscordChatExporter in the format JSON"}


def find(source: str, listing: Listing) -> Sequence[LogFile]:
    """Returns the files of an export; see `Format.find`."""
    try:
        return listing.find(".json", channels.find_problem)
    except NotAnExportError as error:
        if files := package.find(listing):
            return files
        raise error from None


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels; see `Format.read`."""
    own = package.own_files(files)
    yield from package.read(own, files, run) if own else channels.read(files, run)

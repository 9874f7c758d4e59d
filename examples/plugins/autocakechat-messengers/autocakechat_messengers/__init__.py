"""Sources that read the chats of several messengers, one module or package each.

`source` makes a source of a format, `files` finds and opens its files. `json_stream` reads large JSON files piece by
piece, `text_form` text files with a header before each message, `text_blocks` HTML. `content` has what messages share:
kinds of attachments, ids, times.
"""

from __future__ import annotations

from collections.abc import Iterator

from autocakechat import SourceType, hookimpl
from autocakechat_messengers.source import make_source


@hookimpl
def acc_sources() -> Iterator[SourceType]:
    """Yields a source for each messenger."""
    yield make_source("discord", "Discord: JSON of DiscordChatExporter, or Discord's data package", "discord")
    yield make_source("messenger", "Facebook Messenger: JSON of Download your information", "meta")
    yield make_source("instagram", "Instagram: JSON of Download your information", "meta")
    yield make_source("slack", "Slack: workspace exports", "slack")
    yield make_source("signal", "Signal: sigexport, signalbackup-tools", "signal")
    yield make_source("imessage", "iMessage: chat.db of macOS, imessage-exporter", "imessage")

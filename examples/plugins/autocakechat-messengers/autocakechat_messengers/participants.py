"""Counts the participants of a conversation whose format does not say whether it is a group."""

from __future__ import annotations

import re

from autocakechat import LogFile
from autocakechat_messengers.files import ExportFiles

_CHUNK = 1 << 20
_OVERLAP = 1 << 10  # bytes; more than a sender


def kind_of_chat(file: LogFile, files: ExportFiles, pattern: re.Pattern[bytes]) -> str:
    """Returns `group` if more than two people write in a conversation, else `private chat`.

    Args:
        file: The conversation.
        files: All files of the export.
        pattern: The sender of a message, as its first group, and what follows it: a block may end within a sender.
    """
    senders: set[bytes] = set()
    tail = b"\n"  # a pattern may begin with a line break
    with files.open(file) as opened:
        while chunk := opened.read(_CHUNK):
            senders.update(pattern.findall(tail + chunk))
            if len(senders) > 2:
                return "group"
            tail = chunk[-_OVERLAP:]
    return "private chat"

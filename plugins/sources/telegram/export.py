"""One file of an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from logging import Logger
from typing import BinaryIO

from autocakechat import UserError, escape_control_characters
from autocakechat.plugins.sources.telegram.conversion import peer_ids
from autocakechat.plugins.sources.telegram.conversion.peer_ids import IdFormat
from autocakechat.plugins.sources.telegram.parsing import fast_parser, generic_parser
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE, ByteBuffer
from autocakechat.plugins.sources.telegram.parsing.json_scanner import InvalidJsonError
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawChat

_MESSAGES = (b'"messages": [', b'"messages":[')


class NotAnExportError(UserError):
    """A file looks like an export at its beginning, but is not one."""


class ExportFile:
    """One file of an export: a single chat, or all chats of an account.

    Args:
        open_file: Opens the file at its beginning, without a buffer.
        name: Its name in messages to the user.

    Attributes:
        name: Its name in messages to the user, safe to print.
        has_ids: Whether the file contains sender ids.
        prefixed_ids: Whether its ids have a type prefix such as `user123`; assumed if it contains no sender id.
        owner: Normalised id of the account's owner; None if the file does not contain it. Set by `parse_chats`.
        buffer: The bytes of the file.
        is_account: Whether the file is the export of an account. Set by `parse_chats`.
        is_single_chat: Whether the file has the known layout and contains one chat.
        unread_from: File offset of a second list of messages behind the export; None if there is none. Set by
            `parse_chats` and `check_end`.
    """

    def __init__(self, open_file: Callable[[], BinaryIO], name: str) -> None:
        self.name = escape_control_characters(name)
        self.owner: str | None = None
        self.is_account = False
        self.unread_from: int | None = None
        # The format is detected with a separate file object: parsing starts at the beginning, in an unbuffered file.
        with open_file() as file:
            self._head = file.read(HEAD_SIZE)
            file.seek(0)
            id_format = peer_ids.detect_id_format(file)
        self.has_ids = id_format is not None
        self.prefixed_ids = id_format is not IdFormat.INTEGER
        self.is_single_chat = fast_parser.single_chat_header(self._head) is not None
        self._open_file = open_file
        self.buffer = self.open_buffer()

    def __enter__(self) -> ExportFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.buffer.close()

    def open_buffer(self) -> ByteBuffer:
        """Opens the file in a new buffer, so that several of its chats can be read at the same time."""
        return ByteBuffer(self._open_file())

    def parse_chats(self) -> Iterator[RawChat]:
        """Reads the chats with the fast parser. If the layout is unknown, the generic parser reads the remaining ones.

        Raises:
            NotAnExportError: The file is not JSON, or not an export, or has no chats.
        """
        parsed_count = 0
        if fast_parser.has_known_layout(self._head):
            self._set_owner(fast_parser.owner_id(self._head))
            self.is_account = not self.is_single_chat
            try:
                for chat in fast_parser.parse_chats(self.buffer):
                    yield chat
                    parsed_count += 1
            except fast_parser.UnknownLayoutError:
                pass  # the generic parser below starts again and skips the chats that are parsed
            else:
                if parsed_count or self.buffer.ignored_tail_bytes is not None:
                    return
            self.buffer.seek(0)
        index = self._index()
        self._set_owner(index.owner_id)
        self.is_account = index.is_account
        for number, chat in enumerate(generic_parser.parse_chats(self.buffer, index)):
            if number >= parsed_count:
                yield chat
        self.buffer.ignored_tail_bytes = index.ignored_tail_bytes

    def owner_of_single_chat(self, header: ChatHeader) -> str | None:
        """Returns the owner of the account if the file is one personal chat: the only sender who is not the partner.

        Only the beginning of the file is searched. Returns None if it does not name exactly one other sender.
        """
        if not self.is_single_chat or header.type != "personal_chat" or header.id is None:
            return None
        partner = peer_ids.chat_id(header.id, header.type, prefixed=self.prefixed_ids)
        others = {
            peer_ids.sender_id(raw_id, prefixed=self.prefixed_ids, private=True)
            for raw_id in peer_ids.find_sender_ids(self._head)
        }
        others.discard(partner)
        return others.pop() if len(others) == 1 else None

    def check_end(self, buffer: ByteBuffer, log: Logger) -> None:
        """Logs a warning if the file is truncated, and finds a list of messages behind that of a single chat.

        Args:
            buffer: The buffer that the file was parsed from, after the last message.
            log: Receives the warning.
        """
        if buffer.ignored_tail_bytes is not None:
            log.warning(
                "%s: the export is truncated: the last %d bytes are ignored, everything before them is used",
                self.name,
                buffer.ignored_tail_bytes,
            )
        elif self.is_single_chat:
            self._find_more_messages(buffer)

    def _find_more_messages(self, buffer: ByteBuffer) -> None:
        """Finds messages of a second export in the same file, or of a repeated key."""
        if buffer.skip_to(*_MESSAGES):
            self.unread_from = buffer.offset

    def _index(self) -> generic_parser.FileIndex:
        try:
            index = generic_parser.index_file(self.buffer)
        except InvalidJsonError as error:
            raise NotAnExportError(
                f"{self.name}: invalid JSON at byte {error.offset}", "export again, or remove the file"
            ) from None
        if index.end is not None:
            self.buffer.seek(index.end)
            self._find_more_messages(self.buffer)
        if index.ignored_tail_bytes is not None or index.chats:
            return index
        if index.is_account:
            raise NotAnExportError(
                f"{self.name}: the export of an account, but without chats",
                "in Telegram Desktop choose Settings > Advanced > Export Telegram data, and select the chats to export",
            )
        if not index.has_list:
            raise NotAnExportError(
                f"{self.name}: JSON, but not a Telegram Desktop export: it contains neither messages nor chats",
                "export a chat from Telegram Desktop as machine-readable JSON",
            )
        return index

    def _set_owner(self, user_id: int | None) -> None:
        self.owner = f"user{user_id}" if user_id else None

"""One file of an export."""

from __future__ import annotations

from collections.abc import Iterator
from logging import Logger
from pathlib import Path

from autocakechat import UserError, escape_control_characters
from autocakechat.plugins.sources.telegram import fast_parser, generic_parser, peer_ids
from autocakechat.plugins.sources.telegram.byte_buffer import HEAD, Feed, Header, Portion
from autocakechat.plugins.sources.telegram.json_walker import BrokenJsonError


class Export:
    """One file of an export. Its chats are read one after the other, or found first and read in any order.

    Args:
        path: Where it lies.
        name: What to call it.

    Attributes:
        name: What to call it.
        words: Whether ids are words such as `user123` in this file; None if there is no id at all.
        owner: Id of whom the account belongs to; None if the file does not tell.
        feed: The bytes of the file.
        is_single_chat: Whether it holds one chat only.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = escape_control_characters(name)
        self.owner: str | None = None
        with path.open("rb") as file:
            self._head = file.read(HEAD)
            file.seek(0)
            self.words = peer_ids.ids_are_words(file)
        self.is_single_chat = fast_parser.single_chat(self._head) is not None
        self._path = path
        self.feed = Feed(path.open("rb", buffering=0))

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.close()

    def portions(self) -> Iterator[Portion]:
        """Finds the chats: quickly if they are in the application's layout, otherwise by walking through the file.

        Raises:
            UserError: The file is not JSON, or no export.
        """
        done = 0
        if fast_parser.is_familiar(self._head):
            self._set_owner(fast_parser.owner(self._head))
            try:
                for portion in fast_parser.portions(self.feed):
                    yield portion
                    done += 1
            except fast_parser.UnfamiliarLayoutError:
                pass
            else:
                if done or self.feed.left_over is not None:
                    return
            self.feed.seek(0)
        contents = self._survey()
        self._set_owner(contents.owner)
        for number, portion in enumerate(generic_parser.portions(self.feed, contents)):
            if number >= done:
                yield portion
        self.feed.left_over = contents.left_over

    def owner_of_single_chat(self, header: Header) -> str | None:
        """Finds out by the first messages whose account a personal chat was exported from."""
        if not self.is_single_chat or header.type != "personal_chat" or header.id is None:
            return None
        words = self.words is not False
        partner = peer_ids.chat_id(header.id, header.type, words=words)
        others = {peer_ids.sender_id(sender, words=words, private=True) for sender in peer_ids.sender_ids(self._head)}
        others.discard(partner)
        return others.pop() if len(others) == 1 else None

    def again(self) -> Feed:
        """Opens the file once more, so that several of its chats can be read at the same time."""
        return Feed(self._path.open("rb", buffering=0))

    def warn_if_cut_off(self, feed: Feed, log: Logger) -> None:
        """Says how much could not be read."""
        if feed.left_over is not None:
            log.warning(
                "%s: the export is cut off: %d bytes at its end are left over, everything before them is used",
                self.name,
                feed.left_over,
            )

    def _survey(self) -> generic_parser.Contents:
        try:
            contents = generic_parser.survey(self.feed)
        except BrokenJsonError as error:
            raise UserError(
                f"{self.name}: broken JSON at byte {error.offset}", "export again, or take the file away"
            ) from None
        if not contents.has_list and contents.left_over is None:
            raise UserError(
                f"{self.name}: JSON, but no export of Telegram: it has neither messages nor chats",
                "export a chat from Telegram Desktop as machine-readable JSON",
            )
        return contents

    def _set_owner(self, user_id: int | None) -> None:
        self.owner = f"user{user_id}" if user_id else None

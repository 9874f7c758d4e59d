"""From dialogs to windows: token ids of parts of dialogs, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs

from autocakechat.plugins.trainers.lora.language_model.loading import count_tokens, encode
from autocakechat.plugins.trainers.lora.prompts.prompt import RenderedDialog, beginning_of, render
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine
from autocakechat.plugins.trainers.lora.training.conversations import Conversation

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat
    from autocakechat.plugins.trainers.lora.prompts.examples import Examples

_OVERLAP = 2
"""Turns of the window before that are repeated without being learnt: with the next message, three lines of context."""


@attrs.frozen
class Window:
    """A part of a dialog.

    Attributes:
        ids: Token ids.
        targets: The places of the tokens that are learnt: those of replies and their end tokens.
        characters: The number of characters of the learnt replies.
        replies: The number of learnt replies.
    """

    ids: Sequence[int]
    targets: Sequence[int]
    characters: int
    replies: int


class WindowMaker:
    """Cuts dialogs into windows.

    Args:
        tokenizer: The tokenizer of the base.
        chat_format: The chat format of the base.
        system_line: Makes the system line of each reply.
        size: The maximum number of tokens in a window.
        examples: Finds past exchanges that a window begins with.
    """

    def __init__(
        self, tokenizer: Tokenizer, chat_format: ChatFormat, system_line: SystemLine, size: int, examples: Examples
    ) -> None:
        self._tokenizer = tokenizer
        self._format = chat_format
        self._system_line = system_line
        self._size = size
        self._examples = examples
        self._between = self._count(chat_format.to_reply) + self._count(chat_format.to_message)

    def windows(self, conversations: Iterable[Conversation]) -> Iterator[Window]:
        """Yields the windows of dialogs. Replies that do not fit into a window with their message are cut.

        The system line names the label of a reply and who is talking. A part of a dialog with several system lines is
        therefore yielded once for each of them, with its replies to learn. The examples are those for its last reply;
        no dialog has examples from itself.

        Args:
            conversations: The dialogs.
        """
        for conversation in conversations:
            texts = [turn.text for turn in conversation.turns]
            conditions = list(self._conditions(conversation))
            systems = [self._system_line.text(*condition) for condition in conditions]
            for start, first, end in self._parts(texts, conversation.skipped, max(systems, key=len)):
                learnt = range(first + 1, end, 2)
                for condition in sorted({conditions[place // 2] for place in learnt}):
                    places = [place - start for place in learnt if conditions[place // 2] == condition]
                    turns = texts[start:end]
                    examples = self._examples.lines(turns[: places[-1]], conversation.exchanges)
                    yield from self._window(turns, self._system_line.text(*condition, examples), places)

    @staticmethod
    def _conditions(conversation: Conversation) -> Iterator[tuple[str, str, str]]:
        """Yields the label of each reply, the kind of the chat, and who it is to."""
        origin = conversation.origin
        for pair, reply in enumerate(conversation.turns[1::2]):
            yield reply.emotion, origin.kind, origin.person(pair)

    def _parts(self, texts: Sequence[str], skipped: int, system: str) -> Iterator[tuple[int, int, int]]:
        """Yields where each part begins, where its new turns begin, and where it ends.

        Args:
            texts: The turns of a dialog.
            skipped: The number of replies at the beginning that are not learnt.
            system: The longest system line of its replies, without examples.
        """
        counts = count_tokens(self._tokenizer, texts)
        pairs = [sum(counts[place : place + 2]) + self._between for place in range(0, len(texts), 2)]
        room = self._size - self._count(beginning_of(self._format, system)) - self._examples.reserved
        first = skipped
        while first < len(pairs):
            start = max(0, first - _OVERLAP // 2)
            if sum(pairs[start : first + 1]) > room:
                start = first
            end = first + 1
            while end < len(pairs) and sum(pairs[start : end + 1]) <= room:
                end += 1
            yield 2 * start, 2 * first, 2 * end
            first = end

    def _window(self, texts: Sequence[str], system: str, learnt: Sequence[int]) -> Iterator[Window]:
        rendered = render(self._format, system, texts)
        ids, replies = self._encode(rendered)
        if len(ids) > self._size:
            rendered = render(self._format, system, self._shorten_message(texts, len(ids)))
            ids, replies = self._encode(rendered)
        chosen = [place // 2 for place in learnt]
        targets = [place for number in chosen for place in replies[number] if 0 < place < self._size]
        if targets:
            ends = (rendered.replies[number] for number in chosen)
            characters = sum(end - start - len(self._format.end) for start, end in ends)
            yield Window(ids[: self._size], targets, characters, len(chosen))

    def _encode(self, rendered: RenderedDialog) -> tuple[list[int], list[range]]:
        """Returns the tokens of a dialog, and the places of the tokens of each reply with its end.

        A reply begins with a new token, even where a tokenizer would join its first word with the text before it: a bot
        generates it after the tokens of the prompt.
        """
        starts = [start for start, _ in rendered.replies]
        pieces = [rendered.text[start:end] for start, end in pairwise([0, *starts, len(rendered.text)])]
        before, *following = self._tokenizer.encode_batch(pieces, add_special_tokens=False)
        ids, replies = list(before.ids), []
        for piece, (start, end) in zip(following, rendered.replies, strict=True):
            length = sum(stop <= end - start for _, stop in piece.offsets)
            replies.append(range(len(ids), len(ids) + length))
            ids += piece.ids
        return ids, replies

    def _shorten_message(self, texts: Sequence[str], tokens: int) -> list[str]:
        """Cuts the beginning of the first message, so that the reply has at least half of the window."""
        message = texts[0]
        count = self._count(message)
        kept = max(self._size // 4, count - (tokens - self._size) - 8)
        return [message[-max(1, len(message) * kept // max(1, count)) :] if kept < count else message, *texts[1:]]

    def _count(self, text: str) -> int:
        return len(encode(self._tokenizer, text))

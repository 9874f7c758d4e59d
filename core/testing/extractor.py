"""The contract tests for extractors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.interface.chatlog import Chat, Message
from autocakechat.interface.corpus import Dialog
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import ExtractorType
from autocakechat.pipeline.reading.extraction import BoundExtractor, extract_dialogs
from autocakechat.pipeline.stage_checks import problem_of_dialog
from autocakechat.testing.contract import StageContract, parse_options
from autocakechat.testing.project import Project

_START = 1_700_000_000
_DAY = 86_400
_MANY_MESSAGES = 20_000


@attrs.frozen
class ExtractionResult:
    """The dialogs that an extractor made of a chat.

    Attributes:
        chat: The chat; all messages are read.
        dialogs: The dialogs.
    """

    chat: Chat
    dialogs: list[Dialog]

    @property
    def replies(self) -> list[str]:
        """The texts of the server's turns."""
        return [turn.text for dialog in self.dialogs for turn in dialog.utterances[1::2]]


class ExtractorContract(StageContract):
    """The tests that every extractor has to pass. In the test chats `ann` is a client and `bob` the person to learn.

    Example:
        ```python
        class TestPairs(ExtractorContract):
            name = "pairs"
            options = {"server": "bob"}
        ```
    """

    kind: ClassVar[str] = "extractor"
    options: ClassVar[Mapping[str, Any]] = {"server": "bob"}

    @pytest.fixture
    def running(
        self, stage: ExtractorType, table: dict[str, Any], acc_run: RunContext, tmp_path: Path
    ) -> BoundExtractor:
        """The extractor with its options and run context."""
        return BoundExtractor(stage, parse_options(stage.config, table, tmp_path), acc_run, self.name)

    def test_dialogs_alternate_and_end_with_the_server(self, running: BoundExtractor) -> None:
        """A plain conversation gives dialogs in which bob's messages are the replies."""
        result = _extract(running, _conversation())
        assert result.dialogs, "ann asks and bob replies twenty times, but no dialog was made"
        for dialog in result.dialogs:
            _check_dialog(dialog, result.chat)
        replies = set(result.replies)
        assert any("answer" in reply for reply in replies), f"bob's messages are missing from the replies: {replies}"
        assert not any("question" in reply for reply in replies), "a message of ann was extracted as bob's reply"

    def test_every_message_is_kept_or_dropped(self, running: BoundExtractor) -> None:
        """Each message is in a dialog or was dropped with a reason."""
        for messages in (_conversation(), _odd_messages(), [], _monologue("ann"), _monologue("bob")):
            tally = _extract(running, messages).chat.ledger.tally()
            assert tally.read == len(messages)
            assert not tally.unsettled, (
                f"{tally.unsettled} of {tally.read} messages are neither in a dialog nor dropped; "
                "call chat.drop(message, reason) for each"
            )

    def test_odd_messages_are_handled(self, running: BoundExtractor) -> None:
        """Messages without text or sender, forwards, replies to missing messages and wrong times raise no error."""
        result = _extract(running, _odd_messages())
        for dialog in result.dialogs:
            _check_dialog(dialog, result.chat)

    def test_text_that_is_not_bobs_own_is_not_learnt(self, running: BoundExtractor) -> None:
        """A message that bob forwards is not used as a reply."""
        messages = _conversation()
        for message in messages[1::2]:
            message.own_words = False
        replies = _extract(running, messages).replies
        assert not replies, f"forwarded messages were learnt as bob's own words: {replies[:3]}"

    def test_a_chat_without_replies_gives_no_dialogs(self, running: BoundExtractor) -> None:
        """An empty chat and a chat of a single participant give no dialogs."""
        for messages in ([], _monologue("ann")):
            dialogs = _extract(running, messages).dialogs
            assert not dialogs, f"{len(messages)} messages, all by ann, gave dialogs: {dialogs[:3]}"

    def test_the_same_chat_gives_the_same_dialogs(self, running: BoundExtractor) -> None:
        """Dialogs depend only on the chat and the options."""
        for make_messages in (_conversation, _odd_messages):
            first, second = (_extract(running, make_messages()).dialogs for _ in range(2))
            assert first == second, f"the same chat gave different dialogs:\n{first}\n{second}"

    def test_dialogs_are_extracted_lazily(self, running: BoundExtractor) -> None:
        """The first dialog of a long chat is yielded before half of the chat is read."""
        consumed = 0

        def count_messages() -> Iterator[Message]:
            nonlocal consumed
            for index in range(_MANY_MESSAGES):
                consumed += 1
                yield _message(index, ("ann", "bob")[index % 2], f"message {index}", sent=_START + index // 4 * _DAY)

        chat = Chat("long", None, "test", count_messages())
        first = next(iter(running.stage.extract(running.options, chat, running.run)), None)
        assert first is not None, f"{_MANY_MESSAGES} messages by two participants gave no dialog"
        assert consumed < _MANY_MESSAGES / 2, (
            f"{consumed} of {_MANY_MESSAGES} messages were read before the first dialog; yield dialogs lazily"
        )

    def test_it_runs_in_a_pipeline(self, table: dict[str, Any], acc_project: Project) -> None:
        """`acc run` makes a corpus with the extractor."""
        acc_project.pipeline(extractor={"use": self.name, **table})
        assert acc_project.dialogs(), "the corpus has no dialogs"


def _extract(running: BoundExtractor, messages: Sequence[Message]) -> ExtractionResult:
    """Extracts the dialogs as `acc run` does, and keeps every dialog."""
    chat = Chat("chat1", "Test", "test", iter(messages))
    dialogs = list(extract_dialogs(running, chat))
    chat.ledger.keep(position for dialog in dialogs for turn in dialog.utterances for position in turn.messages)
    return ExtractionResult(chat, dialogs)


def _check_dialog(dialog: Dialog, chat: Chat) -> None:
    assert isinstance(dialog, Dialog), f"extract yields {type(dialog).__name__}, expected Dialog"
    problem = problem_of_dialog(dialog, chat)
    assert not problem, f"extract yields {problem}"


def _message(id: int, sender: str, text: str, **fields: Any) -> Message:
    sent = fields.pop("sent", _START + 60 * id)
    return Message(id=id, sender=sender, sender_name=sender.title() or None, text=text, sent=sent, **fields)


def _conversation() -> list[Message]:
    messages = []
    for number in range(20):
        messages.append(_message(2 * number, "ann", f"question number {number}"))
        messages.append(_message(2 * number + 1, "bob", f"answer number {number}"))
    return messages


def _monologue(sender: str) -> list[Message]:
    return [_message(index, sender, f"line {index}") for index in range(10)]


def _odd_messages() -> list[Message]:
    return [
        _message(1, "", "", kind="service: group_created"),
        _message(2, "ann", "", kind="photo"),
        _message(3, "ann", "  \n ", kind="photo"),
        _message(4, "bob", "a caption\nof two lines 👩‍👩‍👧", kind="photo"),
        _message(5, "bob", "forwarded", own_words=False),
        _message(6, "carol", "hello all", reply_to=999),
        _message(7, "bob", "to the first", reply_to=1),
        _message(8, "ann", "at the same time", sent=_START),
        _message(9, "bob", "before it all", sent=0),
        _message(10, "ann", "x" * 100_000),
        _message(11, "bob", "\ud83d half a surrogate pair \x00\u202e"),
        _message(12, "bob", "to myself", reply_to=12),
    ]

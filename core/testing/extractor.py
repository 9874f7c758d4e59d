"""What an extractor has to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.interface.chatlog import Chat, Message
from autocakechat.interface.corpus import Dialog, Utterance
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import ExtractorType
from autocakechat.pipeline.extraction import BoundExtractor as BoundStage
from autocakechat.pipeline.extraction import extract_dialogs
from autocakechat.testing.contract import StageContract, structured
from autocakechat.testing.project import Project

_START = 1_700_000_000
_DAY = 86_400
_LONG = 20_000


@attrs.frozen
class Extracted:
    """What an extractor made of a chat.

    Attributes:
        chat: The chat, all of its messages read.
        dialogs: The dialogs.
    """

    chat: Chat
    dialogs: list[Dialog]


class ExtractorContract(StageContract):
    """What an extractor has to keep. In the chats of the contract `ann` writes to `bob`, who is to be learnt.

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
    def running(self, stage: ExtractorType, table: dict[str, Any], acc_run: RunContext, tmp_path: Any) -> BoundStage:
        """The extractor, ready to run."""
        return BoundStage(stage, structured(stage.config, table, tmp_path), acc_run, self.name)

    def test_questions_and_answers_become_dialogs(self, running: BoundStage) -> None:
        """Of a plain conversation come dialogs that go by turns from the client to the server."""
        made = _extract(running, _talk())
        assert made.dialogs, "ann asks and bob answers twenty times, and no dialog was made"
        for dialog in made.dialogs:
            _check_dialog(dialog, made.chat)
        answers = {utterance.text for dialog in made.dialogs for utterance in dialog.utterances[1::2]}
        assert any("answer" in answer for answer in answers), f"no answer of bob's was learnt: {answers}"
        assert not any("question" in answer for answer in answers), "what ann asks was learnt as bob's answer"

    def test_every_message_is_settled(self, running: BoundStage) -> None:
        """Each message is in a dialog, or was dropped with a reason, or was never read."""
        for messages in (_talk(), _odd_messages(), [], _monologue("ann"), _monologue("bob")):
            made = _extract(running, messages)
            tally = made.chat.ledger.tally()
            assert tally.read == len(messages)
            assert not tally.unsettled, (
                f"{tally.unsettled} of {tally.read} messages were read, and are in no dialog; "
                "call chat.drop(message, reason) for each"
            )

    def test_odd_messages_are_survived(self, running: BoundStage) -> None:
        """Messages without text, without sender, forwarded, out of time, answering what is not there."""
        made = _extract(running, _odd_messages())
        for dialog in made.dialogs:
            _check_dialog(dialog, made.chat)

    def test_text_that_is_not_bobs_own_is_not_learnt(self, running: BoundStage) -> None:
        """A forward by bob is nobody's answer."""
        messages = _talk()
        for message in messages[1::2]:
            message.own_words = False
        answers = [each.text for dialog in _extract(running, messages).dialogs for each in dialog.utterances[1::2]]
        assert not answers, f"forwarded by bob, and learnt as his words: {answers[:3]}"

    def test_an_empty_chat_gives_nothing(self, running: BoundStage) -> None:
        """No messages, no dialogs; of one person alone neither."""
        for messages in ([], _monologue("ann")):
            dialogs = _extract(running, messages).dialogs
            assert not dialogs, f"{len(messages)} messages by nobody but ann, and dialogs were made: {dialogs[:3]}"

    def test_the_same_chat_gives_the_same_dialogs(self, running: BoundStage) -> None:
        """What is made depends on the chat and the options alone."""
        for talk in (_talk, _odd_messages):
            first, second = (_extract(running, talk()).dialogs for _ in range(2))
            assert first == second, f"extracted twice:\n{first}\n{second}"

    def test_dialogs_come_while_the_chat_is_read(self, running: BoundStage) -> None:
        """The first dialog of a long chat is there before half of it was read."""
        read = 0

        def count_batches() -> Iterator[Message]:
            nonlocal read
            for place in range(_LONG):
                read += 1
                yield _said(place, ("ann", "bob")[place % 2], f"message {place}", sent=_START + place // 4 * _DAY)

        chat = Chat("long", None, "test", count_batches())
        first = next(iter(running.stage.extract(running.options, chat, running.run)), None)
        assert first is not None, f"{_LONG} messages by two people, and no dialog was made"
        assert read < _LONG / 2, f"{read} of {_LONG} messages were read before the first dialog; yield as you go"

    def test_it_runs_in_a_pipeline(self, table: dict[str, Any], acc_project: Project) -> None:
        """`acc run` makes a corpus with it."""
        acc_project.pipeline(extractor={"use": self.name, **table})
        assert acc_project.dialogs(), "no dialogs"


def _extract(running: BoundStage, messages: Sequence[Message]) -> Extracted:
    """Extracts as the core does it, keeping every dialog."""
    chat = Chat("chat1", "Test", "test", iter(messages))
    dialogs = list(extract_dialogs(running, chat))
    chat.ledger.keep(position for dialog in dialogs for each in dialog.utterances for position in each.messages)
    return Extracted(chat, dialogs)


def _check_dialog(dialog: Dialog, chat: Chat) -> None:
    assert isinstance(dialog, Dialog), f"yields {type(dialog).__name__}, which is no Dialog"
    assert dialog.chat == chat.id, f"a dialog of chat {dialog.chat!r} was made of chat {chat.id!r}"
    assert isinstance(dialog.started, int), f"started is {dialog.started!r}, which is no integer"
    assert dialog.utterances, "a dialog without utterances"
    assert len(dialog.utterances) % 2 == 0, "a dialog ends with the server: the number of its utterances is even"
    for utterance in dialog.utterances:
        assert isinstance(utterance, Utterance), f"a dialog holds {type(utterance).__name__}, which is no Utterance"
        assert utterance.text.strip(), "an utterance without text"
        assert utterance.messages, "an utterance that says of no message that it holds its text: set `messages`"
        assert all(0 <= place < len(chat.ledger) for place in utterance.messages), "a position outside of the chat"


def _said(id: int, sender: str, text: str, **more: Any) -> Message:
    sent = more.pop("sent", _START + 60 * id)
    return Message(id=id, sender=sender, sender_name=sender.title() or None, text=text, sent=sent, **more)


def _talk() -> list[Message]:
    lines = (
        (("ann", "bob")[place % 2], f"{('question', 'answer')[place % 2]} number {place // 2}") for place in range(40)
    )
    return [_said(place, sender, text) for place, (sender, text) in enumerate(lines)]


def _monologue(sender: str) -> list[Message]:
    return [_said(place, sender, f"line {place}") for place in range(10)]


def _odd_messages() -> list[Message]:
    return [
        _said(1, "", "", kind="service: group_created"),
        _said(2, "ann", "", kind="photo"),
        _said(3, "ann", "  \n ", kind="photo"),
        _said(4, "bob", "a caption\nof two lines 👩‍👩‍👧", kind="photo"),
        _said(5, "bob", "forwarded", own_words=False),
        _said(6, "carol", "hello all", reply_to=999),
        _said(7, "bob", "to the first", reply_to=1),
        _said(8, "ann", "at the same time", sent=_START),
        _said(9, "bob", "before it all", sent=0),
        _said(10, "ann", "x" * 100_000),
        _said(11, "bob", "\ud83d half a sign \x00\u202e"),
        _said(12, "bob", "to myself", reply_to=12),
    ]

"""What a source has to keep."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.errors import UserError
from autocakechat.files import hash_file
from autocakechat.interface.chatlog import Chat, Message
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import Input, SourceType
from autocakechat.testing.contract import StageContract, structured
from autocakechat.testing.project import Project

Said = Sequence[tuple[str, str]]

TALK: Said = [
    ("ann", "Hello Bob!"),
    ("bob", "hi"),
    ("bob", "how are you? 👋🏽"),
    ("ann", "Всё хорошо: спасибо"),
    ("ann", "and you, Bob"),
    ("bob", 'خوبم — fine; see http://example.org/?a=1&b="2"'),
    ("ann", "12:30, 01.02.2024 - then?"),
    ("bob", "<b>yes</b> {really} \\o/ %s"),
]
_FEW, _MANY = 1_000, 16_000
_SLACK = 1_500_000


class SourceContract(StageContract):
    r"""What a source has to keep.

    A subclass says how a log of this source is written; the contract writes logs and looks at what is read.

    Example:
        ```python
        class TestPlain(SourceContract):
            name = "plain"

            def write_log(self, folder, said):
                lines = [f"{sender}: {text}\n" for sender, text in said]
                (folder / "log.txt").write_text("".join(lines), "utf-8")
                return {"path": "log.txt"}
        ```
    """

    kind: ClassVar[str] = "source"

    def write_log(self, folder: Path, said: Said) -> Mapping[str, Any]:
        """Writes a log of one chat.

        Args:
            folder: Where to write it; empty.
            said: Who said what, in order; each text is one line. May be empty, and may be long.

        Returns:
            The options that read it, as the pipeline.toml has them; relative paths start at `folder`.
        """
        raise NotImplementedError

    @pytest.fixture
    def table(self, tmp_path: Path) -> dict[str, Any]:
        """The options that read a small log."""
        return {**self.options, **self.write_log(tmp_path, TALK)}

    @pytest.fixture
    def config(self, stage: SourceType, table: dict[str, Any], tmp_path: Path) -> Any:
        """The same, as the source is handed them."""
        return structured(stage.config, table, tmp_path)

    def test_inputs_are_files_with_names_of_their_own(self, stage: SourceType, config: Any) -> None:
        """There is at least one input; names differ, and every file is there."""
        inputs = list(stage.inputs(config))
        assert inputs, "there is a log, and no input was found"
        assert all(isinstance(entry, Input) for entry in inputs), f"not only inputs: {inputs}"
        names = [entry.name for entry in inputs]
        assert len(set(names)) == len(names), f"two inputs have one name: {names}"
        for entry in inputs:
            assert entry.paths, f"input '{entry.name}' has no files; its changes would not be noticed"
            assert all(path.is_file() for path in entry.paths), f"input '{entry.name}' names what is no file"

    def test_inputs_are_called_the_same_wherever_the_log_lies(self, stage: SourceType, tmp_path: Path) -> None:
        """A log that was moved is not another log: names say nothing of the folder around it."""
        named = []
        for place in (tmp_path / "here", tmp_path / "over" / "there"):
            place.mkdir(parents=True)
            table = {**self.options, **self.write_log(place, TALK)}
            named.append([entry.name for entry in stage.inputs(structured(stage.config, table, place))])
        assert named[0] == named[1], f"the same log gives inputs {named[0]} in one folder and {named[1]} in another"

    def test_what_was_said_is_read(self, stage: SourceType, config: Any, acc_run: RunContext) -> None:
        """Every text comes whole and in order, and each person has one id that is nobody else's."""
        messages = [message for message in _messages(stage, config, acc_run) if message.text]
        read, said = [message.text for message in messages], [text for _, text in TALK]
        assert read == said, f"said was {said}, and read was {read}"
        people = {(name, message.sender) for (name, _), message in zip(TALK, messages, strict=True)}
        assert len(people) == len({sender for _, sender in people}) == 2, f"two people wrote, and were read as {people}"

    def test_chats_and_messages_are_of_the_right_types(
        self, stage: SourceType, config: Any, acc_run: RunContext
    ) -> None:
        """Ids are what they should be, numbers of messages differ, and time does not go backwards."""
        for entry in stage.inputs(config):
            for chat in stage.read(config, entry, acc_run):
                assert isinstance(chat, Chat), f"read yields {type(chat).__name__}, which is no Chat"
                assert isinstance(chat.id, str), f"the chat's id {chat.id!r} is no string"
                assert isinstance(chat.kind, str), f"the chat's kind {chat.kind!r} is no string"
                messages = list(chat.messages)
                for message in messages:
                    _check_message(message)
                ids = [message.id for message in messages]
                assert len(set(ids)) == len(ids), "two messages of a chat have one id"
                sent = [message.sent for message in messages]
                assert sent == sorted(sent), "messages must come oldest first"

    def test_reading_twice_gives_the_same(self, stage: SourceType, config: Any, acc_run: RunContext) -> None:
        """What is read depends on the log alone."""
        first, second = (_all(stage, config, acc_run) for _ in range(2))
        assert first == second, f"read twice:\n{first}\n{second}"

    def test_reading_changes_nothing_of_the_log(
        self, stage: SourceType, config: Any, acc_run: RunContext, tmp_path: Path
    ) -> None:
        """A source only reads."""
        before = _files(tmp_path, besides=acc_run.state)
        _all(stage, config, acc_run)
        assert _files(tmp_path, besides=acc_run.state) == before, "files beside the log were changed, made or removed"

    def test_a_long_log_needs_no_more_memory_than_a_short_one(
        self, stage: SourceType, acc_run: RunContext, tmp_path: Path
    ) -> None:
        """Chats and messages are read lazily: no list of them is made, and no file is held whole."""
        peaks = []
        for number in (_FEW, _MANY):
            folder = tmp_path / str(number)
            folder.mkdir()
            said = [(("ann", "bob")[place % 2], f"{place} {'blah ' * 20}".strip()) for place in range(number)]
            config = structured(stage.config, {**self.options, **self.write_log(folder, said)}, folder)
            del said
            peaks.append(_peak(stage, config, acc_run, number))
        few, many = peaks
        assert many < 2 * few + _SLACK, (
            f"reading {_FEW} messages takes {few / 1e6:.1f} MB, {_MANY} take {many / 1e6:.1f} MB; "
            "read line by line, and yield messages from a generator"
        )

    def test_an_empty_log_is_survived(self, stage: SourceType, acc_run: RunContext, tmp_path: Path) -> None:
        """A log in which nobody says anything holds no text, or is refused in a line."""
        folder = tmp_path / "empty"
        folder.mkdir()
        try:
            config = structured(stage.config, {**self.options, **self.write_log(folder, [])}, folder)
            read = [message.text for message in _messages(stage, config, acc_run) if message.text]
        except UserError:
            return
        assert not read, f"nobody said anything, and read was {read}"

    def test_a_log_that_is_not_there_is_refused(self, stage: SourceType, table: dict[str, Any], tmp_path: Path) -> None:
        """`inputs` says in a line which path it did not find."""
        if "path" not in {field.name for field in attrs.fields(stage.config)}:
            pytest.skip("the source has no option `path`")
        config = structured(stage.config, {**table, "path": "not-there"}, tmp_path)
        with pytest.raises(UserError, match="not-there") as raised:
            stage.inputs(config)
            pytest.fail("a path that is not there must be refused with UserError")
        assert raised.value.hint, "say what to do about it: UserError(message, hint)"

    def test_it_recognises_its_own_logs(self, stage: SourceType, config: Any, tmp_path: Path) -> None:
        """`recognises` tells logs of this source from other files, and never raises."""
        if stage.recognises is None:
            pytest.skip("the source recognises no files; `acc inspect` needs to be told about it")
        assert stage.recognises(config.path), f"does not recognise {config.path}"
        other = tmp_path / "other"
        other.mkdir()
        (other / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
        for path in (other, other / "picture.png", other / "not-there"):
            assert not stage.recognises(path), f"takes {path.name} for one of its logs"

    def test_it_runs_in_a_pipeline(
        self, stage: SourceType, config: Any, acc_run: RunContext, acc_project: Project
    ) -> None:
        """`acc run` makes a corpus of its log, and knows what became of every message."""
        learnt = next(m.sender for m in _messages(stage, config, acc_run) if m.text == TALK[1][1])
        table = {"use": self.name, **self.options, **self.write_log(acc_project.folder, TALK)}
        acc_project.pipeline(source=table, extractor={"use": "turns", "server": learnt, "gap_minutes": 1e9})
        report = acc_project.outcome("corpus")["corpus"]["report"]
        assert report["pairs"] == 3, f"ann is answered three times, and {report['pairs']} pairs were found"
        assert report["messages"]["read"] >= len(TALK)


def _chats(stage: SourceType, config: Any, run: RunContext) -> Iterable[Chat]:
    for entry in stage.inputs(config):
        yield from stage.read(config, entry, run)


def _messages(stage: SourceType, config: Any, run: RunContext) -> Iterable[Message]:
    for chat in _chats(stage, config, run):
        yield from chat.messages


def _all(stage: SourceType, config: Any, run: RunContext) -> list[tuple[Any, ...]]:
    chats = _chats(stage, config, run)
    return [(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages)) for chat in chats]


def _check_message(message: Message) -> None:
    assert isinstance(message, Message), f"a chat holds {type(message).__name__}, which is no Message"
    types: dict[str, Any] = {
        "id": int,
        "sender": str,
        "sender_name": str | None,
        "text": str,
        "sent": int,
        "reply_to": int | None,
        "kind": str,
        "own_words": bool,
        "outgoing": bool | None,
    }
    for name, expected in types.items():
        value = getattr(message, name)
        assert isinstance(value, expected), f"message {message.id!r}: {name} is {value!r}, which is no {expected}"


def _files(folder: Path, besides: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(besides))
    return {str(path): hash_file(path) for path in found}


def _peak(stage: SourceType, config: Any, run: RunContext, number: int) -> int:
    """Reads a log and returns the most memory that was taken on the way, in bytes."""
    tracemalloc.start()
    try:
        read = sum(1 for _ in _messages(stage, config, run))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read >= number, f"{number} messages were written, and {read} were read"
    return peak

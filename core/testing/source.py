"""The contract tests for sources."""

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
from autocakechat.interface.stage_types import SourceType
from autocakechat.pipeline.stage_checks import problem_of_message
from autocakechat.pipeline.stage_results import stage_inputs
from autocakechat.testing.contract import StageContract, parse_options
from autocakechat.testing.project import Project

# Pairs of sender and text.
Messages = Sequence[tuple[str, str]]

CONVERSATION: Messages = [
    ("ann", "Hello Bob!"),
    ("bob", "hi"),
    ("bob", "how are you? 👋🏽"),
    ("ann", "Всё хорошо: спасибо"),
    ("ann", "and you, Bob"),
    ("bob", 'خوبم — fine; see http://example.org/?a=1&b="2"'),
    ("ann", "12:30, 01.02.2024 - then?"),
    ("bob", "<b>yes</b> {really} \\o/ %s"),
]
# A log of the larger size may take at most twice the memory of the smaller size, and this many bytes.
_FEW_MESSAGES, _MANY_MESSAGES = 1_000, 16_000
_MEMORY_TOLERANCE = 1_500_000


class SourceContract(StageContract):
    r"""The tests that every source has to pass.

    A subclass writes logs in the format of its source; the tests compare them with the messages that are read.

    Example:
        ```python
        class TestPlain(SourceContract):
            name = "plain"

            def write_log(self, folder, messages):
                lines = [f"{sender}: {text}\n" for sender, text in messages]
                (folder / "log.txt").write_text("".join(lines), "utf-8")
                return {"path": "log.txt"}
        ```
    """

    kind: ClassVar[str] = "source"

    def write_log(self, folder: Path, messages: Messages) -> Mapping[str, Any]:
        """Writes a log of one chat.

        Args:
            folder: An empty folder for the log.
            messages: Pairs of sender and text, in order. Each text is one line. There may be none, or many.

        Returns:
            The options that read the log, as in a pipeline.toml. Relative paths start at `folder`.
        """
        raise NotImplementedError

    @pytest.fixture
    def table(self, tmp_path: Path) -> dict[str, Any]:
        """The table of the pipeline.toml that reads a small log."""
        return {**self.options, **self.write_log(tmp_path, CONVERSATION)}

    @pytest.fixture
    def config(self, stage: SourceType, table: dict[str, Any], tmp_path: Path) -> Any:
        """The options object of `table`."""
        return parse_options(stage.config, table, tmp_path)

    def test_inputs_have_files_and_unique_names(self, stage: SourceType, config: Any) -> None:
        """There is at least one input, the names are unique, and all files exist."""
        inputs = stage_inputs(stage.name, stage, config)
        assert inputs, "no input was found for a log"
        names = [entry.name for entry in inputs]
        assert len(set(names)) == len(names), f"two inputs have the same name: {names}"
        for entry in inputs:
            assert entry.paths, f"input '{entry.name}' has no files, so changes of the log would not be detected"
            for path in entry.paths:
                assert path.is_file(), f"input '{entry.name}': {path} is not a file"

    def test_input_names_do_not_depend_on_the_folder(self, stage: SourceType, tmp_path: Path) -> None:
        """The same log in another folder has the same input names."""
        names = []
        for folder in (tmp_path / "here", tmp_path / "over" / "there"):
            folder.mkdir(parents=True)
            config = self._write_and_parse(stage, folder, CONVERSATION)
            names.append([entry.name for entry in stage.inputs(config)])
        assert names[0] == names[1], f"the same log has the inputs {names[0]} in one folder and {names[1]} in another"

    def test_all_messages_are_read_in_order(self, stage: SourceType, config: Any, acc_run: RunContext) -> None:
        """All texts are complete and in order, and each participant has an id."""
        messages = [message for message in _messages(stage, config, acc_run) if message.text]
        texts, expected = [message.text for message in messages], [text for _, text in CONVERSATION]
        assert texts == expected, f"the texts read are {texts}, expected {expected}"
        ids = {(name, message.sender) for (name, _), message in zip(CONVERSATION, messages, strict=True)}
        assert len(ids) == len({sender for _, sender in ids}) == 2, f"two participants have the names and ids {ids}"

    def test_chats_and_messages_have_the_right_types(self, stage: SourceType, config: Any, acc_run: RunContext) -> None:
        """Attributes have the documented types, message ids are unique, and messages are sorted by time."""
        for chat in _chats(stage, config, acc_run):
            assert isinstance(chat, Chat), f"read yields {type(chat).__name__}, expected Chat"
            messages = list(chat.messages)
            for message in messages:
                _check_message(message)
            ids = [message.id for message in messages]
            assert len(set(ids)) == len(ids), "two messages of a chat have the same id"
            sent = [message.sent for message in messages]
            assert sent == sorted(sent), "messages must be sorted, oldest first"

    def test_reading_twice_gives_the_same(self, stage: SourceType, config: Any, acc_run: RunContext) -> None:
        """The messages depend only on the log."""
        first, second = (_read_all(stage, config, acc_run) for _ in range(2))
        assert first == second, f"two reads of the same log differ:\n{first}\n{second}"

    def test_reading_does_not_change_the_log(
        self, stage: SourceType, config: Any, acc_run: RunContext, tmp_path: Path
    ) -> None:
        """No file beside the log is changed, made or removed."""
        before = _file_hashes(tmp_path, exclude=acc_run.state)
        _read_all(stage, config, acc_run)
        assert _file_hashes(tmp_path, exclude=acc_run.state) == before, "files were changed, made or removed"

    def test_a_long_log_needs_no_more_memory_than_a_short_one(
        self, stage: SourceType, acc_run: RunContext, tmp_path: Path
    ) -> None:
        """Chats and messages are read lazily: neither a file nor a list of messages is held in memory."""
        peaks = []
        for count in (_FEW_MESSAGES, _MANY_MESSAGES):
            folder = tmp_path / str(count)
            folder.mkdir()
            messages = [(("ann", "bob")[index % 2], f"{index} {'blah ' * 20}".strip()) for index in range(count)]
            config = self._write_and_parse(stage, folder, messages)
            del messages
            peaks.append(_peak_memory(stage, config, acc_run, count))
        few, many = peaks
        assert many < 2 * few + _MEMORY_TOLERANCE, (
            f"reading {_FEW_MESSAGES} messages takes {few / 1e6:.1f} MB, {_MANY_MESSAGES} take {many / 1e6:.1f} MB; "
            "read line by line and yield messages from a generator"
        )

    def test_an_empty_log_is_read_or_refused(self, stage: SourceType, acc_run: RunContext, tmp_path: Path) -> None:
        """A log without messages gives no text, or a UserError."""
        folder = tmp_path / "empty"
        folder.mkdir()
        try:
            config = self._write_and_parse(stage, folder, [])
            texts = [message.text for message in _messages(stage, config, acc_run) if message.text]
        except UserError:
            return
        assert not texts, f"the log is empty, but these texts were read: {texts}"

    def test_a_missing_log_is_refused(self, stage: SourceType, table: dict[str, Any], tmp_path: Path) -> None:
        """`inputs` raises a UserError that names the path."""
        if "path" not in {field.name for field in attrs.fields(stage.config)}:
            pytest.skip("the source has no option `path`")
        config = parse_options(stage.config, {**table, "path": "not-there"}, tmp_path)
        with pytest.raises(UserError, match="not-there") as raised:
            stage.inputs(config)
            pytest.fail("inputs accepts a path that does not exist; raise UserError")
        assert raised.value.hint, "the error has no hint; raise UserError(message, hint)"

    def test_it_recognises_its_own_logs(self, stage: SourceType, config: Any, tmp_path: Path) -> None:
        """`recognises` distinguishes logs of this source from other files, and never raises."""
        if stage.recognises is None:
            pytest.skip("the source has no `recognises`; `acc inspect` needs --source")
        assert stage.recognises(config.path), f"does not recognise its own log {config.path}"
        other = tmp_path / "other"
        other.mkdir()
        (other / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
        for path in (other, other / "picture.png", other / "not-there"):
            assert not stage.recognises(path), f"recognises {path.name}, which is not one of its logs"

    def test_it_runs_in_a_pipeline(
        self, stage: SourceType, config: Any, acc_run: RunContext, acc_project: Project
    ) -> None:
        """`acc run` makes a corpus of its log and counts all messages."""
        bob = next(m.sender for m in _messages(stage, config, acc_run) if m.text == CONVERSATION[1][1])
        table = {"use": self.name, **self.options, **self.write_log(acc_project.folder, CONVERSATION)}
        acc_project.pipeline(source=table, extractor={"use": "turns", "server": bob, "gap_minutes": 1e9})
        report = acc_project.outcome("corpus")["corpus"]["report"]
        assert report["pairs"] == 3, f"bob replies to ann three times, but the corpus has {report['pairs']} pairs"
        assert report["messages"]["read"] >= len(CONVERSATION)

    def _write_and_parse(self, stage: SourceType, folder: Path, messages: Messages) -> Any:
        """Writes a log and returns the options object that reads it."""
        return parse_options(stage.config, {**self.options, **self.write_log(folder, messages)}, folder)


def _chats(stage: SourceType, config: Any, run: RunContext) -> Iterable[Chat]:
    for entry in stage_inputs(stage.name, stage, config):
        yield from stage.read(config, entry, run)


def _messages(stage: SourceType, config: Any, run: RunContext) -> Iterable[Message]:
    for chat in _chats(stage, config, run):
        yield from chat.messages


def _read_all(stage: SourceType, config: Any, run: RunContext) -> list[tuple[Any, ...]]:
    chats = _chats(stage, config, run)
    return [(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages)) for chat in chats]


def _check_message(message: Message) -> None:
    assert isinstance(message, Message), f"a chat yields {type(message).__name__}, expected Message"
    problem = problem_of_message(message)
    assert not problem, f"message {message.id!r}: {problem}"


def _file_hashes(folder: Path, exclude: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(exclude))
    return {str(path): hash_file(path) for path in files}


def _peak_memory(stage: SourceType, config: Any, run: RunContext, count: int) -> int:
    """Reads a log of `count` messages and returns the peak of the allocated memory, in bytes."""
    tracemalloc.start()
    try:
        read = sum(1 for _ in _messages(stage, config, run))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read >= count, f"the log has {count} messages, but {read} were read"
    return peak

"""A fault of a plugin is reported in one line, with the plugin, the line of its code, and what is expected."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.core.conftest import Project
from tests.core.pipeline.own_plugin import PIPELINE, PLUGIN
from tests.distributions import lay_out


class Fault(NamedTuple):
    """A change of the plugin, and its error.

    Attributes:
        correct: The code of the plugin.
        faulty: What replaces it.
        line: The comment at the line that the error names.
        message: What the error says.
        command: The command to run.
    """

    correct: str
    faulty: str
    line: str
    message: str
    command: tuple[str, ...] = ("run",)


INSPECT = ("inspect", "log.txt", "--source", "own")
MESSAGE = "the source yields a message whose {} (chat 'chat', message 1)"
DIALOG = "the extractor yields a dialog whose {} (chat 'chat')"
EXITS = "(sys.exit or quit; raise UserError or StageError instead)"
FAULTS = [
    Fault("sent=60 * number", "sent=str(60)", "yield message", MESSAGE.format("sent is '60' (str), expected int")),
    Fault("sent=60 * number", "sent=60.5", "yield message", MESSAGE.format("sent is 60.5 (float), expected int")),
    Fault("text=text", "text=None", "yield message", MESSAGE.format("text is None, expected str")),
    Fault("sender=name", "sender=5", "yield message", MESSAGE.format("sender is 5 (int), expected str")),
    Fault("id=number", 'id="x"', "yield message", MESSAGE.format("id is 'x' (str), expected int"), INSPECT),
    Fault(
        "sent=60 * number)",
        'sent=number, reply_to="" if number == 2 else None)',
        "yield message",
        "reply_to is '' (str), expected int | None (chat 'chat', message 3)",
    ),
    Fault(
        "sent=60 * number)",
        "sent=number, own_words=None)",
        "yield message",
        MESSAGE.format("own_words is None, expected bool"),
    ),
    Fault("yield Message(", "yield dict(", "yield message", "a chat yields dict, expected Message"),
    Fault("yield Chat(", "yield dict(", "yield chat", "the source yields dict, expected Chat", INSPECT),
    Fault('Chat(id="chat"', "Chat(id=7", "yield chat", "Chat.id is 7 (int), expected str"),
    Fault("messages(entry.paths[0])", "None", "yield chat", "Chat.messages is None, expected Iterable"),
    Fault(
        "yield Chat(", "return Chat(", "def read", "the source returns Chat, expected an iterable of Chat: use `yield`"
    ),
    Fault("[Input(", "[print(", "def inputs", "`inputs` returns a list with None, expected a list of Input"),
    Fault("(options.path,)", "str(options.path)", "return inputs", "Input.paths is str, expected tuple | list"),
    Fault("(options.path,)", '("log.txt",)', "return inputs", "is 'log.txt' (str), expected Path"),
    Fault("return [Input", "[Input", "def inputs", "`inputs` returns None, expected a list of Input", INSPECT),
    Fault("return [Input", "yield [Input", "def inputs", "`inputs` returns generator, expected a list of Input"),
    Fault("return [Input", "1 / 0\n    [Input", "1 / 0", "failed with ZeroDivisionError"),
    Fault(
        "client.sent, turns", "client.sent, turns[:1]", "yield dialog", "a dialog of 1 turns, expected pairs of turns"
    ),
    Fault("client.sent, turns", "client.sent, ()", "yield dialog", "a dialog of 0 turns, expected pairs of turns"),
    Fault("turns)", "turns[::-1])", "yield dialog", "whose turn 2 begins before the turn in front of it"),
    Fault("server.text,", '" ",', "yield dialog", "turn 2 has the text ' ' (str), expected a str that is not empty"),
    Fault("server.text,", "None,", "yield dialog", "whose turn 2 has the text None, expected a str"),
    Fault("(server.position,)", "()", "yield dialog", "whose turn 2 has no message positions: set `messages`"),
    Fault(
        "(server.position,)",
        "(1, 0)",
        "yield dialog",
        DIALOG.format("turn 2 has the messages 1, 0, expected ascending positions"),
    ),
    Fault(
        "(server.position,)", "(999,)", "yield dialog", "has the message 999, expected the position of a message that"
    ),
    Fault("(server.position,)", '("a",)', "yield dialog", "has the message 'a' (str), expected an int"),
    Fault(
        "Dialog(chat.id", 'Dialog("other"', "yield dialog", "whose chat is 'other' (str), expected the id of the chat"
    ),
    Fault("client.sent, turns", "None, turns", "yield dialog", "whose started is None, expected int"),
    Fault(
        "Dialog(chat.id, client.sent, turns)", "turns", "yield dialog", "the extractor yields tuple, expected Dialog"
    ),
    Fault("yield dialog  #", "dialog.started and (yield dialog)  #", "yield annotated", "every dialog in order"),
    Fault("yield dialog  #", "yield dialog; yield dialog  #", "yield annotated", "every dialog once"),
    Fault("in dialogs:", "in reversed(list(dialogs)):", "yield annotated", "every dialog in order"),
    Fault("yield dialog  #", "yield dialog; return  #", "yield annotated", "does not yield the last dialogs"),
    Fault("yield dialog  #", "yield None  #", "yield annotated", "the annotator yields NoneType, expected Dialog"),
    Fault(
        "yield dialog  #",
        "yield without_labels(dialog)  #",
        "yield annotated",
        "a dialog with the label '' (str), expected a word",
    ),
    Fault('return {"replies": 3}', "return", "def train", "the trainer returns None, expected the metrics"),
    Fault(
        '{"replies": 3}', '{"replies": object()}', "def train", "the metric 'replies' with the value object, expected"
    ),
    Fault('(into / "model.txt").write_text("nothing")', "pass", "def train", "the trainer writes no file"),
    Fault("return Responder()", "return", "def load", "`load` returns None, expected a Responder"),
    Fault(
        'labels = ("neutral",)', 'labels = "neutral"', "def load", "labels are 'neutral' (str), expected a tuple of str"
    ),
    Fault(
        '[Reply("hi") for request in requests]',
        "[]",
        "def respond",
        "its responder did not return one reply per request: 0 for 1",
    ),
    Fault(
        "sent=60 * number",
        "sent=1_700_000_000_000 + number",
        "yield message",
        MESSAGE.format("sent is 1700000000000 (int), expected seconds since 1970, not milliseconds"),
    ),
    Fault(
        "        server = next",
        "        chat.drop(client, None)\n        server = next",
        "chat.drop",
        "the reason of a dropped message is None, expected str",
    ),
    Fault("yield dialog  #", "raise asyncio.CancelledError  #", "yield annotated", "failed with CancelledError"),
    Fault('(into / "model.txt")', 'raise BaseException("x")\n    (into / "model.txt")', "raise", "BaseException: x"),
    Fault(
        '(into / "model.txt").write_text',
        '(into / "model.json").write_text',
        "def train",
        "the trainer writes model.json",
    ),
    Fault('.write_text("nothing")', '.symlink_to("/")', "def train", "the trainer writes the link model.txt"),
    Fault(
        "    return {",
        '    list(corpus.dialogs("test"))\n    return {',
        "corpus.dialogs",
        "a corpus has the parts 'train' and 'validation', not 'test'",
    ),
    Fault(
        'Reply("hi")',
        'Reply("hi", (text for text in "ab"))',
        "return replies",
        "candidates is generator, expected tuple",
    ),
    Fault(
        'Reply("hi")', 'Reply("hi", [1])', "return replies", "a candidate of Reply.candidates is 1 (int), expected str"
    ),
    Fault(
        '[Request(["hello"])]',
        'Request(["hello"])',
        "# deploy",
        "the argument of `respond` is Request, expected Sequence",
    ),
    Fault('[Request(["hello"])]', '["hello"]', "# deploy", "a request is 'hello' (str), expected Request"),
    Fault("def deploy", "async def deploy", "def deploy", "the deployer returns a coroutine"),
    Fault("    model.load()", "    yield model.load()", "def deploy", "the deployer returns a generator"),
    Fault('Reply("hi")', '"hi"', "def respond", "its responder returned a list with str, expected Reply"),
    Fault('Reply("hi")', "Reply(None)", "return replies", "failed with TypeError: Reply.text is None, expected str"),
    Fault("return [Reply", "sys.exit(0)\n        return [Reply", "sys.exit", f"SystemExit: 0 {EXITS}"),
    Fault("return [Input", "sys.exit(0)\n    [Input", "sys.exit", f"SystemExit: 0 {EXITS}"),
    Fault("return [Input", "sys.exit(0)\n    [Input", "sys.exit", f"SystemExit: 0 {EXITS}", INSPECT),
    Fault("        yield Message", "        quit()\n        yield Message", "quit()", f"SystemExit: None {EXITS}"),
    Fault("    yield Chat", "    sys.exit()\n    yield Chat", "sys.exit", f"failed with SystemExit {EXITS}"),
    Fault("        yield Dialog", "        sys.exit()\n        yield Dialog", "sys.exit", f"SystemExit {EXITS}"),
    Fault("yield dialog  #", "sys.exit('bye')  #", "yield annotated", f"SystemExit: bye {EXITS}"),
    Fault('(into / "model.txt")', 'sys.exit(3)\n    (into / "model.txt")', "sys.exit", f"SystemExit: 3 {EXITS}"),
    Fault("return Responder()", "sys.exit(0)", "return responder", f"SystemExit: 0 {EXITS}"),
    Fault("model.load()", "sys.exit(0)", "# deploy", f"SystemExit: 0 {EXITS}"),
]


def install(project: Project, correct: str = "", faulty: str = "") -> Path:
    """Installs the plugin with a change; returns the file with its code."""
    assert correct in PLUGIN
    site = Path(project.environment["PYTHONPATH"])
    lay_out(site, "acc-own", "own", PLUGIN.replace(correct, faulty, 1) if correct else PLUGIN)
    project.write("pipeline.toml", PIPELINE)
    return next(site.glob("acc_own_own_*.py"))


def line_with(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_the_plugin_without_a_fault_works(project: Project) -> None:
    install(project)
    done = project.run()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.faulty[:30]}-{fault.command[0]}")
def test_a_fault_is_reported_with_the_plugin_and_the_line(project: Project, fault: Fault) -> None:
    file = install(project, fault.correct, fault.faulty)
    done = project.acc(*fault.command)
    assert done.returncode == 1, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("acc: plugin"))
    assert line.startswith("acc: plugin own (acc-own 1.2): ")
    assert fault.message in line
    assert f"; {file.name}:{line_with(file, fault.line)}; " in line
    assert "Traceback" not in done.stderr


def test_verbose_shows_the_frames_of_the_plugin_first(project: Project) -> None:
    file = install(project, 'write_text("nothing")', "write_text(1 / 0)")
    stderr = project.acc("-v", "run").stderr
    first, _, others = stderr.partition("with all other frames:")
    shown = first.partition("in the code of the plugin (most recent call last):")[2]
    assert re.findall('File "(.*)", line', shown) == [str(file)]
    assert "ZeroDivisionError: division by zero" in shown
    assert "model_builder.py" in others
    assert "model_builder.py" not in first


def test_a_text_of_a_chat_is_not_shown(project: Project) -> None:
    install(project, "yield Message(", "yield dict(")
    assert "question" not in project.run().stderr


def test_an_interruption_stays_an_interruption(project: Project) -> None:
    install(project, "        yield Message", "        raise KeyboardInterrupt\n        yield Message")
    assert project.run().returncode == 130

"""The contract tests of `autocakechat.testing` fail for stages with one fault each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from autocakechat.testing.pickles import contains_pickle
from tests.conftest import ROOT
from tests.distributions import lay_out

TEMPLATES = ROOT / "core" / "registry" / "template"
STAGE = "broken"


class Fault(NamedTuple):
    """A change of a plugin template that a contract test has to detect.

    Attributes:
        kind: The kind of stage.
        correct: The code of the template.
        faulty: What replaces it.
        test: The test that fails, as pytest's `-k` selects it.
        message: A part of the message that the test fails with.
    """

    kind: str
    correct: str
    faulty: str
    test: str
    message: str


FAULTS = [
    Fault(
        "source",
        'path.open(encoding="utf-8") as lines',
        'path.open(encoding="latin-1") as lines',
        "all_messages_are_read",
        "the texts read are",
    ),
    Fault("source", "enumerate(lines)", "enumerate(lines.readlines())", "needs_no_more_memory", "read line by line"),
    Fault(
        "source",
        "Input(options.path.name",
        "Input(str(options.path)",
        "do_not_depend_on_the_folder",
        "in one folder and",
    ),
    Fault("source", "sent=60 * number", "sent=-60 * number", "right_types", "messages must be sorted, oldest first"),
    Fault("source", "id=number", "id=str(number)", "right_types", "id is '0'"),
    Fault("source", "id=number", "id=7", "right_types", "two messages of a chat have the same id"),
    Fault(
        "source",
        "if not options.path.is_file()",
        "if False",
        "missing_log_is_refused",
        "inputs accepts a path that does not exist",
    ),
    Fault("source", "(options.path,)", "str(options.path)", "inputs_have_files", "Input.paths is"),
    Fault("source", "return [Input", "yield [Input", "inputs_have_files", "`inputs` returns generator"),
    Fault("source", "path: Path = ", "path = ", "plugin_loads", "the option Options.path without a type"),
    Fault("source", "@hookimpl", "", "plugin_loads", "write @hookimpl above it"),
    Fault("source", "yield Chat", "raise SystemExit(0)\n    yield Chat", "runs_in_a_pipeline", "SystemExit"),
    Fault("source", 'help="the text file"', 'help=""', "every_option_has_help", "option 'path' has no help"),
    Fault("source", "path: Path", "path: Any", "wrong_type_is_refused", "option 'path' accepts values of any type"),
    Fault(
        "extractor",
        'chat.drop(context, "no reply")',
        "pass",
        "every_message_is_kept_or_dropped",
        "call chat.drop(message, reason)",
    ),
    Fault("extractor", "elif not message.own_words", "elif False", "not_bobs_own", "learnt as bob's own words"),
    Fault(
        "extractor",
        "in chat.messages",
        "in list(chat.messages)",
        "dialogs_are_extracted_lazily",
        "yield dialogs lazily",
    ),
    Fault("extractor", ", messages=(message.position,)", "", "dialogs_alternate", "set `messages`"),
    Fault("extractor", "context is None", "False", "odd_messages", "AttributeError"),
    Fault(
        "extractor",
        "messages=(message.position,)",
        "messages=(9, 8)",
        "dialogs_alternate",
        "expected ascending positions",
    ),
    Fault("annotator", "in dialogs:", "in list(dialogs):", "annotated_lazily", "yield dialogs lazily"),
    Fault("annotator", "emotion, utterance.messages", "emotion", "comes_back_in_order", "was lost, added or changed"),
    Fault("annotator", 'else "neutral"', 'else ""', "labels_are_words", "expected a word"),
    Fault(
        "annotator",
        "        yield Dialog",
        "        if dialog.started % 2: continue\n        yield Dialog",
        "comes_back",
        "was lost",
    ),
    Fault(
        "trainer",
        "load=load,",
        'load=load, load_requires="json",',
        "load_requires_names",
        "`load_requires` is a string",
    ),
    Fault(
        "trainer",
        "load=load,",
        'load=load, estimate=lambda *_: __import__("autocakechat").TrainingEstimate(seconds=1, quality=2, remark=""),',
        "estimate_is_possible",
        "the quality 2, expected 0 to 1",
    ),
    Fault("trainer", 'return {"pairs": len(replies)}', "return {}", "metrics_have_names", "returns no metrics"),
    Fault(
        "trainer",
        "    if not replies:",
        '    (into / "x").write_bytes(__import__("pickle").dumps([1, 2]))\n    if not replies:',
        "holds_no_pickle",
        "x is or contains a pickle",
    ),
    Fault(
        "trainer",
        "    if not replies:",
        '    (into / "x").write_text(str(into.resolve().parents[2]))\n    if not replies:',
        "files_only",
        "x contains a path of this machine",
    ),
    Fault(
        "trainer",
        "    if not replies:",
        '    (into / "x").write_text(repr(object()))\n    if not replies:',
        "training_again",
        "differ in these files: ['x']",
    ),
    Fault(
        "trainer",
        "for request in requests]",
        "for request in requests[:3]]",
        "every_request_gets_a_reply",
        "did not return one reply per request: 3 for",
    ),
    Fault(
        "trainer",
        "not replies:",
        "len(replies) < 2: raise RuntimeError\n    if not replies:",
        "single_pair",
        "a corpus of one pair is not handled",
    ),
    Fault(
        "deployer",
        "        server.serve_forever()",
        "        import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        server.serve_forever()",
        "stops_on_a_signal",
        "signal 15 did not end",
    ),
    Fault(
        "deployer",
        "reply.text.replace",
        "reply.text.upper().replace",
        "replies_of_the_model_are_delivered",
        "ECHO HELLO",
    ),
]
QUICK = {
    "all_messages_are_read",
    "every_message_is_kept_or_dropped",
    "labels_are_words",
    "holds_no_pickle",
    "inputs_have_files",
    "plugin_loads",
}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault.test in QUICK else pytest.mark.soak) for fault in FAULTS]
)
def test_a_fault_is_detected(fault: Fault, tmp_path: Path) -> None:
    code = (TEMPLATES / f"{fault.kind}.py.txt").read_text().replace("$stage", STAGE)
    assert fault.correct in code
    code = code.replace("from __future__ import annotations", "").replace(fault.correct, fault.faulty)
    site = tmp_path / "site"
    site.mkdir()
    lay_out(site, "acc-broken", "broken", "from typing import Any\n" + code)
    tests = (TEMPLATES / f"{fault.kind}_test.py.txt").read_text().replace("$stage", STAGE)
    if fault.kind == "deployer":  # it is not waited for long
        tests = tests.replace("    name =", "    seconds = 3\n    name =")
    (tmp_path / "test_it.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", fault.test, "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert fault.message in done.stdout


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"a": [1, 2]}', b"echo\n", b"0", b"1.5", b".", b"N.", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', }"],
)
def test_data_is_not_taken_for_a_pickle(content: bytes) -> None:
    assert not contains_pickle(content)


def test_pickles_are_detected_in_archives_and_arrays() -> None:
    import io
    import pickle
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", pickle.dumps({"weights": [1.0]}))
    assert contains_pickle(archive.getvalue())
    assert contains_pickle(b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'shape': (3,)}")
    assert all(contains_pickle(pickle.dumps(["x", 1], protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))

"""The contracts of `autocakechat.testing` catch what they are there for: stages with one fault each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autocakechat.testing.trainer import is_pickle
from tests.conftest import ROOT
from tests.distributions import lay_out

GOOD = ROOT / "core" / "registry" / "template"
STAGE = "broken"

FAULTS = [
    # kind, what stands in the template, what is written instead, the test that fails, what it says
    (
        "source",
        'path.open(encoding="utf-8") as lines',
        'path.open(encoding="latin-1") as lines',
        "what_was_said_is_read",
        "",
    ),
    ("source", "enumerate(lines)", "enumerate(lines.readlines())", "needs_no_more_memory", "read line by line"),
    ("source", "Input(options.path.name", "Input(str(options.path)", "same_wherever_the_log_lies", "in one folder and"),
    ("source", "sent=60 * number", "sent=-60 * number", "right_types", "messages must come oldest first"),
    ("source", "id=number", "id=str(number)", "right_types", "id is '0'"),
    ("source", "id=number", "id=7", "right_types", "two messages of a chat have one id"),
    (
        "source",
        "if not options.path.is_file()",
        "if False",
        "not_there_is_refused",
        "a path that is not there must be refused",
    ),
    ("source", 'help="the text file"', 'help=""', "every_option_is_explained", "option 'path' has no help"),
    ("source", "path: Path", "path: Any", "wrong_type_is_refused", "option 'path' takes anything"),
    (
        "extractor",
        'chat.drop(question, "no answer")',
        "pass",
        "every_message_is_settled",
        "call chat.drop(message, reason)",
    ),
    ("extractor", "elif not message.own_words", "elif False", "not_bobs_own", "learnt as his words"),
    ("extractor", "in chat.messages", "in list(chat.messages)", "while_the_chat_is_read", "yield as you go"),
    ("extractor", ", messages=(message.position,)", "", "become_dialogs", "set `messages`"),
    ("extractor", "question is None", "False", "odd_messages", "AttributeError"),
    ("annotator", "in dialogs:", "in list(dialogs):", "still_to_come", "yield as you go"),
    ("annotator", "emotion, utterance.messages", "emotion", "comes_back_in_order", "was lost, added or changed"),
    ("annotator", 'else "neutral"', 'else ""', "labels_are_words", "which is no word"),
    (
        "annotator",
        "        yield Dialog",
        "        if dialog.started % 2: continue\n        yield Dialog",
        "comes_back",
        "was lost",
    ),
    ("trainer", 'return {"answers": len(answers)}', "return {}", "metrics_have_names", "returns what it measured"),
    (
        "trainer",
        "    if not answers:",
        '    (into / "x").write_bytes(__import__("pickle").dumps([1, 2]))\n    if not answers:',
        "holds_no_pickle",
        "x is or holds a pickle",
    ),
    (
        "trainer",
        "    if not answers:",
        '    (into / "x").write_text(str(into.resolve().parents[2]))\n    if not answers:',
        "files_only",
        "x names a path of this machine",
    ),
    (
        "trainer",
        "    if not answers:",
        '    (into / "x").write_text(repr(object()))\n    if not answers:',
        "training_again",
        "these files differ: ['x']",
    ),
    (
        "trainer",
        "for request in requests]",
        "for request in requests[:3]]",
        "every_request_gets_a_reply",
        "requests, 3 replies",
    ),
    (
        "trainer",
        "not answers:",
        "len(answers) < 2: raise RuntimeError\n    if not answers:",
        "very_few_answers",
        "one answer broke it",
    ),
    (
        "deployer",
        "        server.serve_forever()",
        "        import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        server.serve_forever()",
        "stops_when_told",
        "signal 15 did not end it",
    ),
    ("deployer", "reply.text.replace", "reply.text.upper().replace", "get_the_models_answers", "ECHO HELLO"),
]
QUICK = {"what_was_said_is_read", "every_message_is_settled", "labels_are_words", "holds_no_pickle"}


@pytest.mark.parametrize(
    ("kind", "good", "bad", "test", "said"),
    [pytest.param(*fault, marks=() if fault[3] in QUICK else pytest.mark.soak) for fault in FAULTS],
)
def test_a_fault_is_caught(kind: str, good: str, bad: str, test: str, said: str, tmp_path: Path) -> None:
    code = (GOOD / f"{kind}.py.txt").read_text().replace("$stage", STAGE)
    assert good in code
    site = tmp_path / "site"
    site.mkdir()
    lay_out(
        site,
        "acc-broken",
        "broken",
        "from typing import Any\n" + code.replace("from __future__ import annotations", "").replace(good, bad),
    )
    tests = (GOOD / f"{kind}_test.py.txt").read_text().replace("$stage", STAGE)
    (tmp_path / "test_it.py").write_text(tests.replace("    name =", "    seconds = 3\n    name ="))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", test, "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"a": [1, 2]}', b"echo\n", b"0", b"1.5", b".", b"N.", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', }"],
)
def test_data_is_no_pickle(content: bytes) -> None:
    assert not is_pickle(content)


def test_pickles_are_found_in_archives_and_arrays_too() -> None:
    import io
    import pickle
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", pickle.dumps({"weights": [1.0]}))
    assert is_pickle(archive.getvalue())
    assert is_pickle(b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'shape': (3,)}")
    assert all(is_pickle(pickle.dumps(["x", 1], protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))

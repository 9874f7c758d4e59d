"""Real-world inputs that went wrong once, from the reference material beside the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autocakechat import RunContext, UserError
from tests.conftest import SHARED
from tests.extractors.chats import Extracted, extract_export
from tests.sources.exports import export_json, make_chat, make_message

CASES = SHARED / "cases"
GREETINGS = [["hello", "hi Bob", "how are you?", "fine"]]
DIALOGS = {
    "A03-utf16-le": GREETINGS,
    "A05-zip-in-folder": GREETINGS,
    "A09-other-json-in-folder": GREETINGS,
    "A10-symlinked-folder": GREETINGS,
    "A13-upper-case-name": GREETINGS,
    "A25-message-of-20-MB": GREETINGS,
    "A34-messages-first": GREETINGS,
    "A46-text-only-whitespace": [["q", "real"]],
    "A52-answers-to-photo-days": [["do you come on Sunday?", "yes"]],
    "A54-other-json-finetune": GREETINGS,
    "A58-single-group-one-speaker": [],
    "T07-rich-message": [
        ["what do we need?", "Shopping\nfor the weekend:\nbread\ntwo big cheeses", "and wine?", "of course"]
    ],
    "T08-forum-topics": [
        ["my cat eats nothing", "try fish", "thanks, fish works", "great to hear"],
        ["when are taxes due?", "in July", "and for companies?", "in October"],
    ],
    "T14-imported-from-whatsapp": [["and now here", "yes here"]],
}
ERRORS = {
    "A17-account-without-chats": "the export of an account, but without chats",
    "T16-tdl-export": "an export of tdl, which contains no senders",
}
WARNINGS = {
    "A09-other-json-in-folder": ["passed over: empty.json", "passed over: export_results.json"],
    "A25-message-of-20-MB": ["messages larger than 16 MiB are dropped: 1"],
    "A54-other-json-finetune": ["passed over: finetune.json"],
    "A58-single-group-one-speaker": ["only one participant writes in the group G"],
    "T14-imported-from-whatsapp": ["4 forwards look like a history imported"],
}


def log_of_case(name: str, folder: Path) -> Path:
    """Copies a case, with the links and the large texts that the reference material describes."""
    if not CASES.is_dir():
        pytest.skip("the reference material is not beside the checkout")
    case = folder / name
    shutil.copytree(CASES / name, case, symlinks=True)
    log = case / "tg_data"
    if name.startswith("A10") and (log / "ChatExport").is_file():  # a link that was copied as a file
        target = (log / "ChatExport").read_text()
        (log / "ChatExport").unlink()
        (log / "ChatExport").symlink_to(target)
    if name.startswith("A25"):
        texts = ["hello", "hi Bob", "x" * 20_000_000, "how are you?", "fine"]
        messages = [make_message(n, 222 if n % 2 or n == 4 else 111, text) for n, text in enumerate(texts, 1)]
        messages[-1]["from_id"] = "user111"
        log.mkdir()
        (log / "result.json").write_text(export_json(make_chat(messages, id=222)))
    return log


def extracted(log: Path, run: RunContext) -> Extracted:
    return extract_export(log, run, "me" if "A34" in str(log) else "user111")


@pytest.mark.parametrize("name", DIALOGS)
def test_case(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert extracted(log_of_case(name, tmp_path), run).texts == DIALOGS[name]
    expected = WARNINGS.get(name, [])
    assert len(caplog.messages) == len(expected)
    assert all(text in message for text, message in zip(expected, caplog.messages, strict=True))


@pytest.mark.parametrize("name", ERRORS)
def test_case_that_is_refused(tmp_path: Path, run: RunContext, name: str) -> None:
    with pytest.raises(UserError, match=ERRORS[name]):
        extracted(log_of_case(name, tmp_path), run)


def test_a_case_given_as_the_archive_itself(tmp_path: Path, run: RunContext) -> None:
    assert extracted(log_of_case("A06-zip-file", tmp_path) / "ChatExport.zip", run).texts == GREETINGS


def test_every_case_has_a_test() -> None:
    if not CASES.is_dir():
        pytest.skip("the reference material is not beside the checkout")
    cases = {path.name for path in CASES.iterdir() if path.name[0] in "AT" and path.is_dir()}
    assert cases == {*DIALOGS, *ERRORS, "A06-zip-file"}

"""Recognises the two formats with one JSON value a line: messages, and the dialogs of a corpus."""

from __future__ import annotations

from autocakechat.plugins.sources.jsonl.files import HEAD_SIZE, FileFormat
from autocakechat.plugins.sources.jsonl.records import InvalidRecordError, parse_record

_BOM = b"\xef\xbb\xbf"
_REQUIRED = ("chat", "sender", "time", "text")


def is_corpus(head: bytes) -> bool:
    """Returns whether a file is a corpus: its lines are lists of utterances."""
    first = head.removeprefix(_BOM).lstrip()
    return first.startswith(b"[") and first[1:].lstrip().startswith(b"{") and b'"text"' in first.partition(b"\n")[0]


def _problem(_name: str, head: bytes) -> str:
    first, line_break, _ = head.removeprefix(_BOM).lstrip().partition(b"\n")
    if is_corpus(head):
        return ""
    if not first.startswith(b"{"):
        return "not JSON Lines: the first line is not a JSON object"
    if not line_break and len(head) == HEAD_SIZE:  # a long line, which is not complete
        missing = [name for name in _REQUIRED if f'"{name}"'.encode() not in first]
        return f"the first line is not a message: it has no {missing[0]}" if missing else ""
    try:
        parse_record(first)
    except InvalidRecordError as error:
        return f"the first line is not a message: {error}"
    return ""


LINES = FileFormat(
    (".jsonl", ".ndjson", ".txt"),
    _problem,
    'write one message a line: {"chat": "c1", "sender": "ann", "time": 1700000000, "text": "hi"}',
)

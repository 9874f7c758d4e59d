"""Reads a corpus in CakeChat's format, one dialog a line, as a chat between `client` and `server`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO

import msgspec

from autocakechat import Chat, Message, RunContext, Utterance, escape_control_characters
from autocakechat.plugins.sources.records.chat_index import MAX_LINE

CLIENT, SERVER = "client", "server"
_PAUSE = 2 * 60 * 60  # seconds between two dialogs, so that an extractor keeps them apart
_decode = msgspec.json.Decoder(tuple[Utterance, ...]).decode


def read_corpus(name: str, file: BinaryIO, run: RunContext) -> Chat:
    """Reads the dialogs of a corpus.

    Args:
        name: The name of the file.
        file: The file, at its beginning.
        run: The run, for the progress display and warnings.

    Returns:
        A chat. A corpus has no times, so the dialogs are two hours apart.
    """
    return Chat(name, PurePath(name).stem, "corpus", _messages(name, file, run))


def _messages(name: str, file: BinaryIO, run: RunContext) -> Iterator[Message]:
    shown, sent, id_, damaged = escape_control_characters(name), 0, 0, 0
    with run.progress(f"reading {shown}", unit="B") as progress:
        for line in iter(lambda: file.readline(MAX_LINE), b""):
            progress.advance(len(line))
            if line.isspace():
                continue
            try:
                turns = _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                turns = ()
            if not turns:
                damaged += 1
                id_ += 1
                yield Message(id_, "", None, "", sent, kind="damaged dialog")
            for number, turn in enumerate(turns):
                id_ += 1
                # The last turn is the reply to learn; the speakers alternate.
                speaker = SERVER if (len(turns) - number) % 2 else CLIENT
                yield Message(id_, speaker, None, turn.text, sent, label=turn.emotion or None)
            sent += _PAUSE
    if damaged:
        run.log.warning("%s: %d lines are not dialogs", shown, damaged)

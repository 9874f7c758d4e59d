"""Starts llama.cpp in a separate process, and talks to it over a Unix socket.

The process protects the bot: a crash of native code ends only llama.cpp, and its signal handlers and messages stay
there. The socket is in a folder that only this user may enter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import weakref
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from autocakechat import UserError

_CHILD = Path(__file__).with_name("llama_child.py")
_ERROR = re.compile(r"^[\d.]+ E +(?:cmn|srv|slot)? *\S+: (.*)$", re.MULTILINE)

_SOCKET = "llama.sock"  # the ending tells llama.cpp that it is a Unix socket
_LONGEST_PATH = 103
"""The longest path of a socket in bytes: 103 on macOS, 107 on Linux."""
_PROMPT_CACHE_MIB = 64
_BATCH_TOKENS = 128


class LlamaProcess:
    """A process of llama.cpp with a loaded model.

    Args:
        base: The base, a GGUF file.
        adapter: The adapter, a GGUF file; None for the base alone.
        slots: How many texts it continues at once.
        window: How many tokens each slot holds.

    Raises:
        UserError: A file is missing or damaged, or llama.cpp cannot run the model.
    """

    def __init__(self, base: Path, adapter: Path | None, slots: int, window: int) -> None:
        for file in (base, adapter):
            if file and not file.is_file():
                raise UserError(f"{file}: no such file", "give the path of a GGUF file")
        self._base = base
        folder = _make_folder()
        self._socket = folder / _SOCKET
        log = folder / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - this Python and a file of this package
                [sys.executable, "-P", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,  # so that Ctrl-C reaches the bot only
            )
        self.close = weakref.finalize(self, _end, process, folder)
        settings = {
            "base": str(base.resolve()),
            "adapter": str(adapter.resolve()) if adapter else None,
            "socket": str(self._socket),
            "slots": slots,
            "context_tokens": slots * window,
            "prompt_cache_mib": _PROMPT_CACHE_MIB,
            "batch_tokens": _BATCH_TOKENS,
        }
        if not _started(process, settings):
            reason = _reason(log.read_text(encoding="utf-8", errors="replace"))
            self.close()
            files = f"{base} with {adapter}" if adapter else f"{base}"
            raise UserError(f"{files}: llama.cpp cannot load it: {reason}", "get the file again, or update xllamacpp")

    def post(self, path: str, content: object) -> Any:
        """Sends a request and returns the answer.

        Args:
            path: The path of the request, such as `/completion`.
            content: The content.

        Raises:
            UserError: The process ended, or refused the request.
        """
        connection = _UnixConnection(self._socket)
        try:
            connection.request("POST", path, json.dumps(content), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException):
            raise UserError(
                f"{self._base}: llama.cpp ended while it replied",
                'free memory and start again, or set engine = "torch"',
            ) from None
        finally:
            connection.close()
        if response.status != 200:
            raise UserError(f"{self._base}: llama.cpp cannot reply: {answer['error']['message']}")
        return answer


class _UnixConnection(HTTPConnection):
    """An HTTP connection over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def _make_folder() -> Path:
    """Makes a folder that only this user may enter, in which the path of the socket is not too long."""
    folder = Path(tempfile.mkdtemp(prefix="acc-"))
    if len(os.fsencode(folder / _SOCKET)) > _LONGEST_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="acc-", dir="/tmp"))
    return folder


def _started(process: subprocess.Popen[str], settings: dict[str, Any]) -> bool:
    """Sends the settings and waits until the model is loaded; returns False if the process ended."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return process.stdout.readline() == "ready\n"


def _reason(log: str) -> str:
    """Returns the first message that names a cause, in the log of a process that ended."""
    found = [message.removeprefix("error loading model: ") for message in _ERROR.findall(log)]
    lines = log.strip().splitlines()
    return next(iter(found), lines[-1] if lines else "it ended without a message")


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    """Ends a process, which waits for the end of its standard input, and removes its folder."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)

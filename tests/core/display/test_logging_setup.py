"""Log lines have a time where nothing else adds it; secrets stay out of logs, tracebacks and error messages."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
from pathlib import Path

import pytest

from autocakechat import Secret
from autocakechat.display.logging_setup import RedactingFormatter, Redactor, needs_log_time
from autocakechat.errors import UserError

TOKEN = "123456:not/a real+token"


@pytest.fixture
def redact() -> Redactor:
    redactor = Redactor()
    redactor.add(TOKEN)
    return redactor


@pytest.mark.parametrize(
    "text", [f"https://host/bot{TOKEN}/getMe", "bot123456%3Anot%2Fa%20real%2Btoken", f"Bot(token={TOKEN!r})"]
)
def test_secret_is_replaced_in_every_spelling(redact: Redactor, text: str) -> None:
    shown = redact(text)
    assert "not" not in shown
    assert "[secret]" in shown


@pytest.mark.parametrize("verbose", [True, False])
def test_secret_is_replaced_in_logs_and_tracebacks(redact: Redactor, verbose: bool) -> None:
    try:
        raise ValueError(TOKEN)
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "connecting to %s", (TOKEN,), (type(error), error, None))
    shown = RedactingFormatter(redact, verbose).format(record)
    assert TOKEN not in shown
    assert "connecting to [secret]" in shown
    assert ("ValueError: [secret]" in shown) == verbose


@pytest.mark.parametrize(
    ("verbose", "with_time", "shape"),
    [
        (False, False, r"warning: slow"),
        (False, True, r"TIME warning: slow"),
        (True, False, r"TIME bot WARNING: slow"),
    ],
)
def test_a_time_is_local_with_its_offset(redact: Redactor, verbose: bool, with_time: bool, shape: str) -> None:
    record = logging.LogRecord("bot", logging.WARNING, "f", 1, "slow", (), None)
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"
    assert re.fullmatch(shape.replace("TIME", time), RedactingFormatter(redact, verbose, with_time).format(record))


def test_only_a_log_in_a_file_or_a_pipe_needs_times(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    with open(terminal, "w") as shown, open(other_end), (tmp_path / "log").open("w") as file:
        assert not needs_log_time(shown, {})
        status = os.fstat(file.fileno())
        assert not needs_log_time(file, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        # Programs of a desktop session inherit the variable.
        assert needs_log_time(file, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert needs_log_time(file, {})
    assert not needs_log_time(io.StringIO(), {})


def test_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert Secret(file=tmp_path / "token").reveal() == TOKEN
    assert Secret(env="TOKEN").reveal({"TOKEN": TOKEN}) == TOKEN


@pytest.mark.parametrize("secret", [Secret(env="ACC_TEST_NOT_SET"), Secret(file=Path("/nowhere/token"))])
def test_error_for_a_missing_secret_is_one_line(secret: Secret) -> None:
    with pytest.raises(UserError) as raised:
        secret.reveal()
    assert str(secret) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_repr_does_not_contain_the_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    secret = Secret(file=tmp_path / "token")
    assert secret.reveal() not in repr(secret)

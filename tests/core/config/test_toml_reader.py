"""The line numbers of keys in a TOML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat.config.toml_reader import read_toml
from autocakechat.errors import UserError

TEXT = '''\
seed = 1

[[source]]
use = "telegram"
paths = [
    "a",   # [not.a.table]
    "b",
]

[[source]]
text = """
[inside.a.string]
key = 1
"""

[plugins.more]
"quoted key".inner = 2
secret = { env = "X" }
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.toml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("seed",), 1),
        (("source", 0), 3),
        (("source", 0, "paths"), 5),
        (("source", 1), 10),
        (("source", 1, "text"), 11),
        (("plugins", "more"), 16),
        (("plugins", "more", "quoted key", "inner"), 17),
        (("plugins", "more", "secret", "env"), 18),
    ],
)
def test_a_key_has_its_line(file: Path, key: tuple[str | int, ...], line: int) -> None:
    assert read_toml(file).line(key) == line


def test_a_key_that_is_missing_has_the_line_of_its_table(file: Path) -> None:
    assert read_toml(file).line(("source", 1, "missing")) == 10


@pytest.mark.parametrize(
    ("content", "message"), [(b"seed = ", "not valid TOML"), (b"\xff", "not UTF-8 at byte 0"), (None, "no such file")]
)
def test_an_unreadable_file_is_an_error_of_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "pipeline.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read_toml(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)

"""Properties of every export: texts, names and times are read as they were written."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from autocakechat_whatsapp import Options, inputs, read
from autocakechat_whatsapp.header import parse_header
from autocakechat_whatsapp.sentences import SYSTEM_MESSAGE, WAITING
from autocakechat_whatsapp.system_text import strip_android_text, strip_ios_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from formats import FORMATS

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

characters = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"])
names = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12)
lines = st.text(characters, max_size=40)
texts = st.lists(lines, min_size=1, max_size=4).map("\n".join)
steps = st.integers(min_value=0, max_value=90 * 24 * 60)


def is_plain(text: str) -> bool:
    """Whether a text contains nothing that looks like a header or like system text."""
    return (
        text == text.rstrip("\n")
        and strip_android_text(text) == strip_ios_text(text) == ("text", text)
        and not any(map(parse_header, text.split("\n")[1:]))
    )


KINDS = {"text", SYSTEM_MESSAGE, WAITING, "deleted message", "call", "view-once media", "location", "media", "file"} | {
    "poll", "event", "photo", "sticker", "animation", "video", "voice message", "audio file", "contact",
}  # fmt: skip

conversations = st.lists(st.tuples(names, texts.filter(is_plain), steps), min_size=1, max_size=20)


@quick
@given(conversation=conversations, form=st.sampled_from(sorted(FORMATS)), end=st.sampled_from(["\n", "\r\n"]))
def test_texts_are_read_as_they_were_written(
    conversation: list[tuple[str, str, int]], form: str, end: str, tmp_path: Path, acc_run: RunContext
) -> None:
    names = [name for name, _, _ in conversation] + ["Zoe"]
    texts = [text for _, text, _ in conversation] + ["bye"]
    start = datetime(2020, 1, 1, tzinfo=UTC)
    minutes = accumulate(step for _, _, step in conversation)
    times = [start + timedelta(minutes=elapsed) for elapsed in minutes]
    # The day of the last message is greater than 12, which determines the date order.
    times.append((times[-1] + timedelta(days=31)).replace(day=25))
    messages = [FORMATS[form](time, name, text) for time, name, text in zip(times, names, texts, strict=True)]
    content = "".join(f"{message}\n" for message in messages)
    path = tmp_path / "chat.txt"
    path.write_bytes(content.replace("\n", end).encode())
    options = Options(path=path)
    (chat,) = read(options, inputs(options)[0], acc_run)
    read_messages = list(chat.messages)
    assert [message.text for message in read_messages] == texts
    assert [message.sender_name for message in read_messages] == names
    assert [message.sent for message in read_messages] == [int(time.timestamp()) for time in times]


@quick
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode), form=st.sampled_from(sorted(FORMATS)))
def test_any_content_after_a_header_is_read(content: bytes, form: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(FORMATS[form](datetime(2024, 1, 25, 10, 5), "Ann", "hi").encode() + b"\n" + content)
    options = Options(path=path)
    (chat,) = read(options, inputs(options)[0], acc_run)
    first, *_ = chat.messages
    assert first.sender_name == "Ann"
    assert first.text == "hi" or first.text.startswith("hi\n")


@quick
@given(text=st.text(max_size=200))
def test_any_text_can_be_stripped(text: str) -> None:
    for strip in (strip_ios_text, strip_android_text):
        kind, rest = strip(text)
        assert kind in KINDS
        characters = iter(text)
        assert all(character in characters for character in rest), "the result is not a subsequence of the text"


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_truncated_export_loses_only_its_end(form: str, tmp_path: Path, acc_run: RunContext) -> None:
    times = [datetime(2024, 1, 25, 10, 5) + timedelta(hours=number) for number in range(4)]
    lines = [FORMATS[form](time, "Ann", "good morning").encode() for time in times]
    content = b"\n".join(lines)
    path = tmp_path / "chat.txt"
    for length in range(len(lines[0]), len(content), 3):  # the first message is complete
        path.write_bytes(content[:length])
        options = Options(path=path)
        (chat,) = read(options, inputs(options)[0], acc_run)
        texts = [message.text for message in chat.messages]
        complete = content[:length].count(b"good morning")
        assert complete <= len(texts) <= complete + 1
        assert texts[:-1] == ["good morning"] * (len(texts) - 1)
        # The last message may end early, or continue with the beginning of a header.
        assert "good morning".startswith(texts[-1]) or texts[-1].startswith("good morning\n")

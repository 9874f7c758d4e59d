"""Properties of every export: texts, names and times are read as they were written."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from autocakechat_whatsapp import Options, inputs, read
from autocakechat_whatsapp.header import parse_header
from autocakechat_whatsapp.system_text import strip_system_text
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
        and strip_system_text(text) == ("text", text)
        and not any(map(parse_header, text.split("\n")[1:]))
    )


conversations = st.lists(st.tuples(names, texts.filter(is_plain), steps), min_size=1, max_size=20)


@quick
@given(conversation=conversations, form=st.sampled_from(sorted(FORMATS)), end=st.sampled_from(["\n", "\r\n"]))
def test_texts_are_read_as_they_were_written(
    conversation: list[tuple[str, str, int]], form: str, end: str, tmp_path: Path, acc_run: RunContext
) -> None:
    # The day of the last message is greater than 12, which determines the date order.
    moment, sent = datetime(2020, 1, 1, tzinfo=UTC), []
    for _, _, step in conversation:
        moment += timedelta(minutes=step)
        sent.append(moment)
    conversation = [*conversation, ("Zoe", "bye", 0)]
    sent.append((moment + timedelta(days=31)).replace(day=25))
    written = [FORMATS[form](when, who, text) for when, (who, text, _) in zip(sent, conversation, strict=True)]
    path = tmp_path / "chat.txt"
    path.write_bytes((end.join(written).replace("\n", end).replace("\r\r", "\r") + end).encode())
    options = Options(path=path)
    (chat,) = read(options, inputs(options)[0], acc_run)
    messages = list(chat.messages)
    assert [m.text for m in messages] == [text for _, text, _ in conversation]
    assert [m.sender_name for m in messages] == [who for who, _, _ in conversation]
    assert [m.sent for m in messages] == [int(when.timestamp()) for when in sent]


@quick
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode), form=st.sampled_from(sorted(FORMATS)))
def test_any_content_after_a_header_is_read(content: bytes, form: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(FORMATS[form](datetime(2024, 1, 25, 10, 5), "Ann", "hi").encode() + b"\n" + content)
    options = Options(path=path)
    (chat,) = read(options, inputs(options)[0], acc_run)
    first, *_ = chat.messages
    assert first.text.startswith("hi")


@quick
@given(text=st.text(max_size=200))
def test_any_text_can_be_stripped(text: str) -> None:
    kind, rest = strip_system_text(text)
    assert kind
    assert len(rest) <= len(text)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_truncated_export_loses_only_its_end(form: str, tmp_path: Path, acc_run: RunContext) -> None:
    times = [datetime(2024, 1, 25, 10, 5) + timedelta(hours=number) for number in range(4)]
    content = "\n".join(FORMATS[form](when, "Ann", "good morning") for when in times).encode()
    path = tmp_path / "chat.txt"
    for length in range(len(content) * 3 // 8, len(content), 3):
        path.write_bytes(content[:length])
        options = Options(path=path)
        (chat,) = read(options, inputs(options)[0], acc_run)
        texts = [message.text for message in chat.messages]
        assert texts[0].startswith("good morning")
        assert len(texts) <= len(times)

"""Dates: their order by likelihood, wrong clocks, several header forms in one file, other calendars."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from autocakechat_whatsapp import Options, inputs, read, recognises

from autocakechat import Message, RunContext, UserError

Read = Callable[..., list[Message]]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("form", ["[{0:%d/%m/%Y}, 8:00:00 AM]", "[{0.day}/{0.month}/{0:%y}, 8:00:00 AM]"])
def test_consecutive_days_are_likelier_than_a_month_between_all_messages(form: str, messages: Read) -> None:
    days = [date(2024, 12, day) for day in range(5, 10)]
    read = messages("".join(f"{form.format(day)} Bob: hi\n" for day in days))
    assert [message.sent for message in read] == [at(f"{day} 08:00") for day in days]


def test_consecutive_days_of_an_american_phone(messages: Read) -> None:
    days = [date(2024, 12, day) for day in range(5, 10)]
    read = messages("".join(f"{day:%m/%d/%Y}, 20:00 - Bob: hi\n" for day in days))
    assert [message.sent for message in read] == [at(f"{day} 20:00") for day in days]


def test_one_pasted_line_does_not_turn_the_dates_of_a_chat(messages: Read) -> None:
    lines = [f"{day:%d/%m/%Y}, 20:00 - Bob: hi\n" for day in (date(2024, 6, day) for day in range(1, 12))]
    read = messages("".join([*lines, "05/25/2024, 10:00 - Eve: pasted\n"]))
    assert read[0].sent == at("2024-06-01 20:00")
    assert read[-1].text == "hi\n05/25/2024, 10:00 - Eve: pasted"


@pytest.mark.parametrize("wrong", ["1/5/31", "1/5/19"])
def test_one_wrong_date_disturbs_no_other_message(wrong: str, messages: Read) -> None:
    text = (
        "1/5/24, 10:00 - Bob: one\n1/5/24, 10:01 - Ann: two\n"
        f"{wrong}, 10:02 - Bob: my clock is wrong\n"
        "1/5/24, 10:03 - Ann: three\n2/5/24, 18:00 - Bob: a day later\n2/5/24, 18:01 - Ann: four\n"
    )
    times = [message.sent for message in messages(text)]
    day = at("2024-05-01 10:00")
    assert [time - day for time in times[:2] + times[3:]] == [0, 60, 180, 115_200, 115_260]
    assert times == sorted(times)


def test_some_messages_of_a_wrong_clock_do_not_move_those_after_them(messages: Read) -> None:
    wrong = "".join(f"1/5/31, 10:0{minute} - Bob: wrong\n" for minute in range(3))
    text = f"1/5/24, 10:00 - Ann: one\n{wrong}1/5/24, 10:04 - Ann: two\n1/5/24, 10:05 - Bob: three\n"
    assert [m.sent for m in messages(text)][-2:] == [at("2024-05-01 10:04"), at("2024-05-01 10:05")]


FIRST_FORM = "6/30/23, 16:13 - Messages and calls are end-to-end encrypted.\n6/30/23, 16:14 - Bob: hello there!\n"
SECOND_FORM = "".join(f"30/6/2023, 16:1{minute} - Bob: {minute}\n" for minute in range(6, 9))


@pytest.mark.parametrize(("text", "count"), [(FIRST_FORM + SECOND_FORM, 5), (FIRST_FORM * 3 + SECOND_FORM, 9)])
def test_two_forms_in_one_file_are_read(text: str, count: int, messages: Read) -> None:
    read = messages(text)
    assert len(read) == count
    assert [message.text for message in read][-3:] == ["6", "7", "8"]
    assert read[-1].sent == at("2023-06-30 16:18")


def test_lines_that_look_like_messages_and_are_not_read_are_warned_of(
    messages: Read, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        read = messages("24/12/2024, 18:00 - Ann: look:\n2019-01-03 14:14 - Carl: hi\n24/24/2024, 18:01 - Bob: ok\n")
    assert len(read) == 1
    assert "chat.txt: lines that look like messages" in caplog.text
    assert ": 2, the first one is line 2" in caplog.text


def test_a_chat_without_such_lines_is_not_warned_of(messages: Read, caplog: pytest.LogCaptureFixture) -> None:
    messages("24/12/2024, 18:00 - Ann: at 18:00 - or\n12/2024: fine\n")
    assert not caplog.records


@pytest.mark.parametrize(
    ("calendar", "dates"),
    [
        ("Persian", ["۱۴۰۲/۳/۵،\u200f ۱۰:۰۰", "1402/03/06, 10:01"]),
        ("Islamic", ["٥\u200f/٣\u200f/١٤٤٥، ١٠:٠٠", "6/3/1445, 10:01"]),
        ("Hebrew", ["5/3/5784, 10:00", "6/3/5784, 10:01"]),
        ("unknown", ["5/3/3784, 10:00", "6/3/3784, 10:01"]),
    ],
)
def test_a_calendar_that_is_not_read_is_named(
    calendar: str, dates: list[str], tmp_path: Path, acc_run: RunContext
) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("".join(f"{day} - Bob: hi\n" for day in dates))
    options = Options(path=path)
    assert recognises(path)
    with pytest.raises(UserError, match=rf"calendar that is not read \({calendar}\); set the phone"):
        list(read(options, inputs(options)[0], acc_run))


def test_days_at_the_end_of_a_month_that_do_not_exist_take_the_time_before(messages: Read) -> None:
    start = datetime(2023, 2, 28, 10, tzinfo=UTC)
    read = messages("28/02/2023, 10:00 - Ann: a\n31/02/2023, 10:00 - Ann: b\n01/03/2023, 10:00 - Ann: c\n")
    assert [m.sent for m in read] == [int((start + timedelta(days=days)).timestamp()) for days in (0, 0, 1)]

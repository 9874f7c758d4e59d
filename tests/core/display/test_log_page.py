"""The page of `acc inspect`."""

from __future__ import annotations

from autocakechat import Chat, Message
from autocakechat.display.log_page import page
from autocakechat.statistics.activity import ActivityCounter
from autocakechat.statistics.log_summary import LogSummary, summarize_chat
from tests.core.display.page_content import headings, parse, rows, sections, text_of

DAY = 86_400
JANUARY = 1_704_110_400  # at noon


def log_of(messages: list[Message], title: str | None = "Chat") -> LogSummary:
    activity = ActivityCounter()
    chat = summarize_chat(Chat("c", title, "group", messages), activity)
    return LogSummary("telegram", chat.messages, chat.people, [chat], activity.report())


def message(number: int, sender: str, sent: int, name: str | None = None, text: str = "hi") -> Message:
    return Message(id=number, sender=sender, sender_name=name, text=text, sent=sent)


def test_charts_come_before_tables() -> None:
    messages = [message(n, f"user{n % 2}", JANUARY + n * 9 * 3600) for n in range(700)]
    html = page(log_of(messages))
    assert headings(html)[:3] == ["Messages per month", "Messages by hour of the day", "Participants"]
    content = dict(sections(html))
    for chart in headings(html)[:2]:
        assert [element.tag for element in content[chart]] == ["svg"]


def test_a_month_and_an_hour_alone_are_sentences() -> None:
    html = page(log_of([message(n, "a", JANUARY + n) for n in range(3)]))
    content = {name: " ".join(map(text_of, elements)) for name, elements in sections(html)}
    assert content["Messages per month"] == "2024-01: 3"
    assert content["Messages by hour of the day"].endswith(":00: 3")
    assert content["Gaps between messages"].endswith("under 10 seconds: 2")
    assert content["Response times"].endswith("none")


def test_an_empty_log_makes_a_page() -> None:
    html = page(LogSummary("telegram", 0, [], [], ActivityCounter().report()))
    content = {name: " ".join(map(text_of, elements)) for name, elements in sections(html)}
    assert "0 messages in 0 chats" in content.pop("")
    assert all(text.endswith("none") for text in content.values()), content


def test_response_times_have_segments_and_a_median() -> None:
    times = [0, 5, 10, 3700, 3700 + 2 * DAY, 3710 + 2 * DAY]
    senders = "ababab"
    html = page(log_of([message(n, senders[n], JANUARY + times[n], name=senders[n].upper()) for n in range(6)]))
    table = next(element for name, elements in sections(html) if name == "Response times" for element in elements[2:])
    _, first, second = rows(table)
    assert (first[0], first[2:]) == ("B", ["3", "10 to 60 seconds"])
    assert first[1] == "under a minute: 67 %under 30 minutes: 0 %under a day: 33 %a day and more: 0 %"
    assert (second[0], second[2:]) == ("A", ["2", "under 10 seconds"])
    assert second[1] == "under a minute: 50 %under 30 minutes: 0 %under a day: 0 %a day and more: 50 %"


def test_many_participants_are_cut() -> None:
    html = page(log_of([message(n, f"user{n % 500}", JANUARY + n) for n in range(1000)]))
    participants = next(elements for name, elements in sections(html) if name == "Participants")
    assert "and 475 more" in [text_of(element) for element in participants]
    assert len(list(parse(html).iter("tr"))) < 60
    assert "acc inspect --all" in html


def test_names_in_every_script_are_shown() -> None:
    names = ["Аня", "שלום", "مرحبا", "小明", "👩‍👩‍👧"]
    html = page(log_of([message(n, f"user{n}", JANUARY + n, name=name) for n, name in enumerate(names)]))
    assert set(names) <= {cell for row in rows(parse(html)) for cell in row}


def test_long_names_are_shortened() -> None:
    html = page(log_of([message(n, f"user{n}", JANUARY + n, name="x" * 500) for n in range(2)], title="y" * 500))
    assert "x" * 60 + "…" in html
    assert "x" * 61 not in html
    assert "y" * 61 not in html


def test_a_single_participant_has_no_bar_and_an_empty_column_is_left_out() -> None:
    content = dict(sections(page(log_of([message(1, "a", JANUARY, "Ann")]))))
    assert [rows(element) for element in content["Participants"][1:]] == [
        [["id", "name", "messages"], ["a", "Ann", "1"]]
    ]
    assert [rows(element) for element in content["Chats"]] == [[["chat", "kind", "messages"], ["Chat", "group", "1"]]]

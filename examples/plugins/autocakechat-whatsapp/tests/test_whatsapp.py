"""Reading exports: what is a message, who sent it, when, and what of it is WhatsApp's."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from autocakechat_whatsapp import Options, inputs, read, recognises

from autocakechat import Chat, Message, RunContext, UserError
from autocakechat.testing import SourceContract

sys.path.insert(0, str(Path(__file__).parent))
from formats import FORMATS, IOS, LRM, Writer

START = datetime(2023, 11, 25, 23, 58, tzinfo=UTC)
Read = Callable[..., list[Message]]


class TestContract(SourceContract):
    name = "whatsapp"
    refused = ({"timezone": "Mars/Olympus"}, {"path": 5})

    def write_log(self, folder: Path, said: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        times = (START + timedelta(minutes=number) for number in range(len(said)))
        lines = (f"{at:%d/%m/%Y, %H:%M} - {who}: {text}\n" for at, (who, text) in zip(times, said, strict=False))
        (folder / "WhatsApp Chat with Ann.txt").write_text("".join(lines), "utf-8")
        return {"path": "WhatsApp Chat with Ann.txt"}


@pytest.fixture
def chat(tmp_path: Path, acc_run: RunContext) -> Callable[..., Chat]:
    def chat(text: str | bytes, name: str = "chat.txt", **options: Any) -> Chat:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        chosen = Options(path=path, **options)
        (entry,) = inputs(chosen)
        (chat,) = read(chosen, entry, acc_run)
        return chat

    return chat


@pytest.fixture
def messages(chat: Callable[..., Chat]) -> Read:
    return lambda text, **options: list(chat(text, **options).messages)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("writer", FORMATS.values(), ids=FORMATS)
def test_every_form_of_header_is_read(writer: Writer, messages: Read) -> None:
    times = [
        datetime(2024, 1, 5, 0, 7),
        datetime(2024, 1, 5, 12, 30),
        datetime(2024, 2, 3, 9, 5),
        datetime(2024, 12, 24, 21, 59),
    ]
    said = [
        ("Ann", "hi: there"),
        ("Bob Müller", "two\nlines\n\nand more"),
        ("Ann", "5/5/24"),
        ("+49 170 1234567", "ok - fine"),
    ]
    text = "\n".join(writer(when, who, what) for when, (who, what) in zip(times, said, strict=True))
    read = messages(text + "\n")
    assert [(m.sender_name, m.text) for m in read] == said
    assert [m.sent for m in read] == [int(when.replace(tzinfo=UTC).timestamp()) for when in times]
    assert [m.sender for m in read] == ["Ann", "Bob Müller", "Ann", "+491701234567"]


def test_a_day_over_12_anywhere_tells_the_order_of_all_dates(messages: Read) -> None:
    lines = ["03/04/2024, 10:00 - Ann: a", "04/04/2024, 10:00 - Bob: b"]
    assert messages("\n".join([*lines, "25/04/2024, 10:00 - Ann: c"]))[0].sent == at("2024-04-03 10:00")
    assert messages("\n".join([*lines, "04/25/2024, 10:00 - Ann: c"]))[0].sent == at("2024-03-04 10:00")


def test_where_no_day_is_over_12_time_goes_forwards(messages: Read) -> None:
    assert messages("1/2/24, 10:00 - Ann: a\n2/1/24, 10:00 - Bob: b\n")[0].sent == at("2024-01-02 10:00")
    assert messages("1/2/24, 10:00 - Ann: a\n1/3/24, 10:00 - Bob: b\n2/1/24, 10:00 - Bob: b\n")[0].sent == at(
        "2024-01-02 10:00"
    )
    assert messages("2/1/24, 10:00 - Ann: a\n3/1/24, 10:00 - Bob: b\n1/2/24, 10:00 - Bob: b\n")[0].sent == at(
        "2024-01-02 10:00"
    )


def test_where_both_orders_fit_the_clock_tells_the_country(messages: Read) -> None:
    assert messages("3/4/24, 10:00 AM - Ann: a\n")[0].sent == at("2024-03-04 10:00")
    assert messages("3/4/24, 10:00 - Ann: a\n")[0].sent == at("2024-04-03 10:00")


def test_the_time_zone_of_the_phone_counts(messages: Read) -> None:
    (message,) = messages("[24.12.24, 18:00:00] Ann: hi", timezone="Europe/Berlin")
    assert message.sent == at("2024-12-24 17:00")


def test_midnight_and_noon_of_a_12_hour_clock(messages: Read) -> None:
    text = "".join(
        f"13/1/24, {hour} - Ann: x\n" for hour in ("12:01 am", "11:59 am", "12:00 pm", "1:00 pm", "11:59 pm")
    )
    assert [m.sent - at("2024-01-13 00:00") for m in messages(text)] == [60, 43140, 43200, 46800, 86340]


def test_a_message_that_arrived_late_does_not_turn_time_back(messages: Read) -> None:
    read = messages("[24.12.24, 18:00:00] Ann: a\n[24.12.24, 17:59:58] Bob: b\n[24.12.24, 18:00:03] Ann: c\n")
    assert [m.sent - read[0].sent for m in read] == [0, 0, 3]


def test_headers_of_another_form_are_text_that_somebody_pasted(messages: Read) -> None:
    pasted = "look:\n[3/1/19, 2:14:09 PM] Carl: hello\n2019-01-03 14:14 - Carl: hello"
    read = messages(f"24/12/2024, 18:00 - Ann: {pasted}\n24/12/2024, 18:01 - Bob: wow\n")
    assert [m.text for m in read] == [pasted, "wow"]


def test_dates_that_are_in_no_calendar_are_text(messages: Read) -> None:
    read = messages("24/12/2024, 18:00 - Ann: a\n24/24/2024, 18:00 - Bob: b\n24/12/1024, 18:00 - Bob: c\n")
    assert [m.text for m in read] == ["a\n24/24/2024, 18:00 - Bob: b\n24/12/1024, 18:00 - Bob: c"]


def test_system_lines_belong_to_nobody(messages: Read) -> None:
    text = (
        "24/12/2024, 18:00 - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
        "24/12/2024, 18:00 - Ann created group “Tips: all you need”\n"
        "24/12/2024, 18:00 - Ann: welcome\n"
        "24/12/2024, 18:01 - Ann added Bob\n"
        "24/12/2024, 18:02 - Bob changed the group name from “A: b” to “C: d”\n"
        "24/12/2024, 18:03 - Bob: thanks\n"
    )
    assert [(m.kind.partition(":")[0], m.sender, m.text) for m in messages(text)] == [
        ("service", "", ""),
        ("service", "", ""),
        ("text", "Ann", "welcome"),
        ("service", "", ""),
        ("service", "", ""),
        ("text", "Bob", "thanks"),
    ]


def test_somebody_with_a_quotation_mark_in_the_name_is_a_person(messages: Read) -> None:
    text = "".join(f'24/12/2024, 18:0{number} - Ann "the ant": hi {number}\n' for number in range(3))
    assert [m.sender for m in messages(text)] == ['Ann "the ant"'] * 3


ANDROID_NOTES = {
    "<Media omitted>": ("media", ""),
    "<Medien ausgeschlossen>": ("media", ""),
    "<メディアは含まれていません>": ("media", ""),
    "<המדיה לא נכללה>": ("media", ""),
    "<Media omitted>\nlook at that": ("media", "look at that"),
    "IMG-20240105-WA0001.jpg (file attached)": ("photo", ""),
    f"{LRM}IMG-20240105-WA0001.jpg (Datei angehängt)\nmit Text\nund mehr": ("photo", "mit Text\nund mehr"),
    f"{LRM}PTT-20240105-WA0007.opus (archivo adjunto)": ("voice message", ""),
    f"{LRM}STK-20240105-WA0002.webp (file attached)": ("sticker", ""),
    f"{LRM}my report (2).pdf (file attached)": ("file", ""),
    f"{LRM}Carl.vcf (file attached)": ("contact", ""),
    "This message was deleted": ("deleted message", ""),
    "Diese Nachricht wurde gelöscht.": ("deleted message", ""),
    "このメッセージは削除されました。": ("deleted message", ""),
    "Missed voice call": ("call", ""),
    "null": ("view-once media", ""),
    "location: https://maps.google.com/?q=52.5163,13.3777": ("location", ""),
    "see you <This message was edited>": ("text", "see you"),
    "bis gleich <Diese Nachricht wurde bearbeitet.>": ("text", "bis gleich"),
    "<3": ("text", "<3"),
    "<grin>": ("text", "<grin>"),
    "a <b c> d": ("text", "a <b c> d"),
    "I said This message was deleted, haha": ("text", "I said This message was deleted, haha"),
    "https://maps.google.com/?q=pizza is good": ("text", "https://maps.google.com/?q=pizza is good"),
    "ask @\u2068Bob Müller\u2069 about it": ("text", "ask @Bob Müller about it"),
    "": ("text", ""),
}
IOS_NOTES = {
    f"{LRM}image omitted": ("service", ""),
    f"{LRM}Bild weggelassen": ("service", ""),
    f"{LRM}אין תמונה": ("service", ""),
    f"{LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", ""),
    f"{LRM}<Anhang: 00000012-AUDIO-2024-01-05-10-00-00.opus>": ("voice message", ""),
    f"{LRM}<附件：00000012-STICKER-2024-01-05-10-00-00.webp>": ("sticker", ""),
    f"what a day {LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", "what a day"),
    f"{LRM}what a day {LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", "what a day"),
    f"report.pdf • {LRM}3 pages {LRM}<attached: 00000013-report.pdf>": ("file", ""),
    f"{LRM}This message was deleted.": ("deleted message", ""),
    f"{LRM}POLL:\nPizza?\n{LRM}OPTION: yes ({LRM}2 votes)": ("service", ""),
    f"see you {LRM}<This message was edited>": ("text", "see you"),
    f"נתראה {LRM}<ההודעה הזו שונתה>": ("text", "נתראה"),
    "plain": ("text", "plain"),
}


@pytest.mark.parametrize(("said", "expected"), ANDROID_NOTES.items())
def test_what_whatsapp_wrote_is_told_from_what_people_wrote_on_android(
    said: str, expected: tuple[str, str], messages: Read
) -> None:
    first, last = messages(f"24/12/2024, 18:00 - Ann: {said}\n24/12/2024, 18:01 - Bob: ok\n")
    assert (first.kind.partition(":")[0], first.text, first.sender) == (*expected, "Ann")
    assert last.text == "ok"


@pytest.mark.parametrize(("said", "expected"), IOS_NOTES.items())
def test_what_whatsapp_wrote_is_told_from_what_people_wrote_on_ios(
    said: str, expected: tuple[str, str], messages: Read
) -> None:
    mark = LRM if LRM in said else ""
    first, last = messages(f"{mark}[24.12.24, 18:00:00] Ann: {said}\r\n[24.12.24, 18:00:01] Bob: ok\r\n")
    assert (first.kind.partition(":")[0], first.text) == expected
    assert last.text == "ok"


def test_people_outside_the_address_book_lose_their_tilde_and_numbers_their_blanks(messages: Read) -> None:
    text = "".join(
        f"24/12/2024, 18:00 - {name}: hi\n"
        for name in (
            "~ Ann",
            "~\u202fAnn",
            "Ann",
            "\u202a+49 170 1234567\u202c",
            "+49\xa0170\xa0123-4567",
            "+491701234567",
        )
    )
    assert [m.sender for m in messages(text)] == ["Ann"] * 3 + ["+491701234567"] * 3


def test_two_people_are_a_personal_chat_and_three_a_group(chat: Callable[..., Chat]) -> None:
    two = "24/12/2024, 18:00 - Ann: hi\n24/12/2024, 18:00 - Bob: hi\n"
    assert chat(two).kind == "personal chat"
    assert chat(two + "24/12/2024, 18:00 - Carl: hi\n").kind == "group"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_ends_of_lines_make_no_difference(encoding: str, end: str, messages: Read) -> None:
    text = end.join(["[24.12.24, 18:00:00] Ann: süß 😀", "and more", "[24.12.24, 18:00:01] Bob: ja", ""])
    assert [m.text for m in messages(text.encode(encoding))] == ["süß 😀\nand more", "ja"]


def test_broken_characters_cost_only_themselves(messages: Read) -> None:
    assert messages(b"[24.12.24, 18:00:00] Ann: a\xffb\n")[0].text == "a\ufffdb"


def test_a_zip_is_read_as_it_came_from_the_phone(tmp_path: Path, acc_run: RunContext) -> None:
    for name, inner in (
        ("WhatsApp Chat - Ann.zip", "_chat.txt"),
        ("WhatsApp Chat with Bob.zip", "WhatsApp Chat with Bob.txt"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("00000012-PHOTO-2024-01-05-10-00-00.jpg", b"\xff\xd8\xff")
            archive.writestr("DOC-20240105-WA0003.txt", "a text that somebody sent")
            archive.writestr(inner, "[24.12.24, 18:00:00] Ann: hi\n")
    options = Options(path=tmp_path)
    chats = [chat for entry in inputs(options) for chat in read(options, entry, acc_run)]
    assert [(chat.id, chat.title, [m.text for m in chat.messages]) for chat in chats] == [
        ("WhatsApp Chat - Ann.zip", "WhatsApp Chat - Ann", ["hi"]),
        ("WhatsApp Chat with Bob.zip", "WhatsApp Chat with Bob", ["hi"]),
    ]


def test_an_unpacked_export_is_called_like_its_folder(tmp_path: Path, acc_run: RunContext) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann/_chat.txt").write_text("[24.12.24, 18:00:00] Ann: hi\n")
    (tmp_path / "Ann/shopping list.txt").write_text("milk\n")
    options = Options(path=tmp_path)
    (entry,) = inputs(options)
    (chat,) = read(options, entry, acc_run)
    assert (chat.id, chat.title) == ("Ann/_chat.txt", "Ann")


def encrypted() -> bytes:
    """The beginning of an archive with a password, as zipfile sees it."""
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("_chat.txt", "[24.12.24, 18:00:00] Ann: hi\n")
    content = bytearray(buffer.getvalue())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def archive_without_text() -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", b"")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("result.json", b"{}", "no export of WhatsApp, which is a .txt or a .zip"),
        ("a.txt", b"", "the file is empty"),
        ("a.txt", b"dear diary,\nit is the 5/1/2024\n", "no line begins with a date and a time"),
        ("a.txt", b"\x89PNG\x00\x00\xff" * 100, "no line begins with a date and a time"),
        ("a.zip", b"PK\x03\x04 not really", "a damaged archive"),
        ("a.zip", archive_without_text(), "no .txt"),
        ("a.zip", encrypted(), "an archive with a password"),
    ],
)
def test_a_wrong_file_gets_one_line(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as raised:
        inputs(Options(path=tmp_path / name))
    assert name in str(raised.value)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not recognises(tmp_path / name)


def test_a_file_without_an_end_needs_no_memory(tmp_path: Path, acc_run: RunContext) -> None:
    import tracemalloc

    path = tmp_path / "chat.txt"
    with path.open("w") as file:
        file.write("[24.12.24, 18:00:00] Ann: hi\n")
        for _ in range(100):
            file.write("x" * 200_000)
    options = Options(path=path)
    tracemalloc.start()
    (chat,) = read(options, inputs(options)[0], acc_run)
    texts = [message.text for message in chat.messages]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(texts) == 1
    assert texts[0].startswith("hi\nxxx")
    assert peak < 5_000_000


def test_marks_of_direction_before_a_header_are_no_text(messages: Read) -> None:
    writer = IOS["de"]
    when = datetime(2024, 12, 24, 18, 0)
    text = "\n".join(
        [writer(when, "Ann", "a"), LRM + writer(when, "Bob", f"{LRM}Bild weggelassen"), writer(when, "Ann", "b")]
    )
    assert [m.text for m in messages(text)] == ["a", "", "b"]

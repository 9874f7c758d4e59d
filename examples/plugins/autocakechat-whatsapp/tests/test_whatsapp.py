"""Reading exports: messages, their senders and times, and the text that WhatsApp inserts."""

from __future__ import annotations

import os
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


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("writer", FORMATS.values(), ids=FORMATS)
def test_all_header_formats_are_read(writer: Writer, messages: Read) -> None:
    times = [
        datetime(2024, 1, 5, 0, 7),
        datetime(2024, 1, 5, 12, 30),
        datetime(2024, 2, 3, 9, 5),
        datetime(2024, 12, 24, 21, 59),
    ]
    conversation = [
        ("Ann", "hi: there"),
        ("Bob Müller", "two\nlines\n\nand more"),
        ("Ann", "5/5/24"),
        ("+49 170 1234567", "ok - fine"),
    ]
    text = "\n".join(writer(when, who, what) for when, (who, what) in zip(times, conversation, strict=True))
    read = messages(text + "\n")
    assert [(m.sender_name, m.text) for m in read] == conversation
    assert [m.sent for m in read] == [int(when.replace(tzinfo=UTC).timestamp()) for when in times]
    assert [m.sender for m in read] == ["Ann", "Bob Müller", "Ann", "+491701234567"]


def test_one_day_over_12_determines_the_order_of_all_dates(messages: Read) -> None:
    lines = ["03/04/2024, 10:00 - Ann: a", "04/04/2024, 10:00 - Bob: b"]
    assert messages("\n".join([*lines, "25/04/2024, 10:00 - Ann: c"]))[0].sent == at("2024-04-03 10:00")
    assert messages("\n".join([*lines, "04/25/2024, 10:00 - Ann: c"]))[0].sent == at("2024-03-04 10:00")


def test_without_a_day_over_12_ascending_dates_determine_the_order(messages: Read) -> None:
    assert messages("1/2/24, 10:00 - Ann: a\n2/1/24, 10:00 - Bob: b\n")[0].sent == at("2024-01-02 10:00")
    assert messages("1/2/24, 10:00 - Ann: a\n1/3/24, 10:00 - Bob: b\n2/1/24, 10:00 - Bob: b\n")[0].sent == at(
        "2024-01-02 10:00"
    )
    assert messages("2/1/24, 10:00 - Ann: a\n3/1/24, 10:00 - Bob: b\n1/2/24, 10:00 - Bob: b\n")[0].sent == at(
        "2024-01-02 10:00"
    )


def test_if_both_orders_fit_the_clock_determines_the_order(messages: Read) -> None:
    assert messages("3/4/24, 10:00 AM - Ann: a\n")[0].sent == at("2024-03-04 10:00")
    assert messages("3/4/24, 10:00 - Ann: a\n")[0].sent == at("2024-04-03 10:00")


def test_the_time_zone_of_the_phone_is_used(messages: Read) -> None:
    (message,) = messages("[24.12.24, 18:00:00] Ann: hi", timezone="Europe/Berlin")
    assert message.sent == at("2024-12-24 17:00")


def test_midnight_and_noon_of_a_12_hour_clock(messages: Read) -> None:
    text = "".join(
        f"13/1/24, {hour} - Ann: x\n" for hour in ("12:01 am", "11:59 am", "12:00 pm", "1:00 pm", "11:59 pm")
    )
    assert [m.sent - at("2024-01-13 00:00") for m in messages(text)] == [60, 43140, 43200, 46800, 86340]


@pytest.mark.parametrize("time", ["24:00", "10:75", "10:15:99", "10:75:99"])
def test_a_line_with_an_impossible_time_is_not_a_header(time: str, messages: Read) -> None:
    good_time = "10:15:30" if time.count(":") == 2 else "10:15"
    pasted = f"13/1/24, {time} - Bob: pasted"
    (message,) = messages(f"13/1/24, {good_time} - Ann: look:\n{pasted}\n")
    assert message.text == f"look:\n{pasted}"


def test_a_leap_second_is_read(messages: Read) -> None:
    (message,) = messages("[31.12.16, 23:59:60] Ann: hi")
    assert message.sent == at("2016-12-31 23:59:59")


def test_a_late_message_does_not_have_an_earlier_time(messages: Read) -> None:
    read = messages("[24.12.24, 18:00:00] Ann: a\n[24.12.24, 17:59:58] Bob: b\n[24.12.24, 18:00:03] Ann: c\n")
    assert [m.sent - read[0].sent for m in read] == [0, 0, 3]


def test_headers_of_another_format_are_pasted_text(messages: Read) -> None:
    pasted = "look:\n[3/1/19, 2:14:09 PM] Carl: hello\n2019-01-03 14:14 - Carl: hello"
    read = messages(f"24/12/2024, 18:00 - Ann: {pasted}\n24/12/2024, 18:01 - Bob: wow\n")
    assert [m.text for m in read] == [pasted, "wow"]


def test_impossible_dates_are_text(messages: Read) -> None:
    read = messages("24/12/2024, 18:00 - Ann: a\n24/24/2024, 18:00 - Bob: b\n24/12/1024, 18:00 - Bob: c\n")
    assert [m.text for m in read] == ["a\n24/24/2024, 18:00 - Bob: b\n24/12/1024, 18:00 - Bob: c"]


def test_system_messages_have_no_sender(messages: Read) -> None:
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


def test_a_name_with_a_quotation_mark_is_a_person(messages: Read) -> None:
    text = "".join(f'24/12/2024, 18:0{number} - Ann "the ant": hi {number}\n' for number in range(3))
    assert [m.sender for m in messages(text)] == ['Ann "the ant"'] * 3


ANDROID_MESSAGES = {
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
IOS_MESSAGES = {
    f"{LRM}image omitted": ("media", ""),
    f"{LRM}Bild weggelassen": ("media", ""),
    f"{LRM}אין תמונה": ("service", ""),
    f"{LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", ""),
    f"{LRM}<Anhang: 00000012-AUDIO-2024-01-05-10-00-00.opus>": ("voice message", ""),
    f"{LRM}<附件：00000012-STICKER-2024-01-05-10-00-00.webp>": ("sticker", ""),
    f"what a day {LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", "what a day"),
    f"{LRM}what a day {LRM}<attached: 00000012-PHOTO-2024-01-05-10-00-00.jpg>": ("photo", "what a day"),
    f"report.pdf • {LRM}3 pages {LRM}<attached: 00000013-report.pdf>": ("file", ""),
    f"{LRM}This message was deleted.": ("deleted message", ""),
    f"{LRM}POLL:\nPizza?\n{LRM}OPTION: yes ({LRM}2 votes)": ("poll", ""),
    f"see you {LRM}<This message was edited>": ("text", "see you"),
    f"נתראה {LRM}<ההודעה הזו שונתה>": ("text", "נתראה"),
    "plain": ("text", "plain"),
}


@pytest.mark.parametrize(("written", "expected"), ANDROID_MESSAGES.items())
def test_inserted_text_on_android(written: str, expected: tuple[str, str], messages: Read) -> None:
    first, last = messages(f"24/12/2024, 18:00 - Ann: {written}\n24/12/2024, 18:01 - Bob: ok\n")
    assert (first.kind.partition(":")[0], first.text, first.sender) == (*expected, "Ann")
    assert last.text == "ok"


@pytest.mark.parametrize(("written", "expected"), IOS_MESSAGES.items())
def test_inserted_text_on_ios(written: str, expected: tuple[str, str], messages: Read) -> None:
    mark = LRM if LRM in written else ""
    first, last = messages(f"{mark}[24.12.24, 18:00:00] Ann: {written}\r\n[24.12.24, 18:00:01] Bob: ok\r\n")
    assert (first.kind.partition(":")[0], first.text) == expected
    assert last.text == "ok"


def test_names_lose_their_tilde_and_phone_numbers_their_spaces(messages: Read) -> None:
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


def test_a_chat_with_more_than_two_people_is_a_group(chat: Callable[..., Chat]) -> None:
    two = "24/12/2024, 18:00 - Ann: hi\n24/12/2024, 18:00 - Bob: hi\n"
    assert chat(two).kind == "personal chat"
    assert chat(two + "24/12/2024, 18:00 - Carl: hi\n").kind == "group"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_all_encodings_and_line_breaks_are_read(encoding: str, end: str, messages: Read) -> None:
    text = end.join(["[24.12.24, 18:00:00] Ann: süß 😀", "and more", "[24.12.24, 18:00:01] Bob: ja", ""])
    assert [m.text for m in messages(text.encode(encoding))] == ["süß 😀\nand more", "ja"]


def test_invalid_bytes_are_replaced(messages: Read) -> None:
    assert messages(b"[24.12.24, 18:00:00] Ann: a\xffb\n")[0].text == "a\ufffdb"


@pytest.mark.parametrize("first", ["AAA notes.txt", "_chat.txt notes.txt"])
def test_the_text_of_an_archive_that_is_a_chat_is_read(first: str, tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / "Chat de WhatsApp con Bob.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(first, "not a chat\nat all\n")
        archive.writestr("Another chat.txt", "12/11/2022, 10:00 - Eve: sent as a file\n")
        archive.writestr("Chat de WhatsApp con Bob.txt", "12/11/2022, 10:00 - Bob: hi\n")
    options = Options(path=path)
    (chat,) = read(options, inputs(options)[0], acc_run)
    assert [message.text for message in chat.messages] == ["hi"]


def test_zip_archives_are_read(tmp_path: Path, acc_run: RunContext) -> None:
    for name, inner in (
        ("WhatsApp Chat - Ann.zip", "_chat.txt"),
        ("WhatsApp Chat with Bob.zip", "WhatsApp Chat with Bob.txt"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("00000012-PHOTO-2024-01-05-10-00-00.jpg", b"\xff\xd8\xff")
            archive.writestr("DOC-20240105-WA0003.txt", "a text file in the chat")
            archive.writestr(inner, "[24.12.24, 18:00:00] Ann: hi\n")
    options = Options(path=tmp_path)
    chats = [chat for log_input in inputs(options) for chat in read(options, log_input, acc_run)]
    assert [(chat.id, chat.title, [m.text for m in chat.messages]) for chat in chats] == [
        ("WhatsApp Chat - Ann.zip", "WhatsApp Chat - Ann", ["hi"]),
        ("WhatsApp Chat with Bob.zip", "WhatsApp Chat with Bob", ["hi"]),
    ]


def test_an_unpacked_export_has_the_title_of_its_folder(tmp_path: Path, acc_run: RunContext) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann/_chat.txt").write_text("[24.12.24, 18:00:00] Ann: hi\n")
    (tmp_path / "Ann/shopping list.txt").write_text("milk\n")
    options = Options(path=tmp_path)
    (log_input,) = inputs(options)
    (chat,) = read(options, log_input, acc_run)
    assert (chat.id, chat.title) == ("Ann/_chat.txt", "Ann")


def encrypted() -> bytes:
    """An archive whose member is marked as encrypted."""
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
    ("name", "content", "problem"),
    [
        ("result.json", b"{}", "not a WhatsApp export, which is a .txt or .zip file"),
        ("a.txt", b"", "the file is empty"),
        ("a.txt", b"dear diary,\nit is the 5/1/2024\n", "no line begins with a date and time"),
        ("a.txt", b"\x89PNG\x00\x00\xff" * 100, "no line begins with a date and time"),
        ("a.zip", b"PK\x03\x04 not really", "cannot be unpacked"),
        ("a.zip", archive_without_text(), "an archive without a .txt file"),
        ("a.zip", encrypted(), "password required"),
    ],
)
def test_other_files_are_refused_in_one_line(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as raised:
        inputs(Options(path=tmp_path / name))
    assert name in str(raised.value)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not recognises(tmp_path / name)


def test_a_very_long_message_needs_little_memory(tmp_path: Path, acc_run: RunContext) -> None:
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


def test_direction_marks_before_a_header_are_ignored(messages: Read) -> None:
    writer = IOS["de"]
    when = datetime(2024, 12, 24, 18, 0)
    text = "\n".join(
        [writer(when, "Ann", "a"), LRM + writer(when, "Bob", f"{LRM}Bild weggelassen"), writer(when, "Ann", "b")]
    )
    assert [m.text for m in messages(text)] == ["a", "", "b"]


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    for name in ("a.txt", "b.zip"):
        os.mkfifo(tmp_path / name)
    assert not recognises(tmp_path)
    with pytest.raises(UserError, match="no export in this folder"):
        inputs(Options(path=tmp_path))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_limit_on_their_output_are_refused(tmp_path: Path, compression: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", compression) as archive:
        archive.writestr("_chat.txt", "[05.01.24, 12:30:00] Ann: hi\n" + " " * 1_000_000)
    with pytest.raises(UserError, match="compressed in an unusual way"):
        inputs(Options(path=tmp_path / "a.zip"))

"""What WhatsApp writes between the texts of people: notes, polls, attachments, and system messages with a colon."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autocakechat import Chat, Message

sys.path.insert(0, str(Path(__file__).parent))
from formats import LRM

Read = Callable[..., list[Message]]

IOS = {
    f"Rechner.pdf • {LRM}1 Seite {LRM}Dokument weggelassen": ("file", ""),
    f"Program.cs {LRM}Dokument weggelassen": ("file", ""),
    f"{LRM}\u2068heft\u2069.pdf • {LRM}2 Seiten {LRM}Dokument weggelassen": ("file", ""),
    f"my notes.docx • {LRM}3 páginas {LRM}documento omitido": ("file", ""),
    f"Carl.vcf {LRM}ukjent vedlegg": ("contact", ""),
    f"Schöne Tage allerseits! {LRM}Bild weggelassen": ("media", "Schöne Tage allerseits!"),
    f"two\nlines {LRM}image omitted": ("media", "two\nlines"),
    f"look at example.org {LRM}image omitted": ("media", "look at example.org"),
    f"for you\n{LRM}image omitted": ("media", "for you"),
    f"hyvää yötä {LRM}kuva jätetty pois": ("media", "hyvää yötä"),
    f"לילה טוב {LRM}התמונה הושמטה": ("media", "לילה טוב"),
    f"לילה טוב {LRM}image omitted": ("media", "לילה טוב"),
    f"{LRM}what a day {LRM}image omitted": ("media", "what a day"),
    f"{LRM}Missed voice call. {LRM}Tap to call back": ("call", ""),
    f"{LRM}Silenced voice call. {LRM}Focus mode": ("call", ""),
    f"{LRM}Llamada\u202f {LRM}Sin respuesta": ("call", ""),
    f"{LRM}Videosamtale. {LRM}12 min": ("call", ""),
    f"{LRM}Ann changed their phone number. {LRM}Tap to message or add the new number.": ("service", ""),
    f"{LRM}You received a view once photo. For added privacy, you can only open it on your phone.": ("media", ""),
    f"{LRM}Waiting for this message. This may take a while.": ("message not received yet", ""),
    f"{LRM}se omitió la nota de video": ("media", ""),
    f"אני אוהב {LRM}Google": ("text", f"אני אוהב {LRM}Google"),
    f"it costs {LRM}5 €, I think": ("text", f"it costs {LRM}5 €, I think"),
    f"{LRM}@everyone come": ("text", "@everyone come"),
    f"hi @{LRM}all": ("text", "hi @all"),
    f"hi {LRM}@\u2068Bob Müller\u2069": ("text", "hi @Bob Müller"),
    "2016-05-12-PHOTO-00000012.jpg <\u200eattached>": ("photo", ""),
    f"{LRM}UMFRAGE:\nPizza?\n{LRM}OPTION: ja ({LRM}2 Stimmen)\n{LRM}OPTION: nein ({LRM}0 Stimmen)": ("poll", ""),
}
ANDROID = {
    "POLL:\nWhere do we eat?\nOPTION: Pizza (2 votes)\nOPTION: Sushi (1 vote)\n": ("poll", ""),
    "ENCUESTA:\n¿Dónde?\nOPCIÓN: Pizza (2 votos)\nOPCIÓN: Sushi (1 voto)": ("poll", ""),
    "Plan:\nwhere?\nthere (perhaps)": ("text", "Plan:\nwhere?\nthere (perhaps)"),
    "EVENT: Party\nDESCRIPTION: bring cake\n": ("event", ""),
    "Ann Lee.vcf (file attached)": ("contact", ""),
    "my report.pdf (Datei angehängt)\nread it": ("file", "read it"),
    "see main.py (not finished)": ("text", "see main.py (not finished)"),
    f"{LRM}call Cleo, she knows": ("text", "call Cleo, she knows"),
    f"tell {LRM}Bob": ("text", f"tell {LRM}Bob"),
    "Waiting for this message. This may take a while.": ("message not received yet", ""),
    "This message was deleted by admin Bob": ("deleted message", ""),
    "Live location shared": ("location", ""),
    "Voice call, 3 min": ("call", ""),
    "Missed voice call, Tap to call back": ("call", ""),
    "You received a view once message": ("media", ""),
    "<View once voice message omitted>": ("media", ""),
    "image omitted": ("media", ""),
    "I made a voice call, 3 min ago": ("text", "I made a voice call, 3 min ago"),
    "who added you?": ("text", "who added you?"),
}


@pytest.mark.parametrize(("written", "expected"), IOS.items())
def test_notes_on_ios(written: str, expected: tuple[str, str], messages: Read) -> None:
    first, last = messages(f"[24.12.24, 18:00:00] Ann: {written}\r\n[24.12.24, 18:00:01] Bob: ok\r\n")
    assert (first.kind.partition(":")[0], first.text) == expected
    assert last.text == "ok"


@pytest.mark.parametrize(("written", "expected"), ANDROID.items())
def test_notes_on_android(written: str, expected: tuple[str, str], messages: Read) -> None:
    first, last = messages(f"24/12/2024, 18:00 - Ann: {written}\n24/12/2024, 18:01 - Bob: ok\n")
    assert (first.kind.partition(":")[0], first.text) == expected
    assert last.text == "ok"


@pytest.mark.parametrize(
    "note",
    [
        "+1-202-555-0124 added you to a group in the community: Community 1",
        '~\u202f+1-202-555-0123 created group "Group1: the first"',
        "Ann added you to a group in the community: Community 1",
        "Zoe hat dich zu einer Gruppe in der Community hinzugefügt: Nachbarn",
        'Ann changed the group name from "Tips" to "Tips: all"',
        "Bob changed the group name from “A: b” to “C: d”",
        "You changed the group description: be kind",
    ],
)
def test_a_system_message_with_a_colon_has_no_sender(note: str, messages: Read) -> None:
    text = f"24/12/2024, 18:00 - Ann: hi\n24/12/2024, 18:01 - {note}\n24/12/2024, 18:02 - Ann: ok\n"
    assert [message.sender for message in messages(text)] == ["Ann", "", "Ann"]


@pytest.mark.parametrize(
    "name", ['Robert "Bob" Lee', "Ann Lee", "Ann from work", "+1 202-555-0126", "~ Zoe", "Sean O’Neil", "A „B“ C"]
)
def test_a_person_who_writes_once_is_a_person(name: str, messages: Read) -> None:
    text = f"24/12/2024, 18:00 - Ann: hi\n24/12/2024, 18:01 - {name}: me, too\n24/12/2024, 18:02 - Ann: ok\n"
    assert [message.text for message in messages(text)] == ["hi", "me, too", "ok"]


@pytest.mark.parametrize("mark", ["", LRM])
def test_people_whose_names_begin_with_a_mark_are_people(mark: str, messages: Read) -> None:
    text = f"24/12/2024, 18:00 - {mark}+49 170 1234567: hi\n24/12/2024, 18:01 - {mark}+49 170 1234567: ho\n"
    assert [message.text for message in messages(text)] == ["hi", "ho"]


def test_notes_of_ios_without_marks_are_recognised_in_english(chat: Callable[..., Chat]) -> None:
    text = (
        "[14.08.2024, 21:00:10] My Group: Messages and calls are end-to-end encrypted. No one else can read them.\n"
        "[14.08.2024, 21:00:10] Bob: Bob created group “My Group”\n"
        "[14.08.2024, 21:00:11] My Group: Bob added you\n"
        "[14.08.2024, 21:01:57] My Group: You're now an admin\n"
        "[14.08.2024, 21:03:00] Bob: hi\n"
    )
    assert [message.text for message in chat(text).messages] == ["", "", "", "", "hi"]

"""Separates the text that WhatsApp inserts into an export from the text that people write.

On iOS, WhatsApp puts an invisible left-to-right mark before all inserted text, in every language. On Android, it marks
file names in this way and puts other insertions into angle brackets. The rest is recognised by `sentences`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from autocakechat_whatsapp.sentence_matching import WORDS_AFTER_NAMES, find_sentences, kind_of_sentence
from autocakechat_whatsapp.sentences import (
    CALL,
    CALL_WORD,
    DOCUMENT,
    EVENT,
    FILE_ATTACHED,
    KIND_BY_SENTENCE,
    LOCATION,
    MEDIA,
    SYSTEM_MESSAGE,
    normalise,
)

MARK = "\u200e"
_ISOLATE = "\u2068"  # before the name of a mentioned person
_MAPS = "https://maps.google.com/"
_FILE_KINDS = {
    "jpg": "photo", "jpeg": "photo", "png": "photo", "heic": "photo", "webp": "sticker", "gif": "animation",
    "mp4": "video", "mov": "video", "3gp": "video", "opus": "voice message", "ogg": "voice message",
    "m4a": "audio file", "mp3": "audio file", "aac": "audio file", "amr": "audio file", "vcf": "contact",
}  # fmt: skip
_FILE = "file"

# An attachment, in any language: `<attached: 01-PHOTO.jpg>` on iOS, earlier `2016-05-12-PHOTO-01.jpg <attached>`;
# `IMG-20240105-WA0001.jpg (file attached)` on Android.
_ATTACHMENT_AT_END = re.compile(r"\u200e?<[^<>\n]{1,40}[:：]\s?(?P<file>[^<>\n]+\.\w{2,5})>\s*\Z")
_EARLIER_ATTACHMENT = re.compile(
    r"\u200e?(?P<file>\d{4}-\d\d-\d\d-[^<>\n]{1,255}\.\w{2,5}) \u200e?<\u200e?[^<>\n]{1,40}>\s*\Z"
)
_ATTACHMENT_LINE = re.compile(
    r"(?:\u200e(?P<marked>[^\n]+\.\w{2,5})|(?P<named>[^\s]*-\d{8}-WA\d{4,6}\.\w{2,5}))\s\([^()\n]+\)\Z"
    rf"|(?P<known>[^\n]+\.\w{{2,5}})\s\((?:{FILE_ATTACHED})\)\Z"
)
_MARKED_BRACKET_AT_END = re.compile(r"\u200e<[^<>\n]{3,80}>\s*\Z")
# People rarely write a line of several words in angle brackets; `<grin>` is one word.
_BRACKETED = re.compile(r"\u200e?<(?=[^<>]*(?:[ \xa0]|[^\x00-\x7f]))[^<>\n]{3,60}>\Z")
_LOCATION = re.compile(r"[^\n]{0,60}https://maps\.google\.com/\?q=-?\d+\.\d+,-?\d+\.\d+\Z")
# A poll, in any language: a word with a colon, the question, and options with their votes.
_POLL = re.compile(
    r"\u200e?[^\s:：]{2,16}\s?[:：]\n[^\n]*"
    r"(?:\n+\u200e?(?P<option>[^\s:：]{2,16})\s?[:：]\s[^\n]*\((?=[^()\n]{0,20}\d)[^()\n]{1,60}\)"
    r"(?:\n\u200e?(?P=option)\s?[:：]\s[^\n]*\((?=[^()\n]{0,20}\d)[^()\n]{1,60}\))*)\s*\Z"
)
_MENTION = re.compile("\u200e?@(?:\u2068([^\u2069\n]{0,200})\u2069|\u200e)|\u200e@")

# The end of a message on iOS: `Nice day! ‎image omitted`, `paper.pdf • ‎3 pages ‎document omitted`.
_NOTE_AT_END = re.compile(
    r"(?:(?P<before>[^\n]*?)(?P<pages> • \u200e?[^\u200e\n]{1,30}?)?[ \xa0])?\u200e(?P<note>[^\u200e\n]{2,60})\Z"
)
# How long a call took: `12 min`, `45 Sek.`
_DURATION = re.compile(r"\d{1,3}[\s\xa0]?[^\W\d_]{1,8}\.?\Z")
_NOTE_WORDS = re.compile(r"[^\W\d_]+(?:[ '’\-\xa0][^\W\d_]+){0,5}\.?\Z")
_FILE_NAME = re.compile(r"[^\n]*\S\.(?P<ending>\w{1,8})\Z")
_ISOLATES = re.compile("[\u200e\u2068\u2069]")

_EDITED = re.compile(
    r"<(?:This message was edited|Se editó este mensaje\.?|Este mensaje fue editado|Mensagem editada|"
    r"Esta mensagem foi editada|Diese Nachricht wurde bearbeitet\.?|Ce message a été modifié|"
    r"Questo messaggio è stato modificato|Dit bericht is bewerkt|Сообщение изменено|Это сообщение изменено|"
    r"Bu mesaj düzenlendi|Pesan ini diedit|Wiadomość edytowana|ההודעה נערכה|تم تعديل هذه الرسالة)>\Z"
)


_LAST_SIGNS = frozenset(("", ">", ")", ":", "："))  # of a text in which something may be inserted


class Content(NamedTuple):
    """The content of a message.

    Attributes:
        kind: `text`, or the kind of media or system message.
        text: The text that the sender wrote.
    """

    kind: str
    text: str


def find_inserted(texts: Sequence[str]) -> set[int]:
    """Finds texts into which WhatsApp may have inserted something; all others contain only what the sender wrote.

    Args:
        texts: The texts of messages, without carriage returns.

    Returns:
        Their indices.
    """
    found = {index for index, text in enumerate(texts) if text[-1:] in _LAST_SIGNS}
    found.update(find_sentences(texts))
    joined = "\r".join(texts)
    for sign in ("\n", MARK, _ISOLATE):
        if sign in joined:
            found.update(index for index, text in enumerate(texts) if sign in text)
    folded = joined.lower()
    for word in (_MAPS, *WORDS_AFTER_NAMES):
        position = folded.find(word)
        while position >= 0:
            found.add(folded.count("\r", 0, position))
            position = folded.find(word, position + 1)
    return found


def strip_ios_text(text: str) -> Content:
    """Removes the text that WhatsApp inserted into a message on iOS.

    Args:
        text: Everything after the sender's name; lines are separated by line feeds.
    """
    if _is_plain_line(text):
        return _sentence(text) or Content("text", text)
    if content := _known_form(text):
        return content
    text = _without_edit_mark(text)
    if text.startswith(MARK) and not text.startswith(f"{MARK}@"):
        # A caption, too, begins with a mark if a note follows it. A note can contain marks: `Missed call, ‎tap here`.
        inner = _strip_note_at_end(text[1:])
        is_caption = inner and (not inner.text or normalise(text.rpartition(MARK)[2]) in KIND_BY_SENTENCE)
        return inner if inner and is_caption else Content(_kind_of_note(text), "")
    if MARK in text and (content := _strip_note_at_end(text)):
        return content
    return _plain(text)


def strip_android_text(text: str) -> Content:
    """Removes the text that WhatsApp inserted into a message on Android.

    Args:
        text: Everything after the sender's name; lines are separated by line feeds.
    """
    if _is_plain_line(text):
        return _sentence(text) or Content("text", text)
    if content := _known_form(text):
        return content
    return _plain(_without_edit_mark(text).removeprefix(MARK))


def _is_plain_line(text: str) -> bool:
    """Returns whether a text is one line that WhatsApp inserted as a whole or not at all, as most are."""
    return (
        "\n" not in text
        and text[-1:] not in ">):："  # nor empty
        and (text.isascii() or not (MARK in text or _ISOLATE in text))
        and _MAPS not in text
    )


def _sentence(text: str) -> Content | None:
    """Returns the content of a known sentence; None for other texts."""
    kind = kind_of_sentence(text)
    return Content(kind, "") if kind else None


def _known_form(text: str) -> Content | None:
    """Returns the content of an attachment, a poll or an event, which look alike everywhere; None for others."""
    if text.endswith(">") and (attachment := _ATTACHMENT_AT_END.search(text) or _EARLIER_ATTACHMENT.search(text)):
        return Content(_file_kind(attachment["file"]), _caption(text[: attachment.start()]))
    first_line, _, other_lines = text.partition("\n")
    if first_line.endswith(")") and (attachment := _ATTACHMENT_LINE.match(first_line)):
        file = attachment["marked"] or attachment["named"] or attachment["known"]
        return Content(_file_kind(file), _unmark_mentions(other_lines))
    if first_line.endswith((":", "：")) and _POLL.match(text):
        return Content("poll", "")
    if other_lines and EVENT.match(text.removeprefix(MARK)):
        return Content("event", "")
    return None


def _plain(text: str) -> Content:
    """Returns the content of a message without marked notes."""
    first_line, _, other_lines = text.partition("\n")
    if first_line.endswith(">") and _BRACKETED.match(first_line):
        return Content(MEDIA, _unmark_mentions(other_lines))
    if sentence := _sentence(text):
        return sentence
    if _MAPS in text and _LOCATION.match(text):
        return Content(LOCATION, "")
    return Content("text", _unmark_mentions(text))


def _without_edit_mark(text: str) -> str:
    if text.endswith(">"):
        for note in (_MARKED_BRACKET_AT_END, _EDITED):
            if match := note.search(text):
                text = text[: match.start()].rstrip()
    return text


def _strip_note_at_end(text: str) -> Content | None:
    """Separates a caption, or the name of a document, from the note behind it.

    Returns:
        The content; None if the sender wrote the text behind the last mark: keyboards and copied texts have such marks,
        too, before mentions and where the direction of the text changes.
    """
    other_lines, line_break, last_line = text.rpartition("\n")
    found = _NOTE_AT_END.match(last_line)
    if found is None or not _NOTE_WORDS.match(found["note"]):
        return None
    line, note = found["before"] or "", found["note"]
    before = _ISOLATES.sub("", line).strip()
    is_known = normalise(note) in KIND_BY_SENTENCE
    if not is_known and not found["pages"] and _changes_direction(before, note):
        return None
    file_name = _FILE_NAME.match(before)
    if found["pages"] or (file_name and (DOCUMENT.search(note) or (not is_known and " " not in before))):
        return Content(_file_kind(before), _unmark_mentions(other_lines))
    return Content(KIND_BY_SENTENCE.get(normalise(note), MEDIA), _caption(other_lines + line_break + line))


def _changes_direction(before: str, note: str) -> bool:
    """Returns whether one of two texts is written from right to left, and the other one is not."""
    sides = {any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text) for text in (before, note)}
    return bool(before) and len(sides) == 2


def _kind_of_note(text: str) -> str:
    kind = kind_of_sentence(text)
    if kind or "\n" in text:
        return kind or SYSTEM_MESSAGE
    first, _, second = text.removeprefix(MARK).partition(MARK)
    if second and (CALL_WORD.search(first) or _DURATION.match(second)):
        return CALL
    return LOCATION if _LOCATION.search(text) else SYSTEM_MESSAGE


def _unmark_mentions(text: str) -> str:
    """Removes the invisible marks around mentioned people."""
    return _MENTION.sub(lambda mention: f"@{mention[1] or ''}", text)


def _caption(text: str) -> str:
    """Returns the text before an attachment, unless it is the name and the number of pages of a document."""
    return "" if "•" in text else _unmark_mentions(text).strip(MARK + " \n")


def _file_kind(name: str) -> str:
    return _FILE_KINDS.get(name.rpartition(".")[2].lower(), _FILE)

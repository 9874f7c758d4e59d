"""Tells what WhatsApp wrote into a message from what its sender wrote.

In exports of iPhones WhatsApp marks its own words with an invisible left-to-right mark, whatever the language. Android
marks file names so, and puts other notes into angle brackets; only for the rest a list of sentences is needed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MARK = "\u200e"
_FILE_KINDS = {
    "jpg": "photo", "jpeg": "photo", "png": "photo", "heic": "photo", "webp": "sticker", "gif": "animation",
    "mp4": "video", "mov": "video", "3gp": "video", "opus": "voice message", "ogg": "voice message",
    "m4a": "audio file", "mp3": "audio file", "aac": "audio file", "amr": "audio file", "vcf": "contact",
}  # fmt: skip
_ANY_FILE = "file"
_ANY_MEDIA = "media"
ANY_NOTE = "service: note by WhatsApp"
DELETED = "deleted message"
CALL = "call"

# A file: `<attached: 01-PHOTO.jpg>` on iOS, `IMG-20240105-WA0001.jpg (file attached)` on Android, in any language.
_ATTACHED_TAIL = re.compile(r"\u200e?<[^<>\n]{1,40}[:：]\s?(?P<file>[^<>\n]+\.\w{2,5})>\s*\Z")
_ATTACHED_LINE = re.compile(
    r"(?:\u200e(?P<marked>[^\n]+\.\w{2,5})|(?P<named>[^\s]*-\d{8}-WA\d{4,6}\.\w{2,5}))\s\([^()\n]+\)\Z"
)
_NOTE_TAIL = re.compile(r"\s*\u200e<[^<>\n]{3,80}>\s*\Z")
# Nobody but WhatsApp writes a line that is two words in angle brackets; `<grin>` is one word.
_BRACKETED = re.compile(r"<(?=[^<>]*(?:[ \xa0]|[^\x00-\x7f]))[^<>\n]{3,60}>\Z")
_LOCATION = re.compile(r"[^\n]{0,60}https://maps\.google\.com/\?q=-?\d+\.\d+,-?\d+\.\d+\Z")
_MENTION = re.compile("@\u2068([^\u2069\n]*)\u2069")

_EDITED = re.compile(
    r"\s*<(?:This message was edited|Se editó este mensaje\.?|Este mensaje fue editado|Mensagem editada|"
    r"Esta mensagem foi editada|Diese Nachricht wurde bearbeitet\.?|Ce message a été modifié|"
    r"Questo messaggio è stato modificato|Dit bericht is bewerkt|Сообщение изменено|Это сообщение изменено|"
    r"Bu mesaj düzenlendi|Pesan ini diedit|Wiadomość edytowana|ההודעה נערכה|تم تعديل هذه الرسالة)>\Z"
)


def _listed(sentences: str) -> set[str]:
    return {_plain(sentence) for sentence in sentences.strip().splitlines()}


def _plain(text: str) -> str:
    return re.sub(r"[\s.。\u200e\u200f]+", " ", text).strip().casefold()


_DELETED = _listed("""
    This message was deleted
    You deleted this message
    Eliminaste este mensaje
    Se eliminó este mensaje
    Este mensaje fue eliminado
    Diese Nachricht wurde gelöscht
    Du hast diese Nachricht gelöscht
    Ce message a été supprimé
    Vous avez supprimé ce message
    Mensagem apagada
    Esta mensagem foi apagada
    Essa mensagem foi apagada
    Você apagou esta mensagem
    Você apagou essa mensagem
    Questo messaggio è stato eliminato
    Hai eliminato questo messaggio
    Dit bericht is verwijderd
    Je hebt dit bericht verwijderd
    Данное сообщение удалено
    Это сообщение удалено
    Вы удалили данное сообщение
    Вы удалили это сообщение
    Це повідомлення видалено
    Bu mesaj silindi
    Bu mesajı sildiniz
    Ta wiadomość została usunięta
    Usunięto tę wiadomość
    Pesan ini telah dihapus
    Anda menghapus pesan ini
    このメッセージは削除されました
    此訊息已刪除
    此消息已删除
    你已删除此消息
    삭제된 메시지입니다
    تم حذف هذه الرسالة
    ההודעה נמחקה
    यह संदेश हटा दिया गया था
""")
_CALLS = _listed("""
    Missed voice call
    Missed video call
    Missed group voice call
    Missed group video call
    Verpasster Sprachanruf
    Verpasster Videoanruf
    Llamada perdida
    Videollamada perdida
    Llamada de voz perdida
    Chiamata vocale persa
    Videochiamata persa
    Chamada de voz perdida
    Chamada de vídeo perdida
    Appel vocal manqué
    Appel vidéo manqué
    Gemiste spraakoproep
    Gemiste video-oproep
    Пропущенный аудиозвонок
    Пропущенный видеозвонок
    Пропущенный голосовой вызов
    Пропущенный видеовызов
    Cevapsız sesli arama
    Cevapsız görüntülü arama
    不在着信
    未接語音通話
    未接语音通话
""")
_WHOLE = dict.fromkeys(_DELETED, DELETED) | dict.fromkeys(_CALLS, CALL) | {"null": "view-once media"}

_LONGEST_NOTE = 2 * max(map(len, _WHOLE))


class Said(NamedTuple):
    """What a message is.

    Attributes:
        kind: `text`, or what it is instead or besides.
        text: What its sender wrote.
    """

    kind: str
    text: str


def without_notes(text: str) -> Said:
    """Takes out of a message what WhatsApp wrote.

    Args:
        text: All that stands behind the sender's name; lines are separated by line feeds.
    """
    if text.endswith(">"):
        if attached := _ATTACHED_TAIL.search(text):
            return Said(_file_kind(attached["file"]), _caption(text[: attached.start()]))
        text = _EDITED.sub("", _NOTE_TAIL.sub("", text))
    first, _, others = text.partition("\n")
    if first.endswith(")") and (attached := _ATTACHED_LINE.match(first)):
        return Said(_file_kind(attached["marked"] or attached["named"]), _mended(others))
    if text.startswith(_MARK):
        return Said(_WHOLE.get(_plain(text), ANY_NOTE), "")
    if first.endswith(">") and _BRACKETED.match(first):
        return Said(_ANY_MEDIA, _mended(others))
    if len(text) <= _LONGEST_NOTE and (kind := _WHOLE.get(_plain(text))):
        return Said(kind, "")
    if "https://maps.google.com/" in text and _LOCATION.match(text):
        return Said("location", "")
    return Said("text", _mended(text))


def is_note(text: str) -> bool:
    """Tells whether all of a message was written by WhatsApp, by its mark alone."""
    return text.startswith(_MARK)


def _mended(text: str) -> str:
    """Returns a text without the invisible marks around people who are mentioned."""
    return _MENTION.sub(r"@\1", text)


def _caption(text: str) -> str:
    """Returns what stands before a file; of a document that is its name again, with a dot and its pages."""
    return "" if "•" in text else _mended(text).strip(_MARK + " \n")


def _file_kind(name: str) -> str:
    return _FILE_KINDS.get(name.rpartition(".")[2].lower(), _ANY_FILE)

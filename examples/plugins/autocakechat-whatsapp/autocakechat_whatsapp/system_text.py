"""Separates the text that WhatsApp inserts into an export from the text that people write.

On iOS, WhatsApp puts an invisible left-to-right mark before all inserted text, in every language. On Android, it marks
file names in this way and puts other insertions into angle brackets. The rest is recognised by a list of sentences.
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
_OTHER_FILE = "file"
_OMITTED_MEDIA = "media"
SYSTEM_MESSAGE = "service: system message"
_DELETED = "deleted message"
_CALL = "call"

# An attachment, in any language: `<attached: 01-PHOTO.jpg>` on iOS, `IMG-20240105-WA0001.jpg (file attached)` on
# Android.
_ATTACHMENT_AT_END = re.compile(r"\u200e?<[^<>\n]{1,40}[:：]\s?(?P<file>[^<>\n]+\.\w{2,5})>\s*\Z")
_ATTACHMENT_LINE = re.compile(
    r"(?:\u200e(?P<marked>[^\n]+\.\w{2,5})|(?P<named>[^\s]*-\d{8}-WA\d{4,6}\.\w{2,5}))\s\([^()\n]+\)\Z"
)
_MARKED_BRACKET_AT_END = re.compile(r"\u200e<[^<>\n]{3,80}>\s*\Z")
# People rarely write a line of several words in angle brackets; `<grin>` is one word.
_BRACKETED = re.compile(r"<(?=[^<>]*(?:[ \xa0]|[^\x00-\x7f]))[^<>\n]{3,60}>\Z")
_LOCATION = re.compile(r"[^\n]{0,60}https://maps\.google\.com/\?q=-?\d+\.\d+,-?\d+\.\d+\Z")
_MENTION = re.compile("@\u2068([^\u2069\n]*)\u2069")

_EDITED = re.compile(
    r"<(?:This message was edited|Se editó este mensaje\.?|Este mensaje fue editado|Mensagem editada|"
    r"Esta mensagem foi editada|Diese Nachricht wurde bearbeitet\.?|Ce message a été modifié|"
    r"Questo messaggio è stato modificato|Dit bericht is bewerkt|Сообщение изменено|Это сообщение изменено|"
    r"Bu mesaj düzenlendi|Pesan ini diedit|Wiadomość edytowana|ההודעה נערכה|تم تعديل هذه الرسالة)>\Z"
)


def _parse_sentences(sentences: str) -> set[str]:
    return {_normalise(sentence) for sentence in sentences.strip().splitlines()}


def _normalise(text: str) -> str:
    """Returns a sentence in lower case, without full stops and invisible marks."""
    return re.sub(r"[\s.。\u200e\u200f]+", " ", text).strip().casefold()


_DELETED_SENTENCES = _parse_sentences("""
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
_CALL_SENTENCES = _parse_sentences("""
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
_KIND_BY_SENTENCE = (
    dict.fromkeys(_DELETED_SENTENCES, _DELETED) | dict.fromkeys(_CALL_SENTENCES, _CALL) | {"null": "view-once media"}
)
_MAX_SENTENCE = 2 * max(map(len, _KIND_BY_SENTENCE))  # characters, including those that `_normalise` removes


class Content(NamedTuple):
    """The content of a message.

    Attributes:
        kind: `text`, or the kind of media or system message.
        text: The text that the sender wrote.
    """

    kind: str
    text: str


def strip_system_text(text: str) -> Content:
    """Removes the text that WhatsApp inserted into a message.

    Args:
        text: Everything after the sender's name; lines are separated by line feeds.
    """
    if text.endswith(">"):
        if attachment := _ATTACHMENT_AT_END.search(text):
            return Content(_file_kind(attachment["file"]), _caption(text[: attachment.start()]))
        for note in (_MARKED_BRACKET_AT_END, _EDITED):
            if match := note.search(text):
                text = text[: match.start()].rstrip()
    first_line, _, other_lines = text.partition("\n")
    if first_line.endswith(")") and (attachment := _ATTACHMENT_LINE.match(first_line)):
        return Content(_file_kind(attachment["marked"] or attachment["named"]), _unmark_mentions(other_lines))
    if text.startswith(_MARK):
        return Content(_KIND_BY_SENTENCE.get(_normalise(text), SYSTEM_MESSAGE), "")
    if first_line.endswith(">") and _BRACKETED.match(first_line):
        return Content(_OMITTED_MEDIA, _unmark_mentions(other_lines))
    if len(text) <= _MAX_SENTENCE and (kind := _KIND_BY_SENTENCE.get(_normalise(text))):
        return Content(kind, "")
    if "https://maps.google.com/" in text and _LOCATION.match(text):
        return Content("location", "")
    return Content("text", _unmark_mentions(text))


def is_system_message(text: str) -> bool:
    """Returns whether WhatsApp wrote the whole message, as far as its mark shows."""
    return text.startswith(_MARK)


def _unmark_mentions(text: str) -> str:
    """Removes the invisible marks around mentioned people."""
    return _MENTION.sub(r"@\1", text)


def _caption(text: str) -> str:
    """Returns the text before an attachment, unless it is the name and the number of pages of a document."""
    return "" if "•" in text else _unmark_mentions(text).strip(_MARK + " \n")


def _file_kind(name: str) -> str:
    return _FILE_KINDS.get(name.rpartition(".")[2].lower(), _OTHER_FILE)

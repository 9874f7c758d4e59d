"""Sentences that WhatsApp writes into an export without a mark, or with nothing but a mark to tell them from others.

To support another language, add its sentences.
"""

from __future__ import annotations

import re

DELETED = "deleted message"
CALL = "call"
LOCATION = "location"
MEDIA = "media"
WAITING = "message not received yet"
SYSTEM_MESSAGE = "service: system message"


def normalise(text: str) -> str:
    """Returns a sentence in lower case, without full stops and invisible marks."""
    for removed in ".。\u200e\u200f":
        text = text.replace(removed, " ")
    return " ".join(text.split()).casefold()


def _parse_sentences(sentences: str) -> set[str]:
    return {normalise(sentence) for sentence in sentences.strip().splitlines()}


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
    Missed voice call, Tap to call back
    Missed video call
    Missed video call, Tap to call back
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
_OMITTED_SENTENCES = _parse_sentences("""
    image omitted
    video omitted
    audio omitted
    GIF omitted
    sticker omitted
    document omitted
    video note omitted
    se omitió la nota de video
    Bild weggelassen
    Video weggelassen
    Audio weggelassen
    GIF weggelassen
    Sticker weggelassen
    Dokument weggelassen
    imagen omitida
    video omitido
    audio omitido
    GIF omitido
    sticker omitido
    documento omitido
    imagem ocultada
    vídeo omitido
    áudio ocultado
    figurinha omitida
    image absente
    vidéo absente
    audio omis
    sticker omis
    document manquant
    immagine omessa
    video omesso
    audio omesso
    sticker non incluso
    documento omesso
    afbeelding weggelaten
    video weggelaten
    audio weggelaten
    sticker weggelaten
    document weggelaten
    изображение отсутствует
    видео отсутствует
    аудиофайл отсутствует
    стикер отсутствует
    документ отсутствует
    görüntü dahil edilmedi
    video dahil edilmedi
    ses dahil edilmedi
    Çıkartma dahil edilmedi
    belge dahil edilmedi
""")
_CONTACT_SENTENCES = _parse_sentences("""
    Contact card omitted
    Kontaktkarte ausgelassen
    Tarjeta de contacto omitida
    Cartão do contato omitido
""")
_WAITING_SENTENCES = _parse_sentences("""
    Waiting for this message This may take a while
    Auf diese Nachricht warten Dies kann etwas dauern
""")
_SYSTEM_SENTENCES = _parse_sentences("""
    You're now an admin
    You’re now an admin
    You're no longer an admin
    You’re no longer an admin
""")
KIND_BY_SENTENCE = (
    dict.fromkeys(_DELETED_SENTENCES, DELETED)
    | dict.fromkeys(_CALL_SENTENCES, CALL)
    | dict.fromkeys(_OMITTED_SENTENCES, MEDIA)
    | dict.fromkeys(_CONTACT_SENTENCES, "contact")
    | dict.fromkeys(_WAITING_SENTENCES, WAITING)
    | dict.fromkeys(_SYSTEM_SENTENCES, SYSTEM_MESSAGE)
    | {"null": "view-once media", "live location shared": LOCATION, "live-standort wird geteilt": LOCATION}
)

# Sentences with a name or a number in them, normalised: their possible beginnings, the pattern, and the kind.
PATTERNS = tuple(
    (tuple(beginnings.split("|")), re.compile(pattern), kind)
    for beginnings, pattern, kind in (
        ("this message was", r"this message was deleted by admin .+", DELETED),
        ("diese nachricht", r"diese nachricht wurde von admin .+ gelöscht", DELETED),
        (
            "missed|group|voice|video",
            r"(?:missed )?(?:group )?(?:voice|video) call, (?:\d[^,]*|no answer|tap to call back)",
            CALL,
        ),
        ("sprachanruf|videoanruf", r"(?:sprach|video)anruf, (?:\d[^,]*|keine antwort)", CALL),
        (
            "you received|you sent",
            r"you (?:received|sent) a view once (?:voice )?\w+(?: for added privacy, .+)?",
            MEDIA,
        ),
        ("messages", r"messages (?:and calls are|(?:you send )?to this (?:chat|group) ).*encrypted.*", SYSTEM_MESSAGE),
        ("messages", r"messages (?:you send )?to this (?:chat|group) .*end-to-end encryption.*", SYSTEM_MESSAGE),
        ("nachrichten und", r"nachrichten und anrufe sind ende-zu-ende-verschlüsselt.*", SYSTEM_MESSAGE),
        ("los mensajes", r"los mensajes y las llamadas están cifrados de extremo a extremo.*", SYSTEM_MESSAGE),
        (
            "as mensagens",
            r"as mensagens e (?:as )?(?:ligações|chamadas) são protegidas com .*criptografia.*",
            SYSTEM_MESSAGE,
        ),
        ("les messages", r"les messages et (?:les )?appels sont chiffrés de bout en bout.*", SYSTEM_MESSAGE),
        ("i messaggi", r"i messaggi e le chiamate sono crittografati end-to-end.*", SYSTEM_MESSAGE),
        ("сообщения и", r"сообщения и звонки защищены сквозным шифрованием.*", SYSTEM_MESSAGE),
    )
)
# Those that begin with a name.
PATTERNS_AFTER_NAMES = tuple(
    (part, re.compile(pattern))
    for part, pattern in (
        ("created", r".{1,60} created (?:this )?group(?: [\"“].+[\"”])?"),
        ("changed the", r".{1,60} changed the (?:group name|subject) (?:from|to) [\"“].+[\"”]"),
        ("added you", r"(?:\S+ ){1,4}added you"),
    )
)


FILE_ATTACHED = "|".join(
    (
        "file attached", "Datei angehängt", "archivo adjunto", "arquivo anexado", "ficheiro anexado", "fichier joint",
        "file allegato", "bestand bijgevoegd", "файл добавлен", "файл додано", "dosya ekli", "ekli dosya",
        "plik dołączony", "załączono plik", "file terlampir", "fail dilampirkan", "bifogad fil", "fil vedhæftet",
        "vedlagt fil", "liitetiedosto", "fişier ataşat", "συνημμένο αρχείο", "ファイル添付", "附件", "檔案已附加",
        "파일 첨부됨", "ملف مرفق", "הקובץ מצורף", "संलग्न फ़ाइल",
    )
)  # fmt: skip
"""The words behind the name of an attached file on Android, as alternatives of a pattern."""

DOCUMENT = re.compile(
    "do[ck]ument|документ|belge|έγγραφο|asiakirja|文書|文件|文檔|文档|문서|書類|ドキュメント|مستند|מסמך|दस्तावेज़",
    re.IGNORECASE,
)
"""A word for a document, in the text for an omitted attachment on iOS."""

CALL_WORD = re.compile(
    "call|anruf|llamada|chamada|appel|chiamata|oproep|звон|вызов|дзвін|arama|połączenie|panggilan|通話|通话|통화"
    "|مكالمة|שיחת",
    re.IGNORECASE,
)
"""A word for a call, in the first of two notes on iOS: `Missed call, ‎tap here`."""

EVENT = re.compile(
    r"(?:EVENT|EREIGNIS|VERANSTALTUNG|EVENTO|ÉVÉNEMENT|ÉVÈNEMENT|EVENEMENT|СОБЫТИЕ|ETKİNLİK)\s?[:：] [^\n]+"
    r"\n[^\W\d_]+\s?[:：].*\Z",
    re.DOTALL,
)
"""An event on Android: lines of a word and a text."""

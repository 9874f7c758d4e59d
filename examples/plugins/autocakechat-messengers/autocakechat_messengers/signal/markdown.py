"""The Markdown files that sigexport writes of Signal, `chat.md` in the folder of each conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autocakechat import Message
from autocakechat_messengers.content import attachment_kind, seconds
from autocakechat_messengers.signal.json_lines import CALL, ME, SENDERS, RecentTexts, quoted_text
from autocakechat_messengers.text_form import Sender, TextForm

_TIME = r"\[\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?\]"
_IN_BYTES = re.compile(rf"{_TIME} [^:\n]+: ".encode())
_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ([^:\n]+): ")
_QUOTE = re.compile(r"\s*((?:^>.*\n)+)\n*", re.MULTILINE)
_REACTIONS = re.compile(r"\n\(- .* -\)")
_STICKER = re.compile(r"\n\(\( .* \)\)|!?\[[^\]\n]*\]\(\.\./exported_stickers/[^)\n]*\)")
_ATTACHMENT = re.compile(r"!?\[[^\]\n]*\]\(\./(media/[^)\n]*)\)|\((?:media|attachment) not exported\)")
_DELETED = "(This message was deleted)"


def is_markdown(head: bytes) -> bool:
    """Returns whether a file is one of sigexport."""
    return _IN_BYTES.match(head) is not None


class _Converter:
    """Makes the messages of a conversation; see `Converter`."""

    def __init__(self) -> None:
        self._quotable = RecentTexts()

    def strip(self, texts: Sequence[str]) -> list[str | None]:
        return [
            None if not (text := line.strip()) or "(" in text or text[0] == ">" or text.endswith("call") else text
            for line in texts
        ]

    def make_message(self, block: str, number: int) -> Message:
        return _message(block, number, self._quotable)

    def remember(self, texts: Sequence[str], first: int) -> None:
        self._quotable.add_all(texts, first)


def _message(block: str, number: int, quotable: RecentTexts) -> Message:
    """Makes a message, and remembers its text for the quotes in later ones.

    Raises:
        ValueError: The block is not one.
    """
    header = _HEADER.match(block)
    if header is None:
        raise ValueError("no message begins here")
    date, time, sender = header.groups()
    body = block[header.end() :]
    quote = _QUOTE.match(body)
    if quote:
        body = body[quote.end() :]
    kind, text = _content(_REACTIONS.sub("", body)) if "(" in body else _plain(body)
    sent = seconds(f"{date}T{time}")
    target = quotable.find(quoted_text(quote[1])) if quote else None
    quotable.add(text, number)
    return Message(
        number,
        SENDERS.get(sender, sender),
        sender,
        text,
        sent,
        target,
        kind,
        outgoing=sender == ME,
    )


def _plain(body: str) -> tuple[str, str]:
    text = body.strip()
    if text.endswith("call") and CALL.fullmatch(text):
        return "service: call", ""
    return ("text" if text else "empty message"), text


def _content(body: str) -> tuple[str, str]:
    """Returns the kind of a message and its text."""
    if body.strip() == _DELETED:
        return "deleted message", ""
    if CALL.fullmatch(body.strip()):
        return "service: call", ""
    attachment = _ATTACHMENT.search(body)
    is_sticker = _STICKER.search(body) is not None
    text = _ATTACHMENT.sub("", _STICKER.sub("", body)).strip()
    if attachment:
        return attachment_kind(attachment[1] or ""), text
    return ("sticker" if is_sticker else "text" if text else "empty message"), text


def _start_of_hour(written: str) -> int:
    return seconds(f"{written[1:11]}T{written[-2:]}:00")


def _seconds(written: str) -> int:
    return seconds(f"1970-01-01T00{written.removesuffix('] ')}")


def _sender(written: str) -> Sender:
    name = written[:-2]
    return Sender(SENDERS.get(name, name), name, name == ME)


FORM = TextForm(
    separator="\n",
    header=re.compile(r"\n(\[\d{4}-\d\d-\d\d,? \d\d)(:\d\d(?::\d\d)?\] )()([^:\n]+: )"),
    sender=re.compile(rf"\n{_TIME} (?!No-Sender:)([^:\n]+): ".encode()),
    parse_hour=_start_of_hour,
    parse_time=_seconds,
    parse_sender=_sender,
    title=lambda file: file.location.parent.name,
    converter=_Converter,
)

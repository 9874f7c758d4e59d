"""Finds e-mail addresses in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autocakechat.corpus.masking.spans import Span, merge_spans

_LOCAL_PART = r"(?<![\w.%+-])[\w.%+-]+"
_DOMAIN = r"(?:[\w-]+\.)+[^\W\d_][\w-]*[^\W_]"
_EMAIL = re.compile(rf"{_LOCAL_PART}@{_DOMAIN}")

# How the @ is written against programs that collect addresses, and in links.
_DISGUISED = re.compile(rf"{_LOCAL_PART}(?:%40|[ \t]?[\[(]at[\])][ \t]?){_DOMAIN}")
DISGUISES = (b"%40", b"(at)", b"[at]")

# With blanks around the @, "dinner @ luigis.example" looks the same. So the domain must be a mail provider's, or the
# local part must not look like a word.
_WITH_BLANKS = re.compile(rf"({_LOCAL_PART})[ \t]{{0,2}}@[ \t]{{0,2}}({_DOMAIN})")
_MAIL_PROVIDER = re.compile(
    r"(?:gmail|googlemail|yahoo|ymail|outlook|hotmail|live|msn|icloud|me|mac|aol|proton|protonmail|pm|fastmail|zoho|tutanota"
    r"|gmx|web|freenet|t-online|posteo|mailbox|orange|laposte|wanadoo|free|libero|virgilio|wp|o2|onet|interia|seznam"
    r"|mail|inbox|bk|list|yandex|ya|rambler|ukr|qq|163|126|naver|rediffmail|uol|bol|terra)(?:\.[a-z]{2,3}){1,2}",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"[\d._%+]")


def find_emails(text: str) -> Iterator[Span]:
    """Finds the e-mail addresses of a text, also those with blanks around the @.

    Args:
        text: Any text.

    Yields:
        Start and end of each address, in the order of the text. Addresses that overlap are one: `a%40b.com@gmail.com`.
    """
    spans = [match.span() for match in _DISGUISED.finditer(text)]
    spans += _find_with_at_sign(text) if "@" in text else ()
    yield from merge_spans(spans)


def _find_with_at_sign(text: str) -> Iterator[Span]:
    for match in _WITH_BLANKS.finditer(text):
        local_part, domain = match[1], match[2]
        if _EMAIL.fullmatch(match[0]) or _MAIL_PROVIDER.fullmatch(domain) or _NO_WORD.search(local_part.strip(".")):
            yield match.span()

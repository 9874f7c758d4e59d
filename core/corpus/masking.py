"""Masks phone numbers, e-mail addresses, payment cards and IBANs, so that no model learns them.

A fast test on the bytes of a text (`Masker.may_match`) rules out most texts: it looks for an @ and for a run of seven
digits. Only the others are searched with regular expressions, and python-stdnum and phonenumbers validate what these
match.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

from autocakechat.corpus.phone_numbers import DEFAULT_REGIONS, MIN_DIGITS, Span, find_phone_numbers

Kind = Literal["email", "iban", "card", "phone"]
KINDS: tuple[Kind, ...] = ("email", "iban", "card", "phone")
PLACEHOLDERS: dict[Kind, str] = {kind: f"[{kind}]" for kind in KINDS}
"""What replaces masked data in texts."""

# ASCII digits, and the UTF-8 lead bytes of the digits of other scripts.
_DIGITS = b"0123456789\xd9\xdb\xdf\xe0\xe1\xea\xef\xf0"
_HARMLESS = bytes(set(range(256)) - set(_DIGITS + b"@"))
# Separators between the digits of a number: ASCII ones, UTF-8 lead bytes of others, and all continuation bytes.
_SEPARATORS = b" ().-/\xc2\xe2" + bytes(range(0x80, 0xC0))
_DIGITS_TO_ZEROS = bytes(ord("0") if byte in _DIGITS else ord("x") for byte in range(256))
_ZEROS = b"0" * MIN_DIGITS

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_][\w-]*[^\W_]")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,30}(?![^\W_])", re.IGNORECASE)
_IBAN_SEPARATOR = re.compile(r"[ \u00a0-]")
_CARD = re.compile(r"(?<![\w+/=-])[2-6]\d{3}(?:[ \u00a0-]?\d){8,15}(?![\w-])")
# Prefixes and lengths of the cards in use.
_CARD_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|220[0-4]\d{12,15}"  # Mir
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover
    r"|62\d{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|(?:60|508|81|82)\d{13,14}"  # RuPay
)
_DIGIT_GROUPS = re.compile(r"\d+")


class Masker:
    """Replaces sensitive numbers and addresses by placeholders such as `[phone]`.

    Args:
        kinds: What to mask.
        regions: Countries, as two-letter codes, whose phone numbers are recognised without a country code.
    """

    def __init__(self, kinds: Iterable[Kind] = KINDS, regions: Sequence[str] = DEFAULT_REGIONS) -> None:
        enabled = set(kinds)
        self._finders = [(kind, _FINDERS[kind]) for kind in KINDS if kind in enabled]
        self._regions = tuple(regions)
        self._active = bool(self._finders)

    def may_match(self, encoded: bytes) -> bool:
        """Tests, fast, whether a text may contain something to mask.

        Args:
            encoded: The text in UTF-8, or in another encoding that leaves digits and letters unchanged.
        """
        digits_and_at_signs = encoded.translate(None, _HARMLESS)
        if not digits_and_at_signs or not self._active:
            return False
        if b"@" in digits_and_at_signs:
            return True
        if len(digits_and_at_signs) < MIN_DIGITS:
            return False
        # Enough digits, but perhaps far apart: looks for a run of digits with nothing but separators between them.
        without_separators = encoded.translate(_DIGITS_TO_ZEROS, _SEPARATORS)
        return _ZEROS in without_separators

    def mask(self, text: str, counts: Counter[str]) -> str:
        """Masks a text.

        Args:
            text: Any text.
            counts: Number of placeholders by kind; those of this text are added.

        Returns:
            The text with placeholders, otherwise unchanged.
        """
        if not self.may_match(text.encode("utf-8", "surrogatepass")):
            return text
        for kind, find in self._finders:
            spans = list(find(text, self._regions))
            if spans:
                counts[kind] += len(spans)
                text = _replace_spans(text, spans, PLACEHOLDERS[kind])
        return text


def _replace_spans(text: str, spans: list[Span], placeholder: str) -> str:
    parts = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], placeholder]
        position = end
    return "".join([*parts, text[position:]])


def _find_emails(text: str, _regions: tuple[str, ...]) -> Iterator[Span]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.span()


def _find_ibans(text: str, _regions: tuple[str, ...]) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        # Words after an IBAN that is written in groups look like more groups: try the longest candidate first.
        separators = [separator.start() for separator in _IBAN_SEPARATOR.finditer(match[0])]
        ends = [match.end(), *(match.start() + separator for separator in reversed(separators))]
        for end in ends:
            if _is_iban(text[match.start() : end]):
                yield match.start(), end
                break


@lru_cache(maxsize=1024)
def _is_iban(candidate: str) -> bool:
    from stdnum import iban

    compact = _IBAN_SEPARATOR.sub("", candidate)
    return compact.isascii() and iban.is_valid(compact)


def _find_cards(text: str, _regions: tuple[str, ...]) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        if _is_card("".join(_DIGIT_GROUPS.findall(match[0]))):
            yield match.span()


@lru_cache(maxsize=1024)
def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return bool(_CARD_ISSUERS.fullmatch(digits)) and len(set(digits)) > 1 and luhn.is_valid(digits)


_FINDERS: dict[Kind, Callable[[str, tuple[str, ...]], Iterator[Span]]] = {
    "email": _find_emails,
    "iban": _find_ibans,
    "card": _find_cards,
    "phone": find_phone_numbers,
}

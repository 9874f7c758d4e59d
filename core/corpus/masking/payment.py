"""Finds numbers of payment cards and IBANs in texts. Check digits tell them from other numbers."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from autocakechat.corpus.masking.spans import GAP, Span

# An IBAN (ISO 13616) is at most 34 characters long and is often written in groups of four.
_IBAN = re.compile(
    rf"(?:(?<![^\W_])|(?<=IBAN))[A-Z]{{2}}\d{{2}}(?:[{GAP}./-]{{0,2}}[A-Z0-9]){{11,30}}(?![^\W_])", re.IGNORECASE
)
_IBAN_SEPARATOR = re.compile(rf"[{GAP}./-]")
_LETTERS_TO_NUMBERS = {ord(letter): str(10 + number) for number, letter in enumerate(string.ascii_uppercase)}

# Groups of digits that may be a card's number; an expiry date or another number may follow. Only the last is short.
_BETWEEN_GROUPS = rf"(?:[{GAP}]{{1,2}}|[{GAP}]?[./-][{GAP}]?)"
_DIGIT_ROW = re.compile(
    # An underscore at the edge of a word is a mark of emphasis.
    r"(?<![^\W_])(?<![+=])(?<![^\W_]_)"
    rf"\d{{4,19}}(?:{_BETWEEN_GROUPS}\d{{4,19}})*(?:{_BETWEEN_GROUPS}\d{{1,3}})?"
    r"(?![^\W_]|[+=]|_[^\W_])"
)
_DIGIT_GROUP = re.compile(r"\d+")
_CARD_DIGITS = range(12, 20)
_MAX_GROUPS = 5
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


def find_ibans(text: str) -> Iterator[Span]:
    """Finds the IBANs of a text.

    Args:
        text: Any text.

    Yields:
        Start and end of each IBAN, in the order of the text.
    """
    for match in _IBAN.finditer(text):
        # Words after an IBAN that is written in groups look like more groups: try the longest candidate first.
        separators = [separator.start() for separator in _IBAN_SEPARATOR.finditer(match[0])]
        ends = [match.end(), *(match.start() + separator for separator in reversed(separators))]
        for end in ends:
            if _is_iban(_IBAN_SEPARATOR.sub("", text[match.start() : end])):
                yield match.start(), end
                break


def _is_iban(candidate: str) -> bool:
    if not candidate.isascii() or len(candidate) < 15:
        return False
    # The check digits (ISO 7064) rule out 96 of 97 other texts before the slower test by country.
    rearranged = candidate[4:] + candidate[:4]
    if int(rearranged.upper().translate(_LETTERS_TO_NUMBERS)) % 97 != 1:
        return False
    from stdnum import iban

    return bool(iban.is_valid(candidate, check_country=False))  # a bank that closed still had accounts


def find_cards(text: str) -> Iterator[Span]:
    """Finds the numbers of payment cards of a text; other groups of digits may stand before and after.

    Args:
        text: Any text.

    Yields:
        Start and end of each number, in the order of the text.
    """
    for row in _DIGIT_ROW.finditer(text):
        groups = [match.span() for match in _DIGIT_GROUP.finditer(text, *row.span())]
        first = 0
        while first < len(groups):
            length = _card_length(text, groups[first : first + _MAX_GROUPS])
            if length:
                yield groups[first][0], groups[first + length - 1][1]
            first += length or 1


def _card_length(text: str, groups: list[Span]) -> int:
    """Returns how many of the first groups make up a card's number, as many as possible; 0 if none do."""
    digits = "".join(text[start:end] for start, end in groups)
    sizes = list(accumulate(end - start for start, end in groups))
    for length in range(len(groups), 0, -1):
        size = sizes[length - 1]
        if size in _CARD_DIGITS and _is_card(digits[:size]) and _is_grouped_like_card(text, groups[:length]):
            return length
    return 0


@lru_cache(maxsize=1024)
def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return bool(_CARD_ISSUERS.fullmatch(digits)) and len(set(digits)) > 1 and luhn.is_valid(digits)


def _is_grouped_like_card(text: str, groups: list[Span]) -> bool:
    """Tests whether the separators are those of a card rather than of a decimal number or coordinates."""
    separators = {text[end] for _, end in groups[:-1]}
    return len(separators) <= 1 or not separators & set("./")

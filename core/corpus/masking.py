"""Masks what must not be learnt by heart: phone numbers, e-mail addresses, payment cards and IBANs.

Most text is done with after one look at its bytes (`Masker.suspects`). Only where seven digits stand in a row, or an @,
the patterns below are tried, and only what they find is handed to the libraries that know the numbers of the world.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

Kind = Literal["email", "iban", "card", "phone"]
KINDS: tuple[Kind, ...] = ("email", "iban", "card", "phone")

# Countries with many users whose numbers cannot easily be taken for anything else.
DEFAULT_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "RU", "UA", "TR", "IN", "BR")

_FEWEST_DIGITS = 7
_MOST_DIGITS = 17
# Digits, and the first byte of what may be a digit of another script.
_DIGITS = b"0123456789\xd9\xdb\xdf\xe0\xe1\xea\xef\xf0"
_INNOCENT = bytes(set(range(256)) - set(_DIGITS + b"@"))
# What may stand between the digits of a number, and all but the first bytes of characters of several bytes.
_PASSED_OVER = b" ().-/\xc2\xe2" + bytes(range(0x80, 0xC0))
_SHAPES = bytes(ord("0") if byte in _DIGITS else ord("x") for byte in range(256))
_NUMBER_SHAPE = b"0" * _FEWEST_DIGITS

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_][\w-]*[^\W_]")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,30}(?![^\W_])", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w+/=-])[2-6]\d{3}(?:[ \u00a0-]?\d){8,15}(?![\w-])")
# Prefixes and lengths of the cards in use: Visa, Mastercard, Mir, American Express, Diners Club, Discover, JCB,
# UnionPay, Maestro, RuPay.
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12,15}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}|(?:60|508|81|82)\d{13,14}"
)

# Numbers in the form of a phone number: digits with no more than three blanks, brackets, dots or dashes between them.
_BETWEEN = r"[ \u00a0\u2009\u202f().\-/\u2010-\u2015]{0,3}"
_NUMBER = re.compile(rf"(?<![\w#=@$€£¥₹₽+/-])(?<!\d[:.,])(?:\+ ?|\()?\(?\d(?:{_BETWEEN}\d){{6,}}(?![\w%]|[:,.]\d)")
_LINKED = re.compile(r"(?<=wa\.me/)\+?\d{7,15}(?!\w)|(?<=tel:)\+?[\d().-]{7,20}(?!\w)", re.IGNORECASE)
_DATE = (
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?!\1?\d)|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}(?!\2?\d)"
    r"|(?:19|20)\d\d[01]\d[0-3]\d(?!\d))"
)
_YEARS = r"(?:(?:19|20)\d\d(?:\s?[-–/,]\s?|\s)){1,9}(?:19|20)\d\d(?![-./]?\d)"
_NO_NUMBERS = re.compile(
    rf"(?<!\d)(?<!\d[./-])(?:{_DATE}|{_YEARS}|\d{{1,2}}:\d\d(?::\d\d)?(?!\d)"
    r"|(?:\d{1,3}\.){3}\d{1,3}(?![.]?\d))"
)
_MONEY_BEFORE = re.compile(r"(?:[$€£¥₹₽₴]|\b(?:usd|eur|rub|gbp|inr|rs\.?))\s?$", re.IGNORECASE)
_MONEY_AFTER = re.compile(
    r"\s?(?:[$€£¥₹₽₴%°]|(?:usd|eur|euros?|rub|руб|р|грн|uah|gbp|inr|dollars?|bucks|pounds?|km|km/h|kg|mb|gb|км|кг)\b)",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"\d+")
_AMOUNT = re.compile(r"\d{1,3}(?:[ .\u00a0]\d{3})*[ .\u00a0]?000|\d+0{6}|\d{1,3}\.\d+")


class Masker:
    """Replaces sensitive numbers and addresses by placeholders such as `[phone]`.

    Args:
        kinds: What to mask.
        regions: Countries, as two-letter codes, in whose form phone numbers without a country code are recognised.
    """

    def __init__(self, kinds: Iterable[Kind] = KINDS, regions: Sequence[str] = DEFAULT_REGIONS) -> None:
        wanted = set(kinds)
        self._finders = [(kind, _FINDERS[kind]) for kind in KINDS if kind in wanted]
        self._regions = tuple(regions)
        self._active = bool(self._finders)

    def suspects(self, encoded: bytes) -> bool:
        """Tells, fast, whether there may be something to mask.

        Args:
            encoded: Text in UTF-8, or any format that leaves digits and letters as they are.
        """
        rest = encoded.translate(None, _INNOCENT)
        if not rest or not self._active:
            return False
        if b"@" in rest:
            return True
        # The digits may stand apart; only with so many of them is it worth to look where.
        return len(rest) >= _FEWEST_DIGITS and _NUMBER_SHAPE in encoded.translate(_SHAPES, _PASSED_OVER)

    def mask(self, text: str, found: Counter[str]) -> str:
        """Masks a text.

        Args:
            text: Any text.
            found: Where to count what was masked, by kind.

        Returns:
            The text with placeholders; all else is as it was.
        """
        if not self.suspects(text.encode("utf-8", "surrogatepass")):
            return text
        for kind, find in self._finders:
            spans = list(find(text, self._regions))
            if spans:
                found[kind] += len(spans)
                text = _replaced(text, spans, f"[{kind}]")
        return text


def _replaced(text: str, spans: list[tuple[int, int]], placeholder: str) -> str:
    parts = []
    done = 0
    for start, end in spans:
        parts += [text[done:start], placeholder]
        done = end
    return "".join([*parts, text[done:]])


Spans = Iterator[tuple[int, int]]


def _emails(text: str, _regions: tuple[str, ...]) -> Spans:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.span()


def _ibans(text: str, _regions: tuple[str, ...]) -> Spans:
    for match in _IBAN.finditer(text):
        # Written in groups, an IBAN may have words after it that look like more groups.
        ends = [match.end(), *(match.start() + blank.start() for blank in reversed(_blanks(match[0])))]
        for end in ends:
            if _is_iban(text[match.start() : end]):
                yield match.start(), end
                break


def _blanks(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"[ \u00a0-]", text))


@lru_cache(maxsize=1024)
def _is_iban(candidate: str) -> bool:
    from stdnum import iban

    compact = re.sub(r"[ \u00a0-]", "", candidate)
    return compact.isascii() and iban.is_valid(compact)


def _cards(text: str, _regions: tuple[str, ...]) -> Spans:
    for match in _CARD.finditer(text):
        if _is_card("".join(_GROUPS.findall(match[0]))):
            yield match.span()


@lru_cache(maxsize=1024)
def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return bool(_ISSUERS.fullmatch(digits)) and len(set(digits)) > 1 and luhn.is_valid(digits)


def _phones(text: str, regions: tuple[str, ...]) -> Spans:
    plain = _NO_NUMBERS.sub(lambda match: "\0" * len(match[0]), text)
    if sum(map(str.isdigit, plain)) < _FEWEST_DIGITS:
        return
    spans = [match.span() for match in _LINKED.finditer(plain)]
    for match in _NUMBER.finditer(plain):
        if not any(start <= match.start() < end for start, end in spans):
            spans += _phones_within(plain, match.start(), match.end(), regions)
    yield from sorted(spans)


def _phones_within(text: str, start: int, end: int, regions: tuple[str, ...]) -> Spans:
    """Finds phone numbers in a row of digit groups; each of them begins and ends at a blank."""
    words = [(start + word.start(), start + word.end()) for word in re.finditer(r"\S+", text[start:end])]
    first = 0
    while first < len(words):
        for last in range(min(first + 7, len(words) - 1), first - 1, -1):
            candidate = text[words[first][0] : words[last][1]]
            if _is_phone(candidate, regions) and (
                candidate.lstrip("(").startswith(("+", "00"))
                or not _is_amount(text, words[first][0], words[last][1], candidate)
            ):
                yield words[first][0], words[last][1]
                first = last
                break
        first += 1


def _is_amount(text: str, start: int, end: int, candidate: str) -> bool:
    return bool(
        _AMOUNT.fullmatch(candidate)
        or _MONEY_BEFORE.search(text, max(0, start - 5), start)
        or _MONEY_AFTER.match(text, end)
    )


@lru_cache(maxsize=4096)
def _is_phone(candidate: str, regions: tuple[str, ...]) -> bool:
    if not candidate.isascii():
        candidate = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in candidate)
    groups = _GROUPS.findall(candidate)
    digits = "".join(groups)
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return False
    if candidate.lstrip("(").startswith("+"):
        return _is_international(candidate)
    if digits.startswith("00"):
        return _is_international("+" + candidate.lstrip("(")[2:])
    return len(set(digits)) > 2 and _looks_dialled(groups) and any(_is_local(digits, region) for region in regions)


def _is_international(candidate: str) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(candidate)
    except phonenumbers.NumberParseException:
        return False
    # A number that is not given to anybody yet, or was made up, is a phone number to the eye all the same.
    return phonenumbers.is_valid_number(number) or (
        len(str(number.national_number)) >= _FEWEST_DIGITS + 1 and phonenumbers.is_possible_number(number)
    )


def _looks_dialled(groups: list[str]) -> bool:
    """Whether the groups are those of a phone number rather than of a list, an amount or a timestamp."""
    if len(groups) == 1:
        digits = groups[0]
        return not (len(digits) == 10 and digits[0] == "1")  # seconds since 1970
    lone = sum(len(group) == 1 for group in groups)
    if len(groups[-1]) == 1 or lone > 1 or (lone and groups[0] not in {"0", "1", "7", "8"}):
        return False
    # A number with a point, and pairs of digits that begin with no zero: a score, a list.
    return groups[0][0] == "0" or max(map(len, groups)) > 2


@lru_cache(maxsize=4096)
def _is_local(digits: str, region: str) -> bool:
    import phonenumbers

    national, prefix, required = _plan(region)
    significant = digits
    if prefix and digits.startswith(prefix) and national.fullmatch(digits[len(prefix) :]):
        significant = digits[len(prefix) :]
    elif required or not national.fullmatch(digits):
        return False
    if len(significant) < _FEWEST_DIGITS + 1:
        return False
    number = phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region),
        national_number=int(significant),
        italian_leading_zero=significant.startswith("0") or None,
    )
    return phonenumbers.is_valid_number(number)


@lru_cache(maxsize=256)
def _plan(region: str) -> tuple[re.Pattern[str], str, bool]:
    """A region's form of numbers, the prefix that is dialled before them, and whether nobody leaves it out."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    assert metadata.general_desc is not None
    prefix = metadata.national_prefix or ""
    rules = [
        (form.national_prefix_formatting_rule, form.national_prefix_optional_when_formatting)
        for form in metadata.number_format
        if form.national_prefix_formatting_rule
    ]
    required = bool(rules) and all(prefix in rule and not optional for rule, optional in rules)
    return re.compile(metadata.general_desc.national_number_pattern or ""), prefix, required


_FINDERS: dict[Kind, Callable[[str, tuple[str, ...]], Spans]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "phone": _phones,
}

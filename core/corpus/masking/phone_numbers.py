"""Finds phone numbers in texts.

`phonenumbers.PhoneNumberMatcher` is made for the same task, but takes dates, prices, scores and coordinates for phone
numbers of one of the twelve countries. So the candidates come from the regular expressions below, and `phonenumbers`
validates them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from autocakechat.corpus.masking.spans import GAP, Span

# Countries with many users whose phone numbers differ enough from other numbers.
DEFAULT_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "RU", "UA", "TR", "IN", "BR")

MIN_DIGITS = 7
_MAX_DIGITS = 17
_MAX_WORDS = 8

# A phone number as written: digits with up to three spaces, brackets, dots, dashes or slashes between them.
_SEPARATOR = rf"[{GAP}().\-/\u2010-\u2015]{{0,3}}"
_DIGITS = rf"\(?\d(?:{_SEPARATOR}\d){{6,}}"
_CANDIDATE = re.compile(
    rf"(?:(?<![^\W_])(?<![^\W_]_)(?<!\+)\+ ?{_DIGITS}"  # behind any sign, as in tel=+49
    rf"|(?<![^\W_])(?<![^\W_]_)(?<![#=@$€£¥₹₽+])(?<![\w/)\0][/-])(?<!\d[:.,])\(?{_DIGITS})"
    r"(?![^\W_]|_[^\W_]|%|[:,.]\d)"
)
_LINK = re.compile(
    r"(?:\bwa\.me/|\bt\.me/|\bsignal\.me/#p/|\b(?:phone|number|tel|to|recipient)="
    r"|\b(?:tel|sms|smsto|callto|whatsapp|skype|facetime|facetime-audio|viber|sip):(?://)?)"
    r"(?P<number>(?:\+|%2B)?\d[\d().-]{5,18}\d)(?![\w@])",
    re.IGNORECASE,
)

_DATE = (
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?!\1?\d)"  # 31.12.2024
    r"|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}(?!\2?\d)"  # 2024-12-31
    r"|(?:19|20)\d\d[01]\d[0-3]\d(?!\d)"  # 20241231
    r"|[01]?\d[./](?:19|20)\d\d(?![./-]?\d))"  # 12/2024
)
_YEARS = r"(?:(?:19|20)\d\d(?:\s?[-–/,]\s?|\s)){1,9}(?:19|20)\d\d(?![-./]?\d)"
_TIME = r"\d{1,2}:\d\d(?::\d\d)?(?!\d)"
_IP_ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}(?![.]?\d)"
_OTHER_NUMBERS = re.compile(rf"(?<!\d)(?<!\d[./-])(?:{_DATE}|{_YEARS}|{_TIME}|{_IP_ADDRESS})")

_CURRENCY_BEFORE = re.compile(r"(?:[$€£¥₹₽₴]|\b(?:usd|eur|rub|gbp|inr|rs\.?))\s?$", re.IGNORECASE)
_LONGEST_CURRENCY = 5
_UNIT_AFTER = re.compile(
    r"\s?(?:[$€£¥₹₽₴%°]|(?:usd|eur|euros?|rub|руб|р|грн|uah|gbp|inr|dollars?|bucks|pounds?|km|km/h|kg|mb|gb|км|кг)\b)",
    re.IGNORECASE,
)
_ROUND_OR_DECIMAL = re.compile(r"\d{1,3}(?:[ .\u00a0]\d{3})*[ .\u00a0]?000|\d+0{6}|\d{1,3}\.\d+")
_DIGIT_GROUPS = re.compile(r"\d+")
_WORDS = re.compile(r"[^\s/]+")


def find_phone_numbers(text: str, regions: tuple[str, ...]) -> Iterator[Span]:
    """Finds the phone numbers of a text.

    Args:
        text: Any text.
        regions: Countries, as two-letter codes, whose phone numbers are recognised without a country code.

    Yields:
        Start and end of each phone number, in the order of the text.
    """
    # Blanks out dates and the like, at the same length so that positions stay valid.
    remaining = _OTHER_NUMBERS.sub(_blank, text)
    if sum(map(str.isdigit, remaining)) < MIN_DIGITS:
        return
    in_links = [match.span("number") for match in _LINK.finditer(remaining)]
    remaining = _LINK.sub(_blank, remaining)
    in_text = [
        span
        for match in _CANDIDATE.finditer(remaining)
        for span in _split_candidate(remaining, match.start(), match.end(), regions)
    ]
    yield from sorted(in_links + in_text)


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def _split_candidate(text: str, start: int, end: int, regions: tuple[str, ...]) -> Iterator[Span]:
    """Finds the phone numbers in a row of digit groups; a phone number starts and ends at a space or a slash."""
    words = [(start + word.start(), start + word.end()) for word in _WORDS.finditer(text[start:end])]
    first = 0
    while first < len(words):
        length = _longest_phone_number(text, words[first : first + _MAX_WORDS], regions)
        if length:
            yield words[first][0], words[first + length - 1][1]
        first += max(length, 1)


def _longest_phone_number(text: str, words: Sequence[Span], regions: tuple[str, ...]) -> int:
    """Returns how many of the first words make up a phone number, as many as possible; 0 if none do."""
    start = words[0][0]
    for length in range(len(words), 0, -1):
        end = words[length - 1][1]
        candidate = text[start:end]
        if _is_phone_number(candidate, regions) and (
            _has_international_prefix(candidate) or not _is_amount(text, start, end)
        ):
            return length
    return 0


def _has_international_prefix(candidate: str) -> bool:
    return candidate.lstrip("(").startswith(("+", "00"))


def _is_amount(text: str, start: int, end: int) -> bool:
    """Tests whether a number is an amount: round, decimal, or beside a currency or a unit."""
    return bool(
        _ROUND_OR_DECIMAL.fullmatch(text, start, end)
        or _CURRENCY_BEFORE.search(text, max(0, start - _LONGEST_CURRENCY), start)
        or _UNIT_AFTER.match(text, end)
    )


@lru_cache(maxsize=4096)
def _is_phone_number(candidate: str, regions: tuple[str, ...]) -> bool:
    if not candidate.isascii():
        signs = (" " if sign in GAP else sign for sign in candidate)
        candidate = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in signs)
    groups = _DIGIT_GROUPS.findall(candidate)
    digits = "".join(groups)
    if not MIN_DIGITS <= len(digits) <= _MAX_DIGITS:
        return False
    if candidate.lstrip("(").startswith("+"):
        return _is_international(candidate)
    if digits.startswith("00"):
        return _is_international("+" + candidate.lstrip("(")[2:])
    return len(set(digits)) > 2 and _is_grouped_like_phone(groups) and any(_is_local(digits, code) for code in regions)


def _is_international(candidate: str) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(candidate)
    except phonenumbers.NumberParseException:
        return False
    # A made-up number, or one that is not assigned, still looks like a phone number: a possible length is enough.
    return phonenumbers.is_valid_number(number) or (
        len(str(number.national_number)) >= MIN_DIGITS + 1 and phonenumbers.is_possible_number(number)
    )


def _is_grouped_like_phone(groups: list[str]) -> bool:
    """Tests whether digit groups are those of a phone number rather than of a list, an amount or a timestamp."""
    if len(groups) == 1:
        digits = groups[0]
        return not (len(digits) == 10 and digits[0] == "1")  # seconds since 1970
    single_digits = sum(len(group) == 1 for group in groups)
    if len(groups[-1]) == 1 or single_digits > 1:
        return False
    if single_digits and groups[0] not in {"0", "1", "7", "8"}:  # prefixes that are dialled before a number
        return False
    # Groups of at most two digits without a leading zero are a score or a list.
    return groups[0][0] == "0" or max(map(len, groups)) > 2


@lru_cache(maxsize=4096)
def _is_local(digits: str, region: str) -> bool:
    """Tests whether digits are a valid phone number of a country, written without the country code."""
    import phonenumbers

    plan = _numbering_plan(region)
    without_prefix = digits[len(plan.prefix) :]
    if plan.prefix and digits.startswith(plan.prefix) and plan.pattern.fullmatch(without_prefix):
        significant = without_prefix
    elif plan.prefix_required or not plan.pattern.fullmatch(digits):
        return False
    else:
        significant = digits
    if len(significant) < MIN_DIGITS + 1:
        return False
    number = phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region),
        national_number=int(significant),
        italian_leading_zero=significant.startswith("0") or None,
    )
    return phonenumbers.is_valid_number(number)


class _NumberingPlan(NamedTuple):
    """How the phone numbers of a country are written without the country code.

    Attributes:
        pattern: The national significant number.
        prefix: The national prefix that is dialled before it, such as 0; empty if there is none.
        prefix_required: Whether the prefix is always written.
    """

    pattern: re.Pattern[str]
    prefix: str
    prefix_required: bool


@lru_cache(maxsize=256)
def _numbering_plan(region: str) -> _NumberingPlan:
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
    return _NumberingPlan(re.compile(metadata.general_desc.national_number_pattern or ""), prefix, required)

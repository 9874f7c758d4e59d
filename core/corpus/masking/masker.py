"""The masker: replaces what the other modules find by placeholders.

A fast test on the bytes of a text (`Masker.may_match`) rules out most texts: it looks for an @, for a run of seven
digits and for a long run of letters and digits. Only the others are searched with regular expressions, and
python-stdnum and phonenumbers validate what these match.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal

from autocakechat.corpus.masking.emails import DISGUISES, find_emails
from autocakechat.corpus.masking.payment import find_cards, find_ibans
from autocakechat.corpus.masking.phone_numbers import DEFAULT_REGIONS, MIN_DIGITS, find_phone_numbers
from autocakechat.corpus.masking.secrets import MIN_RUN, find_secrets
from autocakechat.corpus.masking.spans import Span, replace_spans

Kind = Literal["secret", "email", "iban", "card", "phone"]
KINDS: tuple[Kind, ...] = ("secret", "email", "iban", "card", "phone")
Finder = Callable[[str], Iterator[Span]]
PLACEHOLDERS: dict[Kind, str] = {kind: f"[{kind}]" for kind in KINDS}
"""What replaces masked data in texts."""

# ASCII digits, and the UTF-8 lead bytes of the digits of other scripts.
_DIGITS = b"0123456789\xd9\xdb\xdf\xe0\xe1\xea\xef\xf0"
# Signs of numbers, of addresses, and of disguised addresses.
_HARMLESS = bytes(set(range(256)) - set(_DIGITS + b"@%[("))
# Separators between the digits of a number: ASCII ones, UTF-8 lead bytes of others, and all continuation bytes.
_SEPARATORS = b" ().-/\xc2\xd8\xe2" + bytes(range(0x80, 0xC0))
_DIGITS_TO_ZEROS = bytes(ord("0") if byte in _DIGITS else ord("x") for byte in range(256))
_ZEROS = b"0" * MIN_DIGITS
_TOKEN_CHARACTERS = re.compile(rb"[A-Za-z0-9_-]")
_TOKEN_TO_RUN = bytes(ord("x") if _TOKEN_CHARACTERS.match(bytes([byte])) else ord(" ") for byte in range(256))
_INVISIBLE_BYTES = bytes([0xC2, 0xD8, 0xE2, 0xEF, *range(0x80, 0xC0)])
_RUN = b"x" * MIN_RUN

_FULL_WIDTH = {0xFF00 + code: 0x20 + code for code in range(1, 0x5F)}
# Zero-width and direction characters, the soft hyphen, variation selectors.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")


class Masker:
    """Replaces sensitive numbers and addresses by placeholders such as `[phone]`.

    Args:
        kinds: What to mask.
        regions: Countries, as two-letter codes, whose phone numbers are recognised without a country code.
    """

    def __init__(self, kinds: Iterable[Kind] = KINDS, regions: Sequence[str] = DEFAULT_REGIONS) -> None:
        enabled = set(kinds)
        finders: dict[Kind, Finder] = {
            "secret": find_secrets,
            "email": find_emails,
            "iban": find_ibans,
            "card": find_cards,
            "phone": partial(find_phone_numbers, regions=tuple(regions)),
        }
        self._secret_finders = [(kind, finders[kind]) for kind in KINDS if kind in enabled and kind == "secret"]
        self._number_finders = [(kind, finders[kind]) for kind in KINDS if kind in enabled and kind != "secret"]

    def may_match(self, encoded: bytes) -> bool:
        """Tests, fast, whether a text may contain something to mask.

        Args:
            encoded: The text in UTF-8, or in another encoding that leaves digits and letters unchanged.
        """
        return bool(self._matching_finders(encoded))

    def _matching_finders(self, encoded: bytes) -> Sequence[tuple[Kind, Finder]]:
        """Returns the finders that may find something in a text."""
        finders: Sequence[tuple[Kind, Finder]] = ()
        if self._secret_finders and _may_hold_secret(encoded):
            finders = self._secret_finders
        if self._number_finders and _may_hold_number(encoded):
            finders = [*finders, *self._number_finders]
        return finders

    def mask(self, text: str, counts: Counter[str]) -> str:
        """Masks a text.

        Args:
            text: Any text.
            counts: Number of placeholders by kind; those of this text are added.

        Returns:
            The text with placeholders, otherwise unchanged.
        """
        finders = self._matching_finders(text.encode("utf-8", "surrogatepass"))
        if not finders:
            return text
        if not text.isascii():  # the fast tests do not know all forms of letters
            finders = [*self._secret_finders, *self._number_finders]
        visible, positions = _searchable(text)
        for kind, find in finders:
            spans = list(find(visible))
            if spans:
                counts[kind] += len(spans)
                text = replace_spans(
                    text, [(positions[start], positions[end - 1] + 1) for start, end in spans], PLACEHOLDERS[kind]
                )
                visible, positions = _searchable(text)
        return text


def _may_hold_number(encoded: bytes) -> bool:
    signs = encoded.translate(None, _HARMLESS)
    if not signs:
        return False
    if b"@" in signs:
        return True
    # In the signs alone, a disguise is `%40` as well, or a bracket. They are few, so that it is fast to look there.
    if (b"%40" in signs or b"(" in signs or b"[" in signs) and any(disguise in encoded for disguise in DISGUISES):
        return True
    if len(signs) < MIN_DIGITS:
        return False
    # Enough digits, but perhaps far apart: looks for a run of digits with nothing but separators between them.
    without_separators = encoded.translate(_DIGITS_TO_ZEROS, _SEPARATORS)
    return _ZEROS in without_separators


def _may_hold_secret(encoded: bytes) -> bool:
    if len(encoded) < MIN_RUN:
        return False
    # To remove bytes takes three times as long, so pure ASCII, which has no invisible characters, goes without.
    invisible = b"" if encoded.isascii() else _INVISIBLE_BYTES
    return _RUN in encoded.translate(_TOKEN_TO_RUN, invisible)


def _searchable(text: str) -> tuple[str, Sequence[int]]:
    """Makes a text easier to search: full-width characters become ASCII ones, and invisible ones are removed.

    Returns:
        The text, and for each of its characters the position in the original text.
    """
    if text.isascii():
        return text, range(len(text))
    text = text.translate(_FULL_WIDTH)
    if not _INVISIBLE.search(text):
        return text, range(len(text))
    positions = [position for position, character in enumerate(text) if not _INVISIBLE.match(character)]
    return "".join(text[position] for position in positions), positions

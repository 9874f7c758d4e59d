"""The options of the table `[corpus]`."""

from __future__ import annotations

from typing import Any

import attrs

from autocakechat.corpus.masking.masker import KINDS, Kind
from autocakechat.corpus.masking.phone_numbers import DEFAULT_REGIONS
from autocakechat.corpus.occurrence_table import MAX_COUNT
from autocakechat.interface.options import option


def _check_regions(_: Any, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    if set(value) <= set(DEFAULT_REGIONS):
        return
    import phonenumbers

    unknown = [region for region in value if region not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f'unknown country {unknown[0]!r}; use a two-letter code in capitals, such as "DE"')


def _check_share(_: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"must be more than 0 and less than 1, not {value}")


@attrs.frozen(kw_only=True)
class CorpusOptions:
    """The table `[corpus]`."""

    validation: float = option(
        default=0.05,
        help="Share of dialogs held out for evaluation; the newest are held out.",
        check=_check_share,
    )
    same_answer: int = option(
        default=50,
        help="How many times the corpus may contain the same reply.",
        check=attrs.validators.and_(attrs.validators.ge(1), attrs.validators.le(MAX_COUNT)),
    )
    mask: tuple[Kind, ...] = option(
        default=KINDS, help="What to replace by a placeholder such as [phone]; an empty list masks nothing."
    )
    phone_regions: tuple[str, ...] = option(
        default=DEFAULT_REGIONS,
        help="Countries whose phone numbers are recognised without a country code.",
        check=_check_regions,
    )

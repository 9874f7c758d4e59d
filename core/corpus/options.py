"""The options of the table `[corpus]`."""

from __future__ import annotations

from typing import Any

import attrs

from autocakechat.corpus.masking import DEFAULT_REGIONS, KINDS, Kind
from autocakechat.corpus.occurrence_table import MOST
from autocakechat.interface.options import option


def _known_regions(_: Any, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    if set(value) <= set(DEFAULT_REGIONS):
        return
    import phonenumbers

    unknown = [region for region in value if region not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f'{unknown[0]!r} is no country; write two capital letters, such as "DE"')


def _share(_: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"must be more than 0 and less than 1, not {value}")


@attrs.frozen(kw_only=True)
class CorpusOptions:
    """The table `[corpus]`."""

    validation: float = option(
        default=0.05, help="Share of the dialogs, the newest ones, that measures the model.", check=_share
    )
    same_answer: int = option(
        default=50,
        help="How often the same answer is learnt at most.",
        check=attrs.validators.and_(attrs.validators.ge(1), attrs.validators.le(MOST)),
    )
    mask: tuple[Kind, ...] = option(
        default=KINDS, help="What is replaced by a placeholder such as [phone]; an empty list masks nothing."
    )
    phone_regions: tuple[str, ...] = option(
        default=DEFAULT_REGIONS,
        help="Countries whose phone numbers are recognised without a country code.",
        check=_known_regions,
    )

"""The options of the table `[cluster]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from autocakechat.interface.options import option

_ADDRESS = re.compile(r"auto|local|(ray://)?[^\s/:]+:\d{1,5}")


def _check_address(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f'must be "auto", "local", "ray://HOST:PORT" or "HOST:PORT", not {value!r}')


def _check_storage(_: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and "://" not in value and not Path(value).is_absolute():
        raise ValueError(f"must be an absolute path or an address such as s3://bucket/folder, not {value!r}")


@attrs.frozen(kw_only=True)
class ClusterOptions:
    """The table `[cluster]`."""

    address: str = option(
        default="auto",
        help='The Ray cluster: "auto" for the one of this machine, "ray://HOST:PORT" or "HOST:PORT" for another, '
        '"local" to start one on this machine.',
        check=_check_address,
        affects_key=False,
    )
    workers: int | None = option(
        default=None,
        help="How many processes train the model together; by default one for each machine.",
        check=attrs.validators.optional(attrs.validators.ge(1)),
        affects_key=False,
    )
    gpus_per_worker: int = option(
        default=0, help="How many GPUs each of them uses.", check=attrs.validators.ge(0), affects_key=False
    )
    storage: str | None = option(
        default=None,
        help="Where checkpoints and the model are exchanged: a folder that all machines see, or an address such as "
        "s3://bucket/folder; by default the folder of the pipeline.",
        check=_check_storage,
        affects_key=False,
    )

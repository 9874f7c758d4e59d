r"""Mends the faults that Telegram Desktop itself writes into its JSON.

Versions from 1.3.8 on write control characters as `\x01`, which JSON does not know; U+2028 and U+2029 as an escape
followed by two stray bytes of the character; and versions 4.0.4 to 4.1.1 leave the path after `document_id` without
quotes. Escapes are eaten in pairs, so that a backslash someone typed before an `x` stays what it is.
"""

from __future__ import annotations

import re

_FAULTS = re.compile(
    rb"""
    \\x(?P<control>[0-9A-Fa-f]{2})
    | (?P<separator>\\u202[89]) \x80[\xa8\xa9]
    | (?P<pair>\\u[dD][89abAB][0-9A-Fa-f]{2} \\u[dD][c-fC-F][0-9A-Fa-f]{2})
    | (?P<lone>\\u[dD][89a-fA-F][0-9A-Fa-f]{2})
    | \\.
    | "document_id":(?P<blank>\s*+)
      (?!["\d\[{-]|(?:null|true|false)\s*[,}\]])
      (?P<path>[^\n}"]*?) (?=,?\s*(?:[}\n]|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)


def mend(json: bytes) -> bytes:
    """Makes JSON of what the application wrote instead of it.

    Args:
        json: One or more whole lines.

    Returns:
        The same with the application's faults, lone surrogates and invalid UTF-8 replaced; a valid text keeps its
        value.
    """
    return _FAULTS.sub(_mended, json).decode("utf-8", "replace").encode()


def _mended(fault: re.Match[bytes]) -> bytes:
    match fault.lastgroup:
        case "control":
            return rb"\u00" + fault["control"]
        case "separator":
            return fault["separator"]
        case "lone":
            return rb"\ufffd"
        case "path":
            path = fault["path"].replace(b"\\", rb"\\")
            return b'"document_id":' + fault["blank"] + b'"' + path + b'"'
        case _:
            return fault[0]

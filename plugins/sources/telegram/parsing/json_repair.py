r"""Repairs the invalid JSON that some versions of Telegram Desktop write.

- Since 1.3.8, control characters are written as `\x01`, which is not a JSON escape.
- U+2028 and U+2029 are written as an escape followed by the last two bytes of their UTF-8 encoding.
- 4.0.4 to 4.1.1 write the path after `document_id` without quotes.

The pattern consumes every escape sequence as a whole, so the valid text `\\x41` (a backslash followed by `x41`) stays
unchanged.
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
      (?P<path>[^\n}"]*+) (?=[}\n]|\Z)  # with the comma and white space that follow
    """,
    re.VERBOSE | re.DOTALL,
)


def repair(json: bytes) -> bytes:
    """Repairs known faults, lone surrogates and invalid UTF-8.

    Args:
        json: One or more complete lines of JSON.

    Returns:
        The repaired JSON. Valid JSON keeps its value.
    """
    return _FAULTS.sub(_replacement, json).decode("utf-8", "replace").encode()


def _replacement(fault: re.Match[bytes]) -> bytes:
    match fault.lastgroup:
        case "control":
            return rb"\u00" + fault["control"]
        case "separator":
            return fault["separator"]
        case "lone":
            return rb"\ufffd"
        case "path":
            path = fault["path"].rstrip().removesuffix(b",")
            rest = fault["path"][len(path) :]
            return b'"document_id":' + fault["blank"] + b'"' + path.replace(b"\\", rb"\\") + b'"' + rest
        case _:  # a valid escape sequence
            return fault[0]

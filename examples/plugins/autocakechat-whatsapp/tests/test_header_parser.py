"""The quick parser of many headers agrees with the parser of one."""

from __future__ import annotations

import random

from autocakechat_whatsapp.header import parse_header
from autocakechat_whatsapp.header_parser import HeaderParser

PARTS = (
    ("", "["),
    ("1/5/24", "01.05.2024", "2024. 1. 5.", "1/5/24 -"),
    (", ", " ", " AM ", " PM "),
    ("1", "3", "12", "13", "25"),
    (":", ":", ":", ".", "h"),
    ("05", "04", "61", "5"),
    ("", "", ":05", ":04", ".05", ":60", ":61"),
    ("", "", " PM", " AM", " — a", ".", " h"),
    (" - ", "] ", ": ", " -", "- ", "]", " — "),
    ("Ann: hi", "", "a - b: c", "10:05 - a: b", "] a: b"),
    ("", "\n"),
)


def test_cached_parts_of_headers_are_put_together_as_they_are_parsed() -> None:
    chance = random.Random(5)
    for _ in range(20):
        parser = HeaderParser()
        for _ in range(1000):
            line = "".join(map(chance.choice, PARTS))
            header, parsed = parse_header(line), parser.parse(line)
            assert (header is None) == (parsed is None), line
            if header and parsed:
                hour, seconds, body = parsed
                assert (hour.format, hour.date, hour.us_format, body) == (*header[:2], *header[3:]), line
                assert (hour.hour, seconds // 60, seconds % 60) == (*header.time[:2], min(header.time[2], 59)), line

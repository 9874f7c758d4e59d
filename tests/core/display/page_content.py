"""Reads the content of HTML pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring


def parse(page: str) -> Element:
    """Parses a page, which must be well-formed."""
    return fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", page))


def text_of(element: Element) -> str:
    return "".join(element.itertext())


def headings(page: str) -> list[str]:
    return [text_of(heading) for heading in parse(page).iter("h2")]


def rows(element: Element) -> list[list[str]]:
    """Returns the text of the cells of all tables."""
    return [[text_of(cell) for cell in row if cell.tag in ("td", "th")] for row in element.iter("tr")]


def sections(page: str) -> Iterator[tuple[str, list[Element]]]:
    """Yields each heading with the elements below it."""
    body = parse(page).find("body")
    assert body is not None
    name, content = "", list[Element]()
    for element in body:
        if element.tag == "h2":
            yield name, content
            name, content = text_of(element), []
        else:
            content.append(element)
    yield name, content

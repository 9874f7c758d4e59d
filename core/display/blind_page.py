"""A blind test as an HTML page that works without a network and sends nothing."""

from __future__ import annotations

import msgspec

from autocakechat.display.markup import document, read_template, render_file
from autocakechat.evaluation.blind_test import BlindTest
from autocakechat.text import escape_control_characters, escape_lines, pluralize

_SECONDS_PER_MOMENT = 15


def blind_page(test: BlindTest, person: str) -> str:
    """Makes the page.

    The page contains the texts as they are, and the answers in a form that is not readable at a glance (see
    `_answer_key`). The page does not encrypt them: a friend who reads the script can find them.

    Args:
        test: The test.
        person: What to call the person.

    Returns:
        HTML, see `markup.document`. Its script and its styles are in the page.
    """
    person = escape_control_characters(person)
    body = render_file(
        "blind.html",
        person=person,
        moments=pluralize(len(test.moments), "moment"),
        minutes=pluralize(max(1, round(len(test.moments) * _SECONDS_PER_MOMENT / 60)), "minute"),
        test=_json(test, person),
    )
    return document(
        "Can you tell?",
        [body],
        [f"test {test.id}"],
        script=read_template("blind.js"),
        more_style=read_template("blind.css"),
    )


def _json(test: BlindTest, person: str) -> str:
    """Returns the test for the script. No text can end the element that contains it."""
    moments = [
        {"context": list(map(escape_lines, moment.context)), "replies": list(map(escape_lines, moment.replies))}
        for moment in test.moments
    ]
    content = {"id": test.id, "person": person, "key": _answer_key(test), "moments": moments}
    return msgspec.json.encode(content).decode().replace("<", "\\u003c")


def _answer_key(test: BlindTest) -> str:
    """Returns the places of the person's replies: one bit for each, every second one inverted, in hexadecimal."""
    bits = [moment.person ^ index & 1 for index, moment in enumerate(test.moments)]
    digits = (bits[start : start + 4] for start in range(0, len(bits), 4))
    return "".join(f"{sum(bit << place for place, bit in enumerate(digit)):x}" for digit in digits)

"""What the clients get to know about the bot."""

from __future__ import annotations

import attrs


@attrs.frozen
class Bot:
    """What the clients get to know about the bot.

    Attributes:
        name: Its name.
        person: The person whose style it imitates; None if that is unknown.
        model: Identifies the trained model.
    """

    name: str
    person: str | None
    model: str

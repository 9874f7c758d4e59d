"""Asks the user before something is deleted or replaced."""

from __future__ import annotations

import sys

import click

from autocakechat.errors import UserError


def confirm(question: str, option: str) -> None:
    """Asks a question; an answer other than yes ends the command.

    Args:
        question: The question.
        option: The option that answers it in advance.

    Raises:
        UserError: Standard input has ended and is not a terminal.
        click.Abort: The answer is no.
    """
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise UserError(
            "nothing was changed: no confirmation", f"give {option} to answer the question with yes"
        ) from None

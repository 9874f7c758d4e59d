"""Checks the values of options, and asks questions until an answer is right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.text import escape_control_characters

V = TypeVar("V")
T = TypeVar("T")


def check_option(option: str, value: V, parse: Callable[[V], T]) -> T:
    """Returns the parsed value of an option.

    Args:
        option: The option, for the message.
        value: Its value.
        parse: Parses the value. Raises UserError if it is wrong.

    Raises:
        UserError: The value is wrong; the message names the option.
    """
    try:
        return parse(value)
    except ManyProblemsError:
        raise
    except UserError as error:
        raise UserError(f"{option}: {error.message}", error.hint) from None


def ask(option: str, question: str, parse: Callable[[str], T], default: str | None = None) -> T:
    """Asks a question, and repeats it after a wrong answer.

    Args:
        option: The command-line option that answers it in advance.
        question: The question.
        parse: Parses an answer. Raises UserError if it is wrong.
        default: The answer if the user only presses Enter. A question with the default "" may stay unanswered.

    Raises:
        UserError: Standard input has ended and is not a terminal.
    """
    while True:
        answer = _prompt(option, question, default)
        try:
            return parse(answer.strip())
        except UserError as error:
            for line in str(error).splitlines():
                click.echo(escape_control_characters(line), err=True)


def _prompt(option: str, question: str, default: str | None) -> str:
    try:
        answer: str = click.prompt(question, default=default, show_default=bool(default), prompt_suffix=" ", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        if default == "":
            return default
        raise UserError(f"{option} is missing", f"give the option, or answer the question: {question}") from None
    return answer

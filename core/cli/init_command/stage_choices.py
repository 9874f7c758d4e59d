"""The choices about the model and the bot: what training starts from, where the bot runs, who may talk to it."""

from __future__ import annotations

import re
import shlex
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

from autocakechat.cli.init_command.matching import ME
from autocakechat.cli.init_command.questions import ask, check_option
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import StageType, TrainerType
from autocakechat.text import suggest

if TYPE_CHECKING:
    from autocakechat.cli.init_command.log_choices import ChatLog
    from autocakechat.interface.stage_types import DeployerType
    from autocakechat.registry.manager import PluginManager
    from autocakechat.statistics.log_summary import LogSummary

TELEGRAM = "telegram"
TELEGRAM_OPTIONS = ("token", "allow")
_EVERYONE = "everyone"
_USER_ID = re.compile(r"(?:user)?(-?\d+)", re.ASCII)


def choose_start(trainer: TrainerType, given: str | None) -> str | None:
    """Returns what training starts from; None if the trainer has no choice."""
    hint = typing.get_type_hints(trainer.config).get("start")
    choices: Sequence[str] = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    if given is not None and hint is None:
        raise UserError(f"--start: the trainer '{trainer.name}' has no option 'start'", "leave out --start")

    def check(answer: str) -> str:
        if choices and answer not in choices:
            raise UserError(f"{answer!r} is not one of {', '.join(choices)}{suggest(answer, choices)}")
        return answer

    if given is not None:
        return check_option("--start", given, check)
    if len(choices) < 2:
        return None
    default = attrs.fields_dict(trainer.config)["start"].default
    return ask("--start", f"What should training start from (one of {', '.join(choices)})?", check, str(default))


def choose_deployer(manager: PluginManager, given: str | None) -> DeployerType:
    """Returns where the bot runs."""

    def find(name: str) -> DeployerType:
        deployer: DeployerType = manager.find("deployer", name)
        require_no_more_options(deployer, TELEGRAM_OPTIONS if name == TELEGRAM else ())
        return deployer

    if given is not None:
        return find(given)
    names = ", ".join(sorted(manager.stages("deployer")))
    return ask("--deployer", f"Where should the bot run (one of {names})?", find, "console")


def choose_allowed(deployer: DeployerType, log: ChatLog, given: Sequence[str]) -> str | list[int | str]:
    """Returns who may talk to a Telegram bot: a list of ids and names, or everyone."""

    def parse(entries: Sequence[str]) -> str | list[int | str]:
        if list(entries) == [_EVERYONE]:
            return _EVERYONE
        if _EVERYONE in entries:
            raise UserError(f"{_EVERYONE!r} is not the only entry", "give either ids and names, or everyone")
        allowed = [_parse_user(entry, log.summary) for entry in entries]
        _validate(deployer, "allow", allowed)
        return allowed

    if given:
        return check_option("--allow", given, parse)
    paths = shlex.join(str(path) for _, path in log.parts)
    click.echo(
        f"`acc inspect {paths}` lists the ids of the people in the chat log: the id of "
        "user123456789 is 123456789. The log of the bot shows the id of everyone it refuses.",
        err=True,
    )
    mine = ", 'me' for the owner of the chat log" if log.summary.owner else ""
    question = f"Who may talk to it (Telegram ids or @names{mine}, separated by spaces; or everyone)?"
    return ask("--allow", question, lambda answer: parse(answer.replace(",", " ").split()))


def require_no_more_options(stage: StageType, known: Sequence[str] = ()) -> None:
    """Checks that a stage runs with the options that this command sets.

    Raises:
        UserError: It requires other options.
    """
    fields = attrs.fields_dict(stage.config)
    required = [name for name, field in fields.items() if field.default is attrs.NOTHING and name not in known]
    if required:
        raise UserError(
            f"the {stage.kind} '{stage.name}' needs options that `acc init` does not ask for: {', '.join(required)}",
            "write the pipeline.toml by hand",
        )


def _parse_user(entry: str, log: LogSummary) -> int | str:
    """Parses an entry of `--allow`: an id with or without `user`, a name, or `me`."""
    if entry.casefold() == ME:
        if log.owner is None:
            raise UserError("'me': the chat log does not record its owner", "give an id or a @name")
        entry = log.owner
    match = _USER_ID.fullmatch(entry)
    return int(match[1]) if match else entry


def _validate(stage: StageType, option: str, value: Any) -> None:
    """Checks a value with the validator of an option."""
    field = attrs.fields_dict(stage.config)[option]
    try:
        if field.validator:
            field.validator(None, field, value)
    except ValueError as error:
        raise UserError(str(error)) from None

"""Makes the text of a new pipeline.toml, checks it, and writes it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.text import escape_control_characters, pluralize

if TYPE_CHECKING:
    from autocakechat.registry.manager import PluginManager
    from autocakechat.statistics.participants import Participant

TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
_COMMENT_COLUMN = 40


@attrs.frozen
class Table:
    """A table of the new pipeline.toml.

    Attributes:
        header: Its header.
        comment: The comment above the header.
        use: The name of the stage.
        values: Its options.
        comments: The comments behind options, by name.
        examples: Lines with options that are commented out.
    """

    header: str
    comment: str
    use: str
    values: Mapping[str, Any]
    comments: Mapping[str, str] = attrs.field(factory=dict)
    examples: Sequence[str] = ()

    def __str__(self) -> str:
        from autocakechat.config.toml_writer import toml_value

        settings = {name: f"{name} = {toml_value(value)}" for name, value in self.values.items()}
        lines = [_with_comment(setting, self.comments.get(name, "")) for name, setting in settings.items()]
        return "\n".join([f"# {self.comment}", self.header, f'use = "{self.use}"', *lines, *self.examples, ""])


def source_table(use: str, path: str, selection: Mapping[str, Mapping[str, str | None]], selectable: bool) -> Table:
    """Makes the table `[[source]]`.

    Args:
        use: The name of the source.
        path: The chat log, relative to the new file.
        selection: The names of the chats and people in `include` and `exclude`, by option and id.
        selectable: Whether the source has these options.
    """
    chosen = {option: names for option, names in selection.items() if names}
    example = _with_comment('# exclude = ["NAME", "ID"]', "chats and people to leave out; acc inspect lists them")
    return Table(
        "[[source]]",
        "The chat logs to read; there can be several.",
        use,
        {"path": path} | {option: list(names) for option, names in chosen.items()},
        {option: _listed(names.values()) for option, names in chosen.items()},
        [example] if selectable and not chosen else [],
    )


def extractor_table(person: Sequence[Participant]) -> Table:
    """Makes the table `[extractor]` for the person to learn, who may have several ids."""
    names = _listed(dict.fromkeys(participant.name for participant in person))
    about = f"{names}, {pluralize(sum(participant.messages for participant in person), 'message')}"
    ids = [participant.id for participant in person]
    server = ids[0] if len(ids) == 1 else ids
    return Table(
        "[extractor]", "How dialogs are extracted from the chats.", "turns", {"server": server}, {"server": about}
    )


def deployer_table(use: str, allowed: str | Sequence[int | str] | None) -> Table:
    """Makes the table `[deployer]`.

    Args:
        use: The name of the deployer.
        allowed: Who may talk to a bot on Telegram; None for another deployer.
    """
    values = {} if allowed is None else {"token": {"env": TOKEN_VARIABLE}, "allow": allowed}
    comment = "the environment variable with the token from @BotFather"
    return Table("[deployer]", "Where the bot runs.", use, values, {"token": comment})


def write_pipeline(path: Path, tables: Iterable[Table], manager: PluginManager) -> None:
    """Checks a new pipeline.toml, then writes it as a whole.

    Args:
        path: The file.
        tables: Its tables.
        manager: The plugins that provide the stages.

    Raises:
        UserError: A table has a problem, or the file cannot be written. Then there is no file.
    """
    from autocakechat.config.pipeline_file import PipelineFile
    from autocakechat.files import write_whole

    head = (
        f"# `acc run {path.name}` runs this pipeline; `acc config check` checks this file.\n"
        "# `acc plugins show NAME` shows all options of a table, where NAME is the value of `use`.\n"
    )
    content = "\n".join([head, *map(str, tables)]).encode("utf-8", "surrogateescape")
    try:
        PipelineFile(path, content=content).check(manager)
    except ManyProblemsError as error:
        raise ManyProblemsError([*error.problems, f"{path}: not written, because of this problem"]) from None
    check_is_new(path)
    try:
        write_whole(path, content)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "nothing was written; give another name") from None


def check_is_new(path: Path) -> None:
    """Checks that a file can be created.

    Raises:
        UserError: It exists, or its folder does not.
    """
    if path.exists():
        raise UserError(f"{path}: already exists", "give another name, or move the file away")
    if not path.parent.is_dir():
        raise UserError(f"{path}: {os.strerror(errno.ENOENT)}", f"create the folder {path.parent}")


def _with_comment(setting: str, comment: str) -> str:
    return f"{setting:<{_COMMENT_COLUMN}}  # {comment}" if comment else setting


def _listed(names: Iterable[str | None]) -> str:
    return ", ".join(escape_control_characters(name or "no name") for name in names)

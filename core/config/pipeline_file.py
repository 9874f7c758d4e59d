"""Reads pipeline.toml and the overrides of the command line, and reports every problem with its line."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autocakechat.config.option_values import OptionParser, Problem
from autocakechat.config.pipeline import Pipeline
from autocakechat.config.pipeline_parser import PipelineParser, count_sources, dotted_key
from autocakechat.config.toml_reader import KeyPath, TomlFile, parse_toml, read_toml
from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.interface.stage_types import TrainerType
from autocakechat.registry.manager import PluginManager

_SET_EXAMPLE = "for example: --set trainer.size=tiny"


class PipelineFile:
    """A pipeline.toml with overrides applied. Its stages are not resolved yet: `disabled_plugins` decides which exist.

    Args:
        path: The file.
        overrides: `KEY=VALUE` from the command line; they take precedence over the file.
        content: The content of a file that is not written yet; by default the file is read.

    Raises:
        UserError: The file cannot be read, or an override is not of the form `KEY=VALUE`.
    """

    def __init__(self, path: Path, overrides: Iterable[str] = (), content: bytes | None = None) -> None:
        self._file: TomlFile = read_toml(path) if content is None else parse_toml(path, content)
        self.path = path
        self._data: dict[str, Any] = copy.deepcopy(self._file.data)
        self._overridden: set[KeyPath] = set()
        for override in overrides:
            self._apply_override(override)

    @property
    def disabled_plugins(self) -> list[str]:
        """Names in `[plugins] disabled`. A value of another type is ignored."""
        plugins = self._data.get("plugins")
        disabled = plugins.get("disabled") if isinstance(plugins, dict) else None
        if not isinstance(disabled, list):
            return []
        return [name for name in disabled if isinstance(name, str)]

    def check(self, manager: PluginManager) -> Pipeline:
        """Parses every table that is present.

        Args:
            manager: The plugins that provide the stages.

        Raises:
            ManyProblemsError: One line for each problem, in the order of the file.
        """
        option_parser = OptionParser(self._base_folder)
        pipeline = PipelineParser(self._data, manager, option_parser).parse(self.path)
        if option_parser.problems:
            raise ManyProblemsError(self._problem_lines(option_parser.problems))
        return pipeline

    def _apply_override(self, override: str) -> None:
        """Sets the value of one `KEY=VALUE`; creates the tables on the way."""
        dotted, equals, text = override.partition("=")
        names = dotted.split(".")
        if not equals or not all(names):
            raise UserError(f"--set {override}: not KEY=VALUE", _SET_EXAMPLE)
        table: Any = self._data
        key: KeyPath = ()
        for name in names[:-1]:
            table = table.setdefault(name, [{}] if name == "source" else {})
            key = (*key, name)
            if isinstance(table, list) and table:  # [[source]]: an override sets the first one
                table = table[0]
                key = (*key, 0)
            if not isinstance(table, dict):
                raise UserError(f"--set {override}: '{name}' is not a table", _SET_EXAMPLE)
        table[names[-1]] = _parse_override_value(text)
        self._overridden.add((*key, names[-1]))

    def _base_folder(self, key: KeyPath) -> Path:
        """Returns the folder that relative paths start at: that of the file, or of the shell for an override."""
        return Path.cwd() if key in self._overridden else self.path.resolve().parent

    def _problem_lines(self, problems: Iterable[Problem]) -> list[str]:
        located = [(*self._locate(problem.key), problem.message) for problem in problems]
        located.sort(key=lambda entry: entry[0])
        return [f"{place}: {message}" for _, place, message in located]

    def _locate(self, key: KeyPath) -> tuple[int, str]:
        """Returns the line of a key, 0 for an override, and the text that points a user to it."""
        dotted = dotted_key(key, count_sources(self._data))
        if self._comes_from_override(key):
            return 0, f"--set {dotted}"
        line = self._file.line(key)
        return line, f"{self.path}:{line}: {dotted}"

    def _comes_from_override(self, key: KeyPath) -> bool:
        if key in self._overridden:
            return True
        created_tables = {override[: len(key)] for override in self._overridden}
        return key not in self._file.lines and key in created_tables


def reply_options(trainer: TrainerType, overrides: Iterable[str]) -> Any:
    """Makes the reply options for a model folder that is used without a pipeline.toml.

    Args:
        trainer: The trainer that made the model.
        overrides: `reply.KEY=VALUE` from the command line.

    Returns:
        An instance of `trainer.reply`.

    Raises:
        UserError: An override sets something else, or an invalid value.
    """
    table: dict[str, Any] = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name.startswith("reply."):
            raise UserError(f"--set {override}: for a model folder, only reply.KEY=VALUE can be set")
        table[name.removeprefix("reply.")] = _parse_override_value(text)
    option_parser = OptionParser(lambda _: Path.cwd())
    options = option_parser.parse(table, trainer.reply, ("reply",))
    if option_parser.problems:
        problems = option_parser.problems
        raise ManyProblemsError([f"--set {dotted_key(problem.key)}: {problem.message}" for problem in problems])
    return options


def _parse_override_value(text: str) -> Any:
    """Parses a value of the command line as TOML; text that is not TOML is a string, so that quotes are optional."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text

"""The contract tests for stages of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest

from autocakechat.config.option_values import OptionParser
from autocakechat.errors import ManyProblemsError

if TYPE_CHECKING:
    from autocakechat.registry.manager import PluginManager
    from autocakechat.registry.plugin import Plugin

# A TOML value that no option accepts.
_TIME_OF_DAY = time(12, 34)


def parse_options(cls: type, table: Mapping[str, Any], folder: Path) -> Any:
    """Converts a table to options, exactly as for a pipeline.toml.

    Args:
        cls: The attrs class of the options.
        table: The names and values, as TOML has them.
        folder: The folder that relative paths start at.

    Raises:
        ManyProblemsError: An option is invalid; one line per problem.
    """
    parser = OptionParser(lambda _: folder)
    options = parser.parse(dict(table), cls, ())
    if parser.problems:
        raise ManyProblemsError(
            [f"{'.'.join(map(str, problem.key))}: {problem.message}" for problem in parser.problems]
        )
    return options


class StageContract:
    """The tests that a stage of any kind has to pass.

    Attributes:
        name: The stage's name, the value of `use`. The plugin must be installed.
        options: The stage's table of the pipeline.toml, without `use`. If the options are known only while a test runs,
            such as the port of a server, override the fixture `table` instead.
        refused: Tables with invalid options. Each must be refused with one line per problem.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    refused: ClassVar[Sequence[Mapping[str, Any]]] = ()

    @pytest.fixture
    def stage(self, acc_plugins: PluginManager) -> Any:
        """The stage."""
        return acc_plugins.find(self.kind, self.name)

    @pytest.fixture
    def table(self) -> dict[str, Any]:
        """The stage's table of the pipeline.toml, without `use`."""
        return dict(self.options)

    def test_plugin_loads(self, acc_plugins: PluginManager) -> None:
        """The plugin is active: it can be imported and everything it provides is valid."""
        plugin = _provider(acc_plugins, self.kind, self.name)
        failed = [f"plugin {other} failed: {problem}" for other in acc_plugins.failed() for problem in other.problems]
        hint = "; ".join(failed) or "install it: acc plugins install --editable ."
        assert plugin, f"no plugin provides the {self.kind} '{self.name}'; {hint}"
        assert plugin.status == "active", f"plugin {plugin} {plugin.status}: {plugin.problems}"

    def test_name_summary_and_version_are_valid(self, stage: Any) -> None:
        """The summary is one line, the version a positive integer, and `install` is set if there are requirements."""
        assert stage.name == self.name
        assert stage.summary.strip(), "the summary is empty"
        assert "\n" not in stage.summary, "the summary is longer than one line"
        assert isinstance(stage.version, int), f"the version is {stage.version!r}, expected an integer"
        assert stage.version >= 1, "versions start at 1"
        assert not isinstance(stage.requires, str), '`requires` is a string; write a tuple: ("name",)'
        assert stage.install or not stage.requires, "set `install` to the command that installs `requires`"

    def test_every_option_has_help_and_a_valid_default(self, stage: Any) -> None:
        """Each option has one line of help, and its default passes its own check."""
        for cls in (stage.config, getattr(stage, "reply", None)):
            for field in attrs.fields(cls) if cls is not None else ():
                text = field.metadata.get("help", "")
                assert text.strip(), f"option '{field.name}' has no help; declare it with autocakechat.option(help=...)"
                assert "\n" not in text, f"the help of option '{field.name}' is longer than one line"
                _check_default(field)

    def test_an_unknown_option_is_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """A misspelt option is an error."""
        with pytest.raises(ManyProblemsError, match="no-such-option"):
            parse_options(stage.config, {**table, "no-such-option": 1}, tmp_path)

    def test_a_value_of_a_wrong_type_is_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """No option accepts a time of day. An option that accepts it accepts values of any type."""
        for field in attrs.fields(stage.config):
            with pytest.raises(ManyProblemsError) as raised:
                parse_options(stage.config, {**table, field.name: _TIME_OF_DAY}, tmp_path)
                pytest.fail(f"option '{field.name}' accepts values of any type; give it a narrower type")
            assert field.name in str(raised.value)

    def test_bad_options_are_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """Each table of `refused` is refused, with one line per problem."""
        for bad in self.refused:
            with pytest.raises(ManyProblemsError) as raised:
                parse_options(stage.config, {**table, **bad}, tmp_path)
                pytest.fail(f"{bad} was not refused")
            assert len(str(raised.value).splitlines()) == len(raised.value.problems), "a problem takes several lines"

    def test_own_options_are_accepted(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """The options of this contract are accepted."""
        assert isinstance(parse_options(stage.config, table, tmp_path), stage.config)


def _provider(manager: PluginManager, kind: str, name: str) -> Plugin | None:
    for plugin in manager.plugins:
        if any(stage.kind == kind and stage.name == name for stage in plugin.provides):
            return plugin
    return None


def _check_default(field: attrs.Attribute[Any]) -> None:
    default: Any = field.default
    if default is attrs.NOTHING or field.validator is None:
        return
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        default = default.factory()
    try:
        field.validator(None, field, default)
    except (ValueError, TypeError) as error:
        raise AssertionError(f"option '{field.name}' refuses its own default: {error}") from None

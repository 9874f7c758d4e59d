"""What every stage has to keep, whatever its kind."""

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
    from autocakechat.registry.manager import Plugin, PluginManager

# TOML has times of day, and no option is one.
_NO_OPTION = time(12, 34)


def structured(cls: type, table: Mapping[str, Any], folder: Path) -> Any:
    """Makes options of a table, exactly as a pipeline.toml's are made.

    Args:
        cls: The attrs class of the options.
        table: Names and values, as TOML has them.
        folder: Where relative paths start.

    Raises:
        ManyProblemsError: With a line for each option that does not fit.
    """
    structurer = OptionParser(lambda _: folder)
    options = structurer.parse(dict(table), cls, ())
    if structurer.problems:
        raise ManyProblemsError([f"{'.'.join(map(str, p.key))}: {p.message}" for p in structurer.problems])
    return options


class StageContract:
    """What a stage of any kind has to keep.

    Attributes:
        name: The stage's name, as `use` says it. The plugin must be installed.
        options: Its table of the pipeline.toml, without `use`. Where the options are only known while a test runs
            (the port of a server, say), override the fixture `table` instead.
        refused: Tables that must be refused, each with one line that says why.
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
        """Its table of the pipeline.toml, without `use`."""
        return dict(self.options)

    def test_its_plugin_works(self, acc_plugins: PluginManager) -> None:
        """The plugin loads, and nothing it provides is refused."""
        plugin = _owner(acc_plugins, self.kind, self.name)
        assert plugin, f"no plugin provides the {self.kind} '{self.name}'; install it: pip install --editable ."
        assert plugin.status == "active", f"plugin {plugin} {plugin.status}: {plugin.problems}"

    def test_it_says_what_it_is(self, stage: Any) -> None:
        """The name is what `use` says; the summary is a line, the version a number, `install` tells what to type."""
        assert stage.name == self.name
        assert stage.summary.strip(), "the summary is empty"
        assert "\n" not in stage.summary, "the summary is more than one line"
        assert isinstance(stage.version, int), f"the version {stage.version!r} is no integer"
        assert stage.version >= 1, "versions start at 1"
        assert not isinstance(stage.requires, str), '`requires` is a string; write a tuple: ("name",)'
        assert stage.install or not stage.requires, "`install` must say what to type if `requires` are missing"

    def test_every_option_is_explained(self, stage: Any) -> None:
        """Each option has a line of help, and a default that its own check lets through."""
        for cls in _option_classes(stage):
            for field in attrs.fields(cls):
                text = field.metadata.get("help", "")
                assert text.strip(), f"option '{field.name}' has no help; declare it with autocakechat.option(help=...)"
                assert "\n" not in text, f"the help of option '{field.name}' is more than one line"
                _check_default(field)

    def test_an_unknown_option_is_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """A misspelt option is no option."""
        with pytest.raises(ManyProblemsError, match="no-such-option"):
            structured(stage.config, {**table, "no-such-option": 1}, tmp_path)

    def test_a_value_of_a_wrong_type_is_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """No option takes a time of day: an option that does takes anything."""
        for field in attrs.fields(stage.config):
            with pytest.raises(ManyProblemsError) as raised:
                structured(stage.config, {**table, field.name: _NO_OPTION}, tmp_path)
                pytest.fail(f"option '{field.name}' takes anything; give it a narrower type")
            assert field.name in str(raised.value)

    def test_bad_options_are_refused(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """Each table of `refused` is refused, in one line for each problem."""
        for bad in self.refused:
            with pytest.raises(ManyProblemsError) as raised:
                structured(stage.config, {**table, **bad}, tmp_path)
                pytest.fail(f"{bad} was not refused")
            assert len(str(raised.value).splitlines()) == len(raised.value.problems), "a problem is told in one line"

    def test_its_own_table_is_accepted(self, stage: Any, table: dict[str, Any], tmp_path: Path) -> None:
        """The options of this test are accepted."""
        assert isinstance(structured(stage.config, table, tmp_path), stage.config)


def _owner(manager: PluginManager, kind: str, name: str) -> Plugin | None:
    for plugin in manager.plugins:
        if any(stage.kind == kind and stage.name == name for stage in plugin.provides):
            return plugin
    return None


def _option_classes(stage: Any) -> list[type]:
    return [cls for cls in (stage.config, getattr(stage, "reply", None)) if cls is not None]


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

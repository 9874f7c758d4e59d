"""Plugins are found and validated, and each problem is attributed to its plugin."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from autocakechat.errors import PluginError, UserError
from autocakechat.interface.stage_types import ExtractorType
from autocakechat.registry.manager import PluginManager
from tests.distributions import lay_out

STAGE = """
import attrs
from autocakechat import ExtractorType, hookimpl

@attrs.frozen
class Options:
    pass

def extract(config, chat, run):
    return iter(())

@hookimpl
def acc_extractors():
    yield ExtractorType(name="{name}", summary="a test", config=Options, extract=extract)
"""

Load = Callable[..., PluginManager]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Makes installed distributions, each with one plugin, and loads them."""
    monkeypatch.syspath_prepend(tmp_path)

    def lay_out_and_load(plugins: dict[tuple[str, str], str], **options: object) -> PluginManager:
        for (distribution, plugin), code in plugins.items():
            lay_out(tmp_path, distribution, plugin, code)
        entries = [entry for dist in Distribution.discover(path=[str(tmp_path)]) for entry in dist.entry_points]
        return PluginManager.load(entries=entries, **options)  # type: ignore[arg-type]

    return lay_out_and_load


def problems(manager: PluginManager) -> dict[str, list[str]]:
    return {plugin.distribution: plugin.problems for plugin in manager.plugins if plugin.problems}


def test_a_working_plugin_provides_its_stages(load: Load) -> None:
    manager = load({("acc-good", "good"): STAGE.format(name="good")})
    stage = manager.find("extractor", "good")
    assert isinstance(stage, ExtractorType)
    assert manager.owner(stage) == "good (acc-good 1.2)"
    assert manager.failed() == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('no luck\\x1b[31m')", "cannot be imported: RuntimeError: no luck\\x1b[31m"),
        ("import module_that_is_not_there", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("this is no python", "cannot be imported: SyntaxError"),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_source():\n    yield 1",
            "has an unknown hook acc_source; did you mean 'acc_sources'?",
        ),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_sources(colour):\n    yield 1",
            "defines acc_sources with the argument colour, expected none; acc_bad_bad",
        ),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_trainers():\n    yield 'cakechat'",
            "acc_trainers yields 'cakechat' (str), expected TrainerType",
        ),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_trainers():\n    raise KeyError('x')",
            "acc_trainers failed: KeyError: 'x'",
        ),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_trainers():\n    return 7",
            "acc_trainers returns 7 (int), expected an iterable of TrainerType: use `yield`",
        ),
        (
            "from autocakechat import hookimpl\n@hookimpl\ndef acc_trainers():\n    exit(4)",
            "acc_trainers failed: SystemExit: 4 (sys.exit or quit; raise UserError or StageError instead); acc_bad_bad",
        ),
        (
            STAGE.format(name="plain").replace("@hookimpl", ""),
            "defines acc_extractors without @hookimpl, so it is never called; write @hookimpl above it; acc_bad_bad",
        ),
        (
            STAGE.format(name="plain").replace("    pass", "    steps = attrs.field(default=1)"),
            "the option Options.steps without a type; write steps: TYPE = option(...); acc_bad_bad",
        ),
        (
            STAGE.format(name="plain").replace("    pass", "    steps: list[complex] = ()"),
            "the option Options.steps of the type list[complex], expected bool, int, float, str, Path",
        ),
        (
            STAGE.format(name="plain").replace("    pass", "    steps: 'Number' = 1"),
            "the options Options with a type that cannot be evaluated (NameError: name 'Number' is not defined)",
        ),
        (
            STAGE.format(name="plain").replace("extract=extract", "extract=extract(1, 2, 3)"),
            "acc_extractors yields 'plain' with extract tuple_iterator, expected a function; acc_bad_bad",
        ),
        (
            STAGE.format(name="plain").replace("config=Options", "config=Options, requires='numpy'"),
            "yields 'plain' with requires 'numpy' (str), expected a tuple of import names",
        ),
        (STAGE.format(name="Bad Name"), "acc_extractors yields a stage with the invalid name 'Bad Name'"),
        (STAGE.format(name="plain").replace("@attrs.frozen", ""), "expected an attrs class"),
    ],
)
def test_a_broken_plugin_fails_and_does_not_affect_others(load: Load, code: str, problem: str) -> None:
    manager = load({("acc-bad", "bad"): code, ("acc-good", "good"): STAGE.format(name="good")})
    assert list(problems(manager)) == ["acc-bad"]
    (message,) = problems(manager)["acc-bad"]
    assert problem in message
    assert "\n" not in message
    assert manager.find("extractor", "good")


def test_a_stage_that_two_plugins_provide_cannot_be_used(load: Load) -> None:
    manager = load({("acc-a", "a"): STAGE.format(name="same"), ("acc-b", "b"): STAGE.format(name="same")})
    assert problems(manager) == {
        "acc-a": ["extractor 'same' is also provided by b (acc-b 1.2)"],
        "acc-b": ["extractor 'same' is also provided by a (acc-a 1.2)"],
    }
    with pytest.raises(UserError, match=r"plugin a .* failed"):
        manager.find("extractor", "same")


def test_a_bundled_stage_takes_precedence(load: Load) -> None:
    manager = load({("zzz", "a"): STAGE.format(name="same"), ("autocakechat", "b"): STAGE.format(name="same")})
    assert problems(manager) == {"zzz": ["extractor 'same' is also provided by b"]}
    assert manager.owner(manager.find("extractor", "same")) == "b"


def test_two_plugins_of_the_same_name_both_fail(load: Load) -> None:
    manager = load({("acc-a", "x"): STAGE.format(name="one"), ("acc-b", "x"): STAGE.format(name="two")})
    assert problems(manager) == {
        "acc-a": ["another distribution has a plugin of this name: acc-b"],
        "acc-b": ["another distribution has a plugin of this name: acc-a"],
    }
    assert manager.stages("extractor") == {}


def test_three_plugins_of_the_same_name_all_fail(load: Load) -> None:
    code = {(f"acc-{letter}", "x"): STAGE.format(name=letter) for letter in "abc"}
    manager = load(code)
    assert problems(manager) == {
        "acc-a": ["another distribution has a plugin of this name: acc-b, acc-c"],
        "acc-b": ["another distribution has a plugin of this name: acc-a, acc-c"],
        "acc-c": ["another distribution has a plugin of this name: acc-a, acc-b"],
    }
    assert manager.stages("extractor") == {}


def test_a_plugin_with_the_name_of_a_bundled_plugin_fails(load: Load) -> None:
    manager = load({("acc-a", "x"): STAGE.format(name="one"), ("autocakechat", "x"): STAGE.format(name="two")})
    assert list(problems(manager)) == ["acc-a"]
    assert list(manager.stages("extractor")) == ["two"]


def test_a_disabled_plugin_is_not_imported(load: Load) -> None:
    manager = load({("acc-bad", "bad"): "raise AssertionError('imported')"}, disabled=["bad"])
    assert [plugin.status for plugin in manager.plugins] == ["disabled"]


def test_all_third_party_plugins_can_be_disabled(load: Load) -> None:
    code = "raise AssertionError('imported')"
    manager = load({("acc-x", "x"): code, ("autocakechat", "own"): STAGE.format(name="own")}, third_party=False)
    assert {plugin.name: plugin.status for plugin in manager.plugins} == {"own": "active", "x": "disabled"}


def test_the_error_for_an_unknown_stage_has_suggestions(load: Load) -> None:
    manager = load({("acc-good", "good"): STAGE.format(name="pairs"), ("acc-bad", "bad"): "raise OSError('gone')"})
    with pytest.raises(UserError) as raised:
        manager.find("extractor", "pair")
    text = str(raised.value)
    assert "no extractor 'pair'; did you mean 'pairs'?" in text
    assert "plugin bad (acc-bad 1.2) failed: cannot be imported: OSError: gone" in text


@pytest.mark.parametrize(
    "hint",
    [
        "bool",
        "float | None",
        "Path",
        "Secret | None",
        "datetime",
        "Literal['a', 'b']",
        "list[str | int]",
        "tuple[Path, ...]",
        "dict[str, int]",
        "Sequence[str]",
        "Colour",
        "Nested",
        "list[Nested]",
        "UserId",
        "Annotated[int, 'positive']",
    ],
)
def test_options_of_these_types_are_accepted(load: Load, hint: str) -> None:
    types = """
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, NewType
from autocakechat import Secret
import attrs
UserId = NewType("UserId", int)
class Colour(Enum):
    RED = "red"
@attrs.frozen
class Nested:
    size: int = 1
"""
    manager = load({("acc-good", "good"): types + STAGE.format(name="good").replace("pass", f"value: {hint} = None")})
    assert problems(manager) == {}


def test_the_line_of_a_wrong_option_is_named(load: Load) -> None:
    code = STAGE.format(name="plain").replace("    pass", "    first: int = 1\n    second: complex = 1j")
    (problem,) = problems(load({("acc-bad", "bad"): code}))["acc-bad"]
    line = code.splitlines().index("    second: complex = 1j") + 1
    assert re.search(rf"; acc_bad_bad_\w+\.py:{line}$", problem)


def test_the_line_of_an_error_during_the_import_is_named(load: Load) -> None:
    manager = load({("acc-bad", "bad"): "import json\n\njson.loads('{')"})
    (problem,) = problems(manager)["acc-bad"]
    assert re.search(r"cannot be imported: JSONDecodeError: .*; acc_bad_bad_\w+\.py:3$", problem)
    (traceback,) = manager.plugins[0].tracebacks
    assert traceback.startswith("in the code of the plugin")


def test_a_function_imported_from_a_library_is_not_taken_for_a_hook(load: Load) -> None:
    code = STAGE.format(name="good") + "\ndef acc_sources_of(chat):\n    return []\nacc_sources = None\n"
    assert problems(load({("acc-good", "good"): code})) == {}


def test_sys_exit_in_an_event_hook_is_logged(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    listener = "from autocakechat import hookimpl\n@hookimpl\ndef acc_before_stage(stage):\n    raise SystemExit(0)\n"
    manager = load({("acc-listener", "listener"): listener, ("acc-good", "good"): STAGE.format(name="good")})
    stage = manager.find("extractor", "good")
    with caplog.at_level(logging.WARNING):
        manager.announce("acc_before_stage", logging.getLogger("test"), stage=stage)
    assert "plugin listener (acc-listener 1.2): acc_before_stage failed: SystemExit: 0" in caplog.text


@pytest.mark.parametrize(
    ("load_command", "message"),
    [("print", "the command 'shout' loads None, expected a click.Command"), ("exit", "failed with SystemExit")],
)
def test_a_command_that_cannot_be_loaded_names_its_plugin(load: Load, load_command: str, message: str) -> None:
    code = f"""
    from autocakechat import CommandType, hookimpl

    @hookimpl
    def acc_commands():
        yield CommandType(name="shout", summary="", load=lambda: {load_command}())
    """
    manager = load({("acc-shout", "shout"): code})
    with pytest.raises(PluginError, match=rf"plugin shout \(acc-shout 1.2\): {message}.*; acc_shout_shout_\w+.py:6"):
        manager.load_command("shout")


def test_an_error_in_an_event_hook_is_logged(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    listener = """
    from autocakechat import hookimpl

    @hookimpl
    def acc_before_stage(stage):
        raise ValueError("not today")
    """
    manager = load({("acc-listener", "listener"): listener, ("acc-good", "good"): STAGE.format(name="good")})
    stage = manager.find("extractor", "good")
    with caplog.at_level(logging.WARNING):
        manager.announce("acc_before_stage", logging.getLogger("test"), stage=stage)
    (message,) = caplog.messages
    assert message.startswith(
        "plugin listener (acc-listener 1.2): acc_before_stage failed: ValueError: not today; acc_"
    )
    assert message.endswith(".py:6")

"""Deprecated names still work, and the warning names the plugin, its distribution and its author."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from textwrap import indent
from types import ModuleType

import attrs
import pytest

from autocakechat.interface import hookspecs
from autocakechat.interface.deprecation import Deprecated, deprecated, renamed
from autocakechat.interface.hookspecs import hookspec
from autocakechat.interface.stage_types import AnnotatorType
from autocakechat.registry.manager import PluginManager
from tests.distributions import lay_out

PLUGIN = """
from autocakechat import hookimpl
from changed_types import Labeller
import attrs

@attrs.frozen
class Options:
    pass

@hookimpl
def acc_stage_begins(stage):
    pass

@hookimpl
def acc_corpus_made(path, folder):
    pass

@hookimpl
def acc_annotators():
    yield Labeller(name="old", summary="a test", config=Options, label=lambda options, dialogs, run: dialogs)
"""


@hookspec(warn_on_impl=deprecated("acc_stage_begins", since="0.2", gone="0.4", instead="acc_before_stage"))
def acc_stage_begins(stage: object) -> None:
    """A deprecated hook."""


@hookspec(warn_on_impl_args={"folder": deprecated("folder", since="0.2", gone="0.4", instead="path")})
def acc_corpus_made(path: object, folder: object) -> None:
    """A hook with a deprecated argument."""


@renamed("label", "annotate", since="0.2", gone="0.4")
@attrs.frozen(kw_only=True)
class Labeller(AnnotatorType):
    """A type with a renamed field."""


WARNINGS = [
    "folder is deprecated since 0.2 and will be gone in 0.4; use path",
    "acc_stage_begins is deprecated since 0.2 and will be gone in 0.4; use acc_before_stage",
    "Labeller(label=...) is deprecated since 0.2 and will be gone in 0.4; use annotate=...",
]

# The public names that were renamed in 0.1: code that uses the former name, and the two names in the warning.
RENAMED = {
    "Messages": (
        "from autocakechat import MessageBatch, Messages\nassert Messages is MessageBatch",
        "autocakechat.Messages",
        "autocakechat.MessageBatch",
    ),
    "seal_model": (
        "import autocakechat\nassert autocakechat.seal_model is autocakechat.finalize_model_folder",
        "autocakechat.seal_model",
        "autocakechat.finalize_model_folder",
    ),
    "visible": (
        "from autocakechat import visible\nassert visible('\\x1b') == r'\\x1b'",
        "autocakechat.visible",
        "autocakechat.escape_control_characters",
    ),
    "option(keyed)": (
        "import attrs\n"
        "from autocakechat import option\n"
        "Options = attrs.make_class('Options', {'path': option(help='a path', keyed=False)})\n"
        "assert attrs.fields(Options).path.metadata['affects_key'] is False",
        "option(keyed=...)",
        "affects_key=...",
    ),
    "Chat.through": (
        "from autocakechat import Chat, Message\n"
        "messages = [Message(id=1, sender='ann', sender_name=None, text='hi', sent=0)]\n"
        "passed = []\n"
        "chat = Chat('chat1', None, 'test', messages)\n"
        "chat.through(lambda batches: (passed.append(batch) or batch for batch in batches))\n"
        "assert len(list(chat.messages)) == len(passed) == 1",
        "Chat.through",
        "Chat.tap",
    ),
    "Session.hear": (
        "from autocakechat import Session\n"
        "session = Session(3)\n"
        "session.hear('hi', 'ann')\n"
        "assert session.request().context == ('hi',)",
        "Session.hear",
        "Session.add_message",
    ),
    "Session.say": (
        "from autocakechat import Reply, Session\n"
        "session = Session(3)\n"
        "session.add_message('hi')\n"
        "session.say(Reply('hello'))\n"
        "assert not session.waiting",
        "Session.say",
        "Session.add_reply",
    ),
    "Session.usual_mood": (
        "from autocakechat import Session\nassert Session.usual_mood(['joy', 'neutral']) == 'neutral'",
        "Session.usual_mood",
        "Session.default_label",
    ),
    "Session.find_mood": (
        "from autocakechat import Session\nassert Session.find_mood(' JOY ', ['neutral', 'joy']) == 'joy'",
        "Session.find_mood",
        "Session.find_label",
    ),
    "testing.Running": (
        "from autocakechat.testing import AccProcess, Running\nassert Running is AccProcess",
        "autocakechat.testing.Running",
        "autocakechat.testing.AccProcess",
    ),
}

Install = Callable[[str], list[EntryPoint]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes the plugin `old` of Ada Author, with some code, and returns its entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(code: str) -> list[EntryPoint]:
        lay_out(tmp_path, "acc-old", "old", code)
        metadata = tmp_path / "acc_old-1.2.dist-info" / "METADATA"
        metadata.write_text(metadata.read_text() + "Author: Ada Author\n")
        return [entry for dist in Distribution.discover(path=[str(tmp_path)]) for entry in dist.entry_points]

    return install


def later_hookspecs() -> ModuleType:
    module = ModuleType("later")
    module.__dict__.update(acc_stage_begins=acc_stage_begins, acc_corpus_made=acc_corpus_made)
    return module


def test_deprecated_hooks_arguments_and_fields_work_and_warn(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "changed_types", sys.modules[__name__])
    entries = install(PLUGIN)
    with pytest.warns(Deprecated) as caught:
        manager = PluginManager.load(entries=entries, specifications=(hookspecs, later_hookspecs()))
    assert [plugin.status for plugin in manager.plugins] == ["active"]
    assert manager.plugins[0].warnings == WARNINGS
    assert [str(warning.message) for warning in caught] == [
        f"plugin old (acc-old 1.2) by Ada Author: {text}" for text in WARNINGS
    ]
    assert all("acc_old_old" in warning.filename or warning.filename == __file__ for warning in caught)
    stage = manager.find("annotator", "old")
    assert list(stage.annotate(None, [1, 2], None)) == [1, 2]


@pytest.mark.parametrize(("code", "former", "current"), RENAMED.values(), ids=RENAMED)
def test_a_former_name_warns_at_import(code: str, former: str, current: str, install: Install) -> None:
    text = f"{former} is deprecated since 0.1 and will be gone in 0.3; use {current}"
    entries = install(code)
    with pytest.warns(Deprecated) as caught:
        manager = PluginManager.load(entries=entries)
    assert (manager.plugins[0].status, manager.plugins[0].problems) == ("active", [])
    assert manager.plugins[0].warnings == [text]
    assert [str(warning.message) for warning in caught] == [f"plugin old (acc-old 1.2) by Ada Author: {text}"]
    assert "acc_old_old" in caught[0].filename


@pytest.mark.parametrize(("code", "former", "current"), RENAMED.values(), ids=RENAMED)
def test_a_former_name_warns_at_run_time(code: str, former: str, current: str, install: Install) -> None:
    (entry,) = install(f"def work():\n{indent(code, '    ')}\n")
    manager = PluginManager.load(entries=[entry])
    assert (manager.plugins[0].status, manager.plugins[0].warnings) == ("active", [])
    with pytest.warns(Deprecated) as caught:
        import_module(entry.module).work()
    assert [str(warning.message) for warning in caught] == [
        f"plugin old (acc-old 1.2) by Ada Author: "
        f"{former} is deprecated since 0.1 and will be gone in 0.3; use {current}"
    ]
    assert "acc_old_old" in caught[0].filename


def test_other_warnings_of_a_plugin_are_passed_on(install: Install) -> None:
    entries = install("import warnings\nwarnings.warn('mind the gap')\n")
    with pytest.warns(UserWarning, match="mind the gap"):
        manager = PluginManager.load(entries=entries)
    assert manager.plugins[0].warnings == []


def test_the_new_name_does_not_warn() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Labeller(name="new", summary="a test", config=object, annotate=lambda *_: [])
    assert caught == []

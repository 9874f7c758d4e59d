"""What goes out of use still works for a while, and the plugin's author is told by name."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path
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
    """A hook that goes."""


@hookspec(warn_on_impl_args={"folder": deprecated("folder", since="0.2", gone="0.4", instead="path")})
def acc_corpus_made(path: object, folder: object) -> None:
    """A hook with an argument that goes."""


@renamed("label", "annotate", since="0.2", gone="0.4")
@attrs.frozen(kw_only=True)
class Labeller(AnnotatorType):
    """A type with a field that had another name."""


TOLD = [
    "folder is deprecated since 0.2 and will be gone in 0.4; use path",
    "acc_stage_begins is deprecated since 0.2 and will be gone in 0.4; use acc_before_stage",
    "Labeller(label=...) is deprecated since 0.2 and will be gone in 0.4; use annotate=...",
]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[object]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "changed_types", sys.modules[__name__])
    lay_out(tmp_path, "acc-old", "old", PLUGIN)
    metadata = tmp_path / "acc_old-1.2.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Author: Ada Author\n")
    return [entry for dist in Distribution.discover(path=[str(tmp_path)]) for entry in dist.entry_points]


def later_hookspecs() -> ModuleType:
    module = ModuleType("later")
    module.__dict__.update(acc_stage_begins=acc_stage_begins, acc_corpus_made=acc_corpus_made)
    return module


def test_what_goes_out_of_use_works_and_its_author_is_told_by_name(found: Iterable[object]) -> None:
    with pytest.warns(Deprecated) as warned:
        manager = PluginManager.load(entries=found, specifications=(hookspecs, later_hookspecs()))  # type: ignore[arg-type]
    assert [plugin.status for plugin in manager.plugins] == ["active"]
    assert manager.plugins[0].warnings == TOLD
    assert [str(each.message) for each in warned] == [
        f"plugin old (acc-old 1.2) by Ada Author: {text}" for text in TOLD
    ]
    assert all("acc_old_old" in each.filename or each.filename == __file__ for each in warned)
    stage = manager.find("annotator", "old")
    assert list(stage.annotate(None, [1, 2], None)) == [1, 2]


def test_other_warnings_of_a_plugin_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    lay_out(tmp_path, "acc-loud", "loud", "import warnings\nwarnings.warn('mind the gap')\n")
    loud = [entry for dist in Distribution.discover(path=[str(tmp_path)]) for entry in dist.entry_points]
    with pytest.warns(UserWarning, match="mind the gap"):
        manager = PluginManager.load(entries=loud)
    assert manager.plugins[0].warnings == []


def test_the_new_name_warns_of_nothing() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Labeller(name="new", summary="a test", config=object, annotate=lambda *_: [])
    assert caught == []

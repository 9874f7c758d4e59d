"""The pages on hooks and types say what the code says: nothing left out, nothing that is not there."""

from __future__ import annotations

import inspect
import logging
import os
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

import autocakechat
from autocakechat.interface import hookspecs
from autocakechat.interface.stage_types import STAGE_TYPES, CommandType, Input, StageType
from autocakechat.registry.manager import PluginManager
from autocakechat.testing.project import Project
from tests.distributions import lay_out
from tests.docs.pages import DOCS, blocks

HOOKS = DOCS / "plugins/hooks"
TYPES = DOCS / "plugins/types.md"
SPECS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("acc_")}
YIELDED: dict[str, Any] = {f"acc_{each.kind}s": each for each in (*STAGE_TYPES, CommandType)}
EVENTS = sorted(set(SPECS) - set(YIELDED))
IN_TABLES = ("Message", "MessageBatch", "Utterance", "Dialog", "Request", "Reply", "Score", "RunContext")


def section(page: Path, title: str) -> str:
    """Returns what stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}$\n(.*?)(?=^#+ |\Z)", page.read_text("utf-8"), re.M | re.S)
    assert found, f"{page.name} has no heading '{title}'"
    return found[1]


def names_in_table(text: str) -> list[str]:
    """Returns the names in the first column of the tables of a text."""
    return re.findall(r"^\| `(\w+)[^|]*\|", text, re.M)


def fields_of(cls: Any) -> list[str]:
    return [field.name for field in (attrs.fields(cls) if attrs.has(cls) else msgspec.structs.fields(cls))]


def own_fields(cls: Any) -> list[str]:
    inherited = fields_of(StageType) if issubclass(cls, StageType) else []
    return [name for name in fields_of(cls) if name not in inherited]


def load_example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """Loads the example of a hook's page as the only plugin."""
    (example,) = [block for block in blocks(HOOKS / f"{name}.md") if block.language == "python"]
    module = f"example_of_{name}"
    (folder / f"{module}.py").write_text(example.content, "utf-8")
    monkeypatch.syspath_prepend(folder)
    manager = PluginManager.load(entries=[EntryPoint("example", module, hookspecs.PROJECT)])
    assert manager.plugins[0].status == "active", manager.plugins[0].problems
    return manager


def test_every_hook_has_a_page_and_every_page_a_hook() -> None:
    assert {page.stem for page in HOOKS.glob("*.md")} - {"index"} == set(SPECS)
    assert set(YIELDED) < set(SPECS)
    overview = names_in_table((HOOKS / "index.md").read_text("utf-8").replace("| [`", "| `").split("## ")[0])
    assert overview == list(SPECS)


def test_what_all_stages_have_is_told_once() -> None:
    assert names_in_table(section(HOOKS / "index.md", "StageType")) == fields_of(StageType)
    assert names_in_table(section(HOOKS / "index.md", "Input")) == fields_of(Input)


@pytest.mark.parametrize("name", YIELDED)
def test_every_field_of_what_a_hook_yields_is_explained(name: str) -> None:
    yielded = YIELDED[name]
    assert names_in_table(section(HOOKS / f"{name}.md", yielded.__name__)) == own_fields(yielded)


@pytest.mark.parametrize("name", EVENTS)
def test_every_argument_of_an_event_is_explained(name: str) -> None:
    text = (HOOKS / f"{name}.md").read_text("utf-8")
    assert names_in_table(text) == list(inspect.signature(SPECS[name]).parameters)


@pytest.mark.parametrize("name", YIELDED)
def test_the_example_of_a_registration_hook_provides_a_stage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (provided,) = load_example(name, tmp_path, monkeypatch).plugins[0].provides
    assert type(provided) is YIELDED[name]


@pytest.mark.parametrize("name", EVENTS)
def test_the_example_of_an_event_hook_is_called(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    acc_plugins: PluginManager,
) -> None:
    manager = load_example(name, tmp_path, monkeypatch)
    given = {
        "stage": acc_plugins.find("trainer", "test-echo"),
        "result": {"answers": 3},
        "error": KeyboardInterrupt(),
    }
    manager.announce(name, logging.getLogger("autocakechat.test"), **given)
    assert "test-echo" in capsys.readouterr().out
    assert not caplog.records


@pytest.mark.parametrize("name", IN_TABLES)
def test_every_field_of_a_type_is_explained(name: str) -> None:
    assert names_in_table(section(TYPES, name)) == fields_of(getattr(autocakechat, name))


def test_every_public_name_is_explained() -> None:
    pages = [*HOOKS.glob("*.md"), TYPES]
    told = "\n".join(page.read_text("utf-8") for page in pages)
    headings = " ".join(re.findall(r"^#+ (.*)$", told, re.M))
    missing = [name for name in autocakechat.__all__ if not re.search(rf"\b{name}\b", headings)]
    assert missing == ["hookimpl"], "every other name has a heading"
    assert "marked with `hookimpl`" in told


@pytest.mark.parametrize("name", ["Chat", "Corpus", "Responder", "TrainedModel", "Session"])
def test_what_a_type_is_said_to_have_is_there(name: str) -> None:
    cls = getattr(autocakechat, name)
    said = set(names_in_table(section(TYPES, name)))
    there = {each for each in dir(cls) if not each.startswith("_")} | set(inspect.signature(cls.__init__).parameters)
    assert said <= there | {"emotion", "context_lines", "line_limit", "ledger"}, said - there
    public = {each for each, value in vars(cls).items() if not each.startswith("_") and callable(value)}
    text = section(TYPES, name)
    assert [each for each in sorted(public) if f"`{each}" not in text] == []


def test_the_examples_of_all_stages_make_a_bot_together(acc_project: Project) -> None:
    site = acc_project.folder / "site"
    site.mkdir()
    for name in YIELDED:
        (example,) = [block for block in blocks(HOOKS / f"{name}.md") if block.language == "python"]
        lay_out(site, "acc-examples", name.replace("_", "-"), example.content)
    acc_project.environment["PYTHONPATH"] = f"{site}{os.pathsep}{acc_project.environment['PYTHONPATH']}"
    talk = [(place, "ab"[place % 2], "how are you?" if place % 2 == 0 else "fine :)") for place in range(20)]
    acc_project.write("talk.csv", "".join(f"{60 * place},{name},{text}\n" for place, name, text in talk))
    acc_project.pipeline(
        source={"use": "csv", "path": "talk.csv"},
        extractor={"use": "pairs", "server": "b"},
        annotator={"use": "smileys"},
        corpus={"same_answer": 5},
        trainer={"use": "habit"},
        deployer={"use": "plain", "greeting": "Hi!"},
    )
    assert acc_project.dialogs()[0][1].emotion == "joy"
    done = acc_project.run(stdin="hello\n\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["Hi!", "fine :)"]
    assert acc_project.acc("shout", "hello").stdout == "HELLO\n"

"""The pages on hooks and types match the code: every field is documented, and no other."""

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
YIELDED: dict[str, Any] = {f"acc_{cls.kind}s": cls for cls in (*STAGE_TYPES, CommandType)}
EVENTS = sorted(set(SPECS) - set(YIELDED))
DATA_TYPES = ("Message", "MessageBatch", "Utterance", "Dialog", "Request", "Reply", "Score", "RunContext")


def section(page: Path, title: str) -> str:
    """Returns the text of a section."""
    match = re.search(rf"^#+ {re.escape(title)}$\n(.*?)(?=^#+ |\Z)", page.read_text("utf-8"), re.M | re.S)
    assert match, f"{page.name} has no heading '{title}'"
    return match[1]


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


def test_the_fields_of_all_stages_are_documented_once() -> None:
    assert names_in_table(section(HOOKS / "index.md", "StageType")) == fields_of(StageType)
    assert names_in_table(section(HOOKS / "index.md", "Input")) == fields_of(Input)


@pytest.mark.parametrize("name", YIELDED)
def test_every_field_of_a_stage_type_is_documented(name: str) -> None:
    yielded = YIELDED[name]
    assert names_in_table(section(HOOKS / f"{name}.md", yielded.__name__)) == own_fields(yielded)


@pytest.mark.parametrize("name", EVENTS)
def test_every_argument_of_an_event_hook_is_documented(name: str) -> None:
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
    arguments = {
        "stage": acc_plugins.find("trainer", "test-echo"),
        "result": {"answers": 3},
        "error": KeyboardInterrupt(),
    }
    manager.announce(name, logging.getLogger("autocakechat.test"), **arguments)
    assert "test-echo" in capsys.readouterr().err
    assert not caplog.records


@pytest.mark.parametrize("name", DATA_TYPES)
def test_every_field_of_a_data_type_is_documented(name: str) -> None:
    assert names_in_table(section(TYPES, name)) == fields_of(getattr(autocakechat, name))


def test_every_public_name_is_documented() -> None:
    pages = [*HOOKS.glob("*.md"), TYPES]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    headings = " ".join(re.findall(r"^#+ (.*)$", text, re.M))
    missing = [name for name in autocakechat.__all__ if not re.search(rf"\b{name}\b", headings)]
    assert missing == ["hookimpl"], "every other name has a heading"
    assert "marked with `hookimpl`" in text


@pytest.mark.parametrize("name", ["Chat", "Corpus", "Responder", "TrainedModel", "Session"])
def test_the_members_of_a_class_match_its_page(name: str) -> None:
    cls = getattr(autocakechat, name)
    documented = set(names_in_table(section(TYPES, name)))
    members = {member for member in dir(cls) if not member.startswith("_")}
    members |= set(inspect.signature(cls.__init__).parameters)
    assert documented <= members | {"emotion", "context_lines", "line_limit", "ledger"}, documented - members
    methods = {member for member, value in vars(cls).items() if not member.startswith("_") and callable(value)}
    text = section(TYPES, name)
    assert [method for method in sorted(methods) if f"`{method}" not in text] == []


def test_the_examples_form_a_working_pipeline(acc_project: Project) -> None:
    site = acc_project.folder / "site"
    site.mkdir()
    for name in YIELDED:
        (example,) = [block for block in blocks(HOOKS / f"{name}.md") if block.language == "python"]
        lay_out(site, "acc-examples", name.replace("_", "-"), example.content)
    acc_project.environment["PYTHONPATH"] = f"{site}{os.pathsep}{acc_project.environment['PYTHONPATH']}"
    rows = [f"{60 * n},a,how are you?\n" if n % 2 == 0 else f"{60 * n},b,fine :)\n" for n in range(20)]
    acc_project.write("chat.csv", "".join(rows))
    acc_project.pipeline(
        source={"use": "time-name-text", "path": "chat.csv"},
        extractor={"use": "pairs", "server": "b"},
        annotator={"use": "smileys"},
        corpus={"same_answer": 5},
        trainer={"use": "most-frequent"},
        deployer={"use": "plain", "greeting": "Hi!"},
    )
    assert acc_project.dialogs()[0][1].emotion == "joy"
    done = acc_project.run(stdin="hello\n\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["Hi!", "fine :)"]
    assert acc_project.acc("shout", "hello").stdout == "HELLO\n"

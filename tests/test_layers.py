"""Layers: a module imports only from its own part and from parts to the left. Imports for types alone count."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from tests.conftest import ROOT


@attrs.frozen
class Layering:
    """The layers of one package.

    Attributes:
        folder: The package's folder.
        package: The package's import name.
        layers: Its parts, layer by layer; parts of one layer may not import each other. `.` is the `__init__` module.
    """

    folder: str
    package: str
    layers: tuple[tuple[str, ...], ...]

    @property
    def ranks(self) -> Mapping[str, int]:
        return {part: rank for rank, layer in enumerate(self.layers) for part in layer}


CORE = Layering(
    "core",
    "autocakechat",
    (
        ("errors", "text", "files", "hardware", "standard_output"),
        ("interface",),
        ("registry", "retrieval", "statistics"),
        ("cluster", "corpus", "evaluation"),
        ("config", "display", "ranking"),
        ("artifacts",),
        ("pipeline",),
        (".",),
        ("cli", "testing"),
        ("__main__",),
    ),
)
CAKECHAT = Layering(
    "plugins/trainers/cakechat",
    "autocakechat.plugins.trainers.cakechat",
    (
        ("options", "data"),
        ("network",),
        ("inference", "pretrained", "training_network"),
        ("ranking",),
        ("training",),
        ("start_training",),
        ("trainer_type",),
        ("commands",),
        (".",),
    ),
)
LORA = Layering(
    "plugins/trainers/lora",
    "autocakechat.plugins.trainers.lora",
    (
        ("bases", "prompts"),
        ("options",),
        ("model",),
        ("gguf_files", "language_model"),
        ("engine",),
        ("replies",),
        ("training",),
        ("trainer_type",),
        ("commands",),
        (".",),
    ),
)
TELEGRAM = Layering(
    "plugins/deployers/telegram",
    "autocakechat.plugins.deployers.telegram",
    (
        ("storage", "event_log", "options", "systemd"),
        ("bot_api",),
        ("replying",),
        ("receiving",),
        ("maintenance",),
        ("service",),
        (".",),
    ),
)
TELEGRAM_SOURCE = Layering(
    "plugins/sources/telegram",
    "autocakechat.plugins.sources.telegram",
    (("options", "parsing"), ("conversion",), ("discovery", "export"), ("chat_locations",), ("reader",), (".",)),
)


LAYERINGS = (CORE, CAKECHAT, LORA, TELEGRAM, TELEGRAM_SOURCE)


def imports(file: Path, package: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the module of each import of a package's own modules, wherever it stands in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            names = [f"{package}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.startswith(f"{package}."):
                yield getattr(node, "lineno", 0), name


def part_of(relative: str, known: Mapping[str, int]) -> str:
    """Returns the part that a module belongs to: the first step of its path; `.` for a name of `__init__`."""
    first = relative.partition(".")[0]
    return first if first in known else "."


def violations(layering: Layering) -> Iterator[str]:
    folder, ranks = ROOT / layering.folder, layering.ranks
    for file in sorted(folder.rglob("*.py")):
        steps = file.relative_to(folder).with_suffix("").parts
        part = "." if steps == ("__init__",) else steps[0]
        assert part in ranks, f"{file.relative_to(ROOT)} belongs to no layer"
        for line, name in imports(file, layering.package):
            imported = part_of(name.removeprefix(f"{layering.package}."), ranks)
            if imported == part or (part == "." and layering is CORE):  # the table of public names
                continue
            if ranks[imported] >= ranks[part]:
                yield f"{file.relative_to(ROOT)}:{line}: {part} imports {name}, of the layer of {imported}"


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Returns one circle of imports, or nothing."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module not in done:
            for imported in sorted(graph[module]):
                if circle := visit(imported, [*path, module]):
                    return circle
            done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := visit(module, []))), [])


@pytest.mark.parametrize("layering", LAYERINGS, ids=lambda layering: layering.folder)
def test_imports_point_to_lower_layers(layering: Layering) -> None:
    assert list(violations(layering)) == []


@pytest.mark.parametrize("folder", ["core", "plugins"])
def test_no_module_imports_itself_through_others(folder: str) -> None:
    root = ROOT / folder
    package = "autocakechat" if folder == "core" else "autocakechat.plugins"
    modules = {}
    for file in root.rglob("*.py"):
        steps = file.relative_to(root).with_suffix("").parts
        modules[".".join([package, *steps]).removesuffix(".__init__")] = file
    modules.pop("autocakechat", None)  # it imports a public name when it is first used
    graph: dict[str, set[str]] = {}
    for name, file in modules.items():
        graph[name] = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules.keys()
                graph[name] |= inner or {node.module} & modules.keys()
            elif isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names} & modules.keys()
    assert circles(graph) == []


def test_a_forbidden_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "low").mkdir()
    (tmp_path / "low" / "one.py").write_text("def late():\n    from package.high import thing\n")
    monkeypatch.setattr("tests.test_layers.ROOT", tmp_path)
    layering = Layering(".", "package", (("low",), ("high",)))
    assert list(violations(layering)) == ["low/one.py:2: low imports package.high, of the layer of high"]


def test_a_circle_is_named() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]


@pytest.mark.parametrize("folder", ["core", "plugins", "tests", "examples", "benchmarks", "docs"])
def test_no_folder_has_more_than_sixteen_files(folder: str) -> None:
    for place in [ROOT / folder, *(path for path in (ROOT / folder).rglob("*") if path.is_dir())]:
        if not {"__pycache__", "build"} & set(place.parts) and not place.name.endswith(".egg-info"):
            files = [path.name for path in place.iterdir() if path.is_file()]
            assert len(files) <= 16, f"{place.relative_to(ROOT)}: {len(files)} files"

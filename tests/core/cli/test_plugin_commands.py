"""`acc plugins list` and `show`: tables, JSON, and the documentation of options."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from autocakechat.config.option_docs import document_options, example_toml, option_tables
from autocakechat.config.option_values import OptionParser
from autocakechat.interface.stage_types import StageType
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.source_location import source_location
from tests.conftest import ROOT
from tests.core.conftest import Project
from tests.distributions import lay_out

PLUGIN_KEYS = ["name", "module", "distribution", "version", "bundled", "status", "problems", "warnings", "provides"]
STAGE_KEYS = ["kind", "name", "summary", "file", "line", "version", "missing", "install", "options", "example"]


@pytest.fixture
def broken_plugin(project: Project) -> Project:
    """A project with a working third-party plugin and a broken one."""
    lay_out(Path(project.environment["PYTHONPATH"]), "acc-broken", "broken", "import no_such_module")
    return project


def stage_keys(kind: str) -> list[str]:
    if kind == "command":
        return STAGE_KEYS[:5]
    loading = ["load_missing", "load_install"] if kind == "trainer" else []
    return [*STAGE_KEYS[:8], *loading, *STAGE_KEYS[8:]]


def listed(project: Project, *arguments: str) -> list[str]:
    done = project.acc("plugins", "list", *arguments)
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines() if not line.startswith((" ", "PLUGIN"))]


def test_the_table_shows_name_origin_status_and_stages(broken_plugin: Project) -> None:
    table = broken_plugin.acc("plugins", "list").stdout
    assert "toys               acc-toys 1.2    active  source toy, trainer toy" in table
    assert "neutral-annotator  bundled         active  annotator neutral" in table
    assert "  broken: cannot be imported: ModuleNotFoundError: No module named 'no_such_module'" in table


def test_the_table_can_be_filtered(broken_plugin: Project) -> None:
    assert listed(broken_plugin, "--external") == ["broken", "toys"]
    assert listed(broken_plugin, "--failed") == ["broken"]
    assert listed(broken_plugin, "--kind", "trainer") == [
        "cakechat-trainer",
        "lora-trainer",
        "retrieval-trainer",
        "toys",
    ]
    assert listed(broken_plugin, "--kind", "trainer", "--external") == ["toys"]
    empty = broken_plugin.acc("plugins", "list", "--kind", "annotator", "--external")
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "no plugin matches\n")


def test_check_fails_if_a_listed_plugin_failed(broken_plugin: Project) -> None:
    assert broken_plugin.acc("plugins", "list", "--check").returncode == 1
    assert broken_plugin.acc("plugins", "list", "--check", "--kind", "trainer").returncode == 0
    assert broken_plugin.acc("--disable", "broken", "plugins", "list", "--check").returncode == 0


def test_json_has_the_documented_keys(broken_plugin: Project) -> None:
    plugins = json.loads(broken_plugin.acc("plugins", "list", "--json").stdout)
    documented = (ROOT / "docs" / "plugins" / "managing.md").read_text()
    for plugin in plugins:
        assert list(plugin) == PLUGIN_KEYS
        for stage in plugin["provides"]:
            assert list(stage) == stage_keys(stage["kind"])
    assert all(f"`{key}`" in documented for key in [*PLUGIN_KEYS, *stage_keys("trainer")])
    assert json.loads(broken_plugin.acc("plugins", "show", "toys", "--json").stdout) in plugins


def test_show_prints_every_option_the_location_and_an_example(project: Project) -> None:
    shown = project.acc("plugins", "show", "toys").stdout
    module = next(Path(project.environment["PYTHONPATH"]).glob("acc_toys_toys_*.py"))
    line = module.read_text().splitlines().index("def train(options, corpus, into, run):") + 1
    assert f"in {module}:{line}" in shown
    assert "  steps  (an integer; default 1)\n      how many steps" in shown
    assert "  path  (a path; required)\n      the file" in shown
    assert '  password  ({ env = "NAME" } or { file = "PATH" }; default none)' in shown
    assert '  [[source]]\n  use = "toy"\n  path = "..."' in shown


def test_the_example_of_the_telegram_bot_does_not_allow_everyone(project: Project) -> None:
    shown = project.acc("plugins", "show", "telegram-deployer").stdout
    assert "\n  allow = [1] " in shown


def test_show_finds_a_plugin_by_the_name_of_its_stage(project: Project) -> None:
    assert project.acc("plugins", "show", "turns").stdout.startswith("turns-extractor (bundled, active)")
    ambiguous = project.acc("plugins", "show", "telegram")
    assert ambiguous.returncode == 2
    assert "'telegram' is provided by telegram-deployer and telegram-source" in ambiguous.stderr


STAGES = [stage for plugin in PluginManager.load().plugins for stage in plugin.provides if isinstance(stage, StageType)]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.kind}-{stage.name}")
def test_an_example_is_valid_toml_with_all_options(stage: StageType, tmp_path: Path) -> None:
    assert tomllib.loads(example_toml(stage))
    documented = [option for cls in option_tables(stage).values() for option in document_options(cls)]
    without_default = {option.name for option in documented if option.default is None and not option.required}
    uncommented = [line.removeprefix("# ") for line in example_toml(stage).splitlines()]
    content = tomllib.loads("\n".join(line for line in uncommented if line.partition(" ")[0] not in without_default))
    for table, cls in option_tables(stage).items():
        values = content[table][0] if table == "source" else content[table]
        values.pop("use", None)
        parser = OptionParser(lambda _: tmp_path)
        parser.parse(values, cls, ())
        assert parser.problems == []
        assert values.keys() | without_default >= {option.name for option in document_options(cls)}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.kind}-{stage.name}")
def test_the_location_of_a_stage_is_that_of_its_main_function(stage: StageType) -> None:
    location = source_location(stage)
    assert location
    assert "def " in Path(location.file).read_text().splitlines()[location.line - 1]

"""`acc plugins list` and `show`, as a user and as a program see them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from autocakechat.config.option_docs import example, options, place, tables
from autocakechat.config.option_values import OptionParser
from autocakechat.interface.stage_types import StageType
from autocakechat.registry.manager import PluginManager
from tests.conftest import ROOT
from tests.core.conftest import Project
from tests.distributions import lay_out

PLUGIN_KEYS = ["name", "module", "distribution", "version", "bundled", "status", "problems", "warnings", "provides"]
STAGE_KEYS = ["kind", "name", "summary", "file", "line", "version", "missing", "install", "options", "example"]


@pytest.fixture
def crowd(project: Project) -> Project:
    """A project with a working plugin of others, and a broken one."""
    lay_out(Path(project.environment["PYTHONPATH"]), "acc-broken", "broken", "import what_nobody_has")
    return project


def listed(project: Project, *arguments: str) -> list[str]:
    done = project.acc("plugins", "list", *arguments)
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines() if not line.startswith((" ", "PLUGIN"))]


def test_the_table_tells_name_origin_status_and_stages(crowd: Project) -> None:
    table = crowd.acc("plugins", "list").stdout
    assert "toys               acc-toys 1.2    active  source toy, trainer toy" in table
    assert "neutral-annotator  bundled         active  annotator neutral" in table
    assert "  broken: cannot be imported: ModuleNotFoundError: No module named 'what_nobody_has'" in table


def test_the_table_can_be_narrowed(crowd: Project) -> None:
    assert listed(crowd, "--external") == ["broken", "toys"]
    assert listed(crowd, "--failed") == ["broken"]
    assert listed(crowd, "--kind", "trainer") == ["cakechat-trainer", "toys"]
    assert listed(crowd, "--kind", "trainer", "--external") == ["toys"]
    none = crowd.acc("plugins", "list", "--kind", "annotator", "--external")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no plugin is like that\n")


def test_check_fails_if_a_listed_plugin_failed(crowd: Project) -> None:
    assert crowd.acc("plugins", "list", "--check").returncode == 1
    assert crowd.acc("plugins", "list", "--check", "--kind", "trainer").returncode == 0
    assert crowd.acc("--disable", "broken", "plugins", "list", "--check").returncode == 0


def test_json_has_the_documented_keys(crowd: Project) -> None:
    plugins = json.loads(crowd.acc("plugins", "list", "--json").stdout)
    documented = (ROOT / "docs" / "plugins" / "managing.md").read_text()
    for plugin in plugins:
        assert list(plugin) == PLUGIN_KEYS
        for stage in plugin["provides"]:
            assert list(stage) == (STAGE_KEYS if stage["kind"] != "command" else STAGE_KEYS[:5])
    assert all(f"`{key}`" in documented for key in [*PLUGIN_KEYS, *STAGE_KEYS])
    assert json.loads(crowd.acc("plugins", "show", "toys", "--json").stdout) in plugins


def test_show_tells_every_option_the_place_and_an_example(project: Project) -> None:
    shown = project.acc("plugins", "show", "toys").stdout
    module = next(Path(project.environment["PYTHONPATH"]).glob("acc_toys_toys_*.py"))
    line = module.read_text().splitlines().index("def train(options, corpus, into, run):") + 1
    assert f"in {module}:{line}" in shown
    assert "  steps  (an integer; default 1)\n      how many steps" in shown
    assert "  path  (a path; required)\n      the file" in shown
    assert '  password  ({ env = "NAME" } or { file = "PATH" }; default none)' in shown
    assert '  [[source]]\n  use = "toy"\n  path = "..."' in shown


def test_show_finds_a_plugin_by_the_name_of_its_stage(project: Project) -> None:
    assert project.acc("plugins", "show", "turns").stdout.startswith("turns-extractor (bundled, active)")
    both = project.acc("plugins", "show", "telegram")
    assert both.returncode == 2
    assert "'telegram' is provided by telegram-deployer and telegram-source" in both.stderr


STAGES = [stage for plugin in PluginManager.load().plugins for stage in plugin.provides if isinstance(stage, StageType)]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.kind}-{stage.name}")
def test_an_example_is_toml_that_fits_the_options(stage: StageType, tmp_path: Path) -> None:
    assert tomllib.loads(example(stage))
    told = [option for cls in tables(stage).values() for option in options(cls)]
    unset = {option.name for option in told if option.default is None and not option.required}
    lines = [line.removeprefix("# ") for line in example(stage).splitlines()]
    given = tomllib.loads("\n".join(line for line in lines if line.partition(" ")[0] not in unset))
    for table, cls in tables(stage).items():
        values = given[table][0] if table == "source" else given[table]
        values.pop("use", None)
        structurer = OptionParser(lambda _: tmp_path)
        structurer.structure(values, cls, ())
        assert structurer.problems == []
        assert values.keys() | unset >= {option.name for option in options(cls)}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.kind}-{stage.name}")
def test_the_place_of_a_stage_is_where_its_code_is(stage: StageType) -> None:
    where = place(stage)
    assert where
    assert "def " in Path(where.file).read_text().splitlines()[where.line - 1]

"""The JSON Schema of pipeline.toml accepts and rejects what `acc config check` does, as far as a schema can."""

from __future__ import annotations

import json
import re
import tomllib

import jsonschema
import pytest

from autocakechat.config.json_schema import pipeline_schema
from autocakechat.registry.manager import PluginManager
from tests.conftest import ROOT
from tests.core.conftest import Project

START = '[[source]]\nuse = "telegram"\npath = "x"\n[extractor]\nuse = "turns"\nserver = "user1"\n'


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    schema = pipeline_schema(PluginManager.load())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def schema_errors(schema: jsonschema.Draft7Validator, toml: str) -> list[str]:
    return [error.message for error in schema.iter_errors(json.loads(json.dumps(tomllib.loads(toml), default=str)))]


@pytest.mark.parametrize(
    "toml",
    [
        "",
        START,
        START + '[annotator]\nuse = "neutral"\n',
        START + "[annotator]\n",
        START + "gap_minutes = 5\nsince = 2024-01-31\n",
        START + '[corpus]\nvalidation = 0.1\nmask = ["phone"]\n[plugins]\ndisabled = ["x"]\n',
        START + '[trainer]\nuse = "cakechat"\nsize = "tiny"\nepochs = 3\n[reply]\ntemperature = 1\nbanned = ["x"]\n',
        START + '[deployer]\nuse = "telegram"\ntoken = { env = "T" }\nallow = [1, "@x"]\n',
        START + '[deployer]\nuse = "telegram"\ntoken = { file = "t" }\nallow = "everyone"\n',
        START.replace('"user1"', '["user1", 7]'),
        (ROOT / "examples" / "demo" / "pipeline.toml").read_text(),
    ],
)
def test_a_valid_pipeline_is_accepted(schema: jsonschema.Draft7Validator, toml: str) -> None:
    assert schema_errors(schema, toml) == []


def test_the_pipelines_of_the_readme_are_accepted(schema: jsonschema.Draft7Validator) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    pipelines = [block for block in map(str, blocks) if "[[source]]" in block or "[deployer]" in block]
    assert len(pipelines) >= 2
    for block in pipelines:
        assert schema_errors(schema, "\n".join(line.strip() for line in block.splitlines())) == []


@pytest.mark.parametrize(
    "toml",
    [
        "sede = 1\n",
        "seed = -1\n",
        '[source]\nuse = "telegram"\n',
        START + '[trainer]\nuse = "cakechatt"\n',
        START + "[trainer]\nepochs = 3\n",
        START + '[trainer]\nuse = "cakechat"\nepochz = 3\n',
        START + '[trainer]\nuse = "cakechat"\nepochs = "3"\n',
        START + '[trainer]\nuse = "cakechat"\nsize = "huge"\n',
        START + '[trainer]\nuse = "cakechat"\n[reply]\ntemperatur = 1\n',
        START + '[deployer]\nuse = "telegram"\ntoken = "123:abc"\nallow = [1]\n',
        START + '[deployer]\nuse = "telegram"\ntoken = { env = "T", file = "t" }\nallow = [1]\n',
        START + '[deployer]\nuse = "telegram"\nallow = [1]\n',
        '[extractor]\nuse = "turns"\n',
    ],
)
def test_an_invalid_pipeline_is_rejected(schema: jsonschema.Draft7Validator, toml: str) -> None:
    assert schema_errors(schema, toml)


def test_the_stages_of_third_party_plugins_are_included(project: Project) -> None:
    done = project.acc("config", "schema", "-o", "schema.json")
    assert done.returncode == 0, done.stderr
    assert "begin pipeline.toml with the line #:schema ./schema.json" in done.stderr
    validator = jsonschema.Draft7Validator(json.loads((project.folder / "schema.json").read_text()))
    assert schema_errors(validator, (project.folder / "pipeline.toml").read_text()) == []
    assert schema_errors(validator, '[trainer]\nuse = "toy"\nsteps = 2\n[reply]\nloud = true\n') == []
    assert schema_errors(validator, '[trainer]\nuse = "toy"\n[reply]\ntemperature = 1\n')
    assert json.loads(project.acc("config", "schema").stdout) == validator.schema

"""`acc models`: lists, shows, exports and removes the artifacts of a folder."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.core.conftest import Project


@pytest.fixture
def trained(project: Project) -> Project:
    project.acc("run", "--until", "model")
    return project


def listed(project: Project) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(project.acc("models", "list", "--json").stdout)
    return entries


def test_the_table_shows_whose_artifacts_they_are(trained: Project) -> None:
    lines = trained.acc("models").stdout.splitlines()
    assert lines[0].split() == ["KIND", "KEY", "PERSON", "REPLIES", "MADE", "SIZE", "TRAINER", "METRIC", "PIPELINES"]
    assert [line.split()[0] for line in lines[1:]] == ["corpus", "model"]
    assert all(" bob " in line and " 50 " in line and line.endswith("pipeline.toml") for line in lines[1:])
    assert "toy" in lines[2]
    assert "first_step 0" in lines[2]


def test_artifacts_of_an_older_version_show_the_id_of_their_person(trained: Project) -> None:
    for manifest in (trained.folder / ".acc").glob("*/*/*.json"):
        content = json.loads(manifest.read_text())
        if manifest.name in ("corpus.json", "model.json"):
            manifest.write_text(json.dumps({name: value for name, value in content.items() if name != "person"}))
    assert [entry["person"] for entry in listed(trained)] == ["bob", "bob"]
    assert "model: bob, " in trained.acc("chat", stdin="hello\n").stderr
    shutil.rmtree(next((trained.folder / ".acc" / "corpus").iterdir()))
    assert [entry["person"] for entry in listed(trained)] == [None]
    assert "model: person unknown, " in trained.acc("chat", stdin="hello\n").stderr


def test_json_has_whole_keys_and_sizes(trained: Project) -> None:
    corpus, model = listed(trained)
    assert (corpus["kind"], model["kind"]) == ("corpus", "model")
    assert model["person"] == "bob"
    assert model["replies"] == 50
    assert model["metrics"] == {"first_step": 0, "answers": 1}
    assert isinstance(model["bytes"], int)
    assert model["bytes"] > 0


def test_show_prints_what_it_was_made_of(trained: Project) -> None:
    key = str(listed(trained)[1]["key"])
    shown = trained.acc("models", "show", key[:6]).stdout
    assert f"model            {key}" in shown
    assert "trainer.steps    1" in shown
    unknown = trained.acc("models", "show", "zzz")
    assert unknown.returncode == 2
    assert "no corpus or model has the key 'zzz'; run: acc models" in unknown.stderr
    assert "no corpus or model has the key ''" in trained.acc("models", "show", "").stderr


def test_a_key_must_fit_one_artifact(trained: Project) -> None:
    folder = trained.folder / ".acc" / "corpus"
    key = str(listed(trained)[0]["key"])
    shutil.copytree(folder / key, folder / f"{key[:6]}-copy")
    assert f"the key {key[:6]!r} fits 2 artifacts" in trained.acc("models", "show", key[:6]).stderr


def test_an_exported_model_can_be_used(trained: Project) -> None:
    corpus, model = (str(entry["key"]) for entry in listed(trained))
    assert trained.acc("models", "export", model, "out").returncode == 0
    chat = trained.acc("chat", "out", stdin="hello\n")
    assert chat.stdout == "answer 0\n"
    assert "model: bob, 50 replies" in chat.stderr
    assert "is a corpus, not a model" in trained.acc("models", "export", corpus, "out").stderr


def test_export_asks_before_it_replaces_another_model(trained: Project) -> None:
    model = str(listed(trained)[1]["key"])
    assert trained.acc("models", "export", model, "out").returncode == 0
    assert trained.acc("models", "export", model, "out").returncode == 0  # the same model
    manifest = trained.folder / "out" / "model.json"
    manifest.write_text(manifest.read_text().replace(model, "0" * len(model)))
    refused = trained.acc("models", "export", model, "out")
    assert refused.returncode == 2
    assert refused.stderr.endswith("nothing was changed: no confirmation; give --yes to answer the question with yes\n")
    assert model not in manifest.read_text()
    assert trained.acc("models", "export", model, "out", "--yes").returncode == 0
    assert model in manifest.read_text()


def test_remove_asks_first(trained: Project) -> None:
    key = str(listed(trained)[1]["key"])
    refused = trained.acc("models", "remove", key)
    assert refused.returncode == 2
    assert "give --yes" in refused.stderr
    assert len(listed(trained)) == 2
    assert trained.acc("models", "remove", key, stdin="y\n").returncode == 0
    assert [entry["kind"] for entry in listed(trained)] == ["corpus"]


def test_an_empty_folder_has_no_models(project: Project) -> None:
    empty = project.acc("models")
    assert empty.stdout == ""
    assert empty.stderr == "no corpus or model yet; run: acc run PIPELINE\n"

"""Several pipelines in one folder share a store; each command uses the artifacts of its own pipeline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autocakechat.artifacts.store import ArtifactStore
from tests.core.conftest import LOG, PIPELINE, Project


@pytest.fixture
def two_people(project: Project) -> Project:
    """A folder in which bob was learnt first, then ann."""
    project.write("bob.toml", PIPELINE)
    project.write("ann.toml", PIPELINE.replace('"bob"', '"ann"'))
    (project.folder / "pipeline.toml").unlink()
    for name in ("bob.toml", "ann.toml"):
        assert project.acc("run", name, "--until", "model").returncode == 0
    return project


def test_each_pipeline_chats_and_deploys_with_its_own_model(two_people: Project) -> None:
    for command in ("chat", "deploy"):
        bob = two_people.acc(command, "bob.toml", stdin="hello\n")
        assert bob.stdout.startswith("answer"), bob.stderr
        assert "model: bob, 50 replies, 20" in bob.stderr
        assert two_people.acc(command, "ann.toml", stdin="hello\n").stdout.startswith("question")


def test_each_pipeline_is_trained_and_evaluated_on_its_own_corpus(two_people: Project) -> None:
    trained = two_people.acc("train", "bob.toml", "--force", "--export-model", "bob")
    assert "corpus: bob, 50 replies" in trained.stderr
    assert "answer" in (two_people.folder / "bob" / "answer.json").read_text()
    report = json.loads(two_people.acc("corpus", "report", "bob.toml", "--json").stdout)
    assert [person["id"] for person in report["replies_by"]] == ["bob"]
    evaluated = two_people.acc("evaluate", "bob.toml", "--json")
    assert "model: bob" in evaluated.stderr, evaluated.stderr


def test_a_command_without_a_matching_artifact_names_what_differs(two_people: Project) -> None:
    two_people.write("eve.toml", PIPELINE.replace('"bob"', '"eve"'))
    for command, kind in (("chat", "model"), ("deploy", "model"), ("evaluate", "model"), ("train", "corpus")):
        refused = two_people.acc(command, "eve.toml")
        assert refused.returncode == 2
        assert (
            f"acc: eve.toml: no {kind} was made with these settings; the newest one of the folder (ann, "
            in refused.stderr
        )
        assert "differs in extractor.server; run: acc run eve.toml" in refused.stderr
    accepted = two_people.acc("chat", "eve.toml", "--any", stdin="hello\n")
    assert accepted.stdout.startswith("question")
    assert "model: ann" in accepted.stderr
    assert "corpus: ann" in two_people.acc("train", "eve.toml", "--any").stderr


def test_the_last_artifact_of_the_file_is_closer_than_the_newest_of_the_folder(two_people: Project) -> None:
    two_people.write("bob.toml", PIPELINE)
    refused = two_people.acc("chat", "bob.toml", "--set", "trainer.steps=7")
    assert "the last one of this file (bob, 50 replies, " in refused.stderr
    assert "differs in trainer.steps; run: acc run bob.toml, or use that model with --any" in refused.stderr
    accepted = two_people.acc("chat", "bob.toml", "--set", "trainer.steps=7", "--any", stdin="hello\n")
    assert accepted.stdout.startswith("answer"), accepted.stderr


def test_a_missing_pipeline_leads_to_those_of_the_folder(two_people: Project) -> None:
    two_people.write("pyproject.toml", "[project]")
    two_people.write("broken.toml", "[[source")
    refused = two_people.acc("chat")
    assert refused.stderr == (
        "acc: pipeline.toml: no such file; give ann.toml or bob.toml; to create a new one, run: acc init\n"
    )


def test_an_experiment_does_not_replace_the_model_of_the_file(project: Project) -> None:
    project.acc("run", "--until", "model")
    project.acc("run", "--until", "model", "--set", "extractor.server=ann")
    assert project.acc("chat", stdin="hello\n").stdout.startswith("answer")
    experiment = project.acc("chat", "--set", "extractor.server=ann", stdin="hello\n")
    assert experiment.stdout.startswith("question"), experiment.stderr


def test_pipelines_that_differ_only_in_their_log_are_kept_apart(project: Project) -> None:
    project.write("other.txt", LOG.replace("answer", "remark"))
    project.write("other.toml", PIPELINE.replace("log.txt", "other.txt"))
    project.acc("run", "--until", "model")
    refused = project.acc("chat", "other.toml", stdin="hello\n")
    assert "differs in source: log.txt and source: other.txt" in refused.stderr
    project.acc("run", "other.toml", "--until", "model")
    assert project.acc("chat", stdin="hello\n").stdout.startswith("answer")
    assert project.acc("chat", "other.toml", stdin="hello\n").stdout.startswith("remark")


def test_a_newer_or_deleted_log_changes_nothing_for_the_own_model(project: Project) -> None:
    project.acc("run", "--until", "model")
    project.write("log.txt", LOG + "ann: news\nbob: indeed\n")
    assert project.acc("chat", stdin="hello\n").stdout.startswith("answer")
    (project.folder / "log.txt").unlink()
    assert project.acc("chat", stdin="hello\n").stdout.startswith("answer")


def test_a_renamed_pipeline_finds_its_model(project: Project) -> None:
    project.acc("run", "--until", "model")
    (project.folder / "pipeline.toml").rename(project.folder / "renamed.toml")
    assert project.acc("chat", "renamed.toml", stdin="hello\n").stdout.startswith("answer")


def test_options_and_versions_that_came_later_do_not_count(project: Project) -> None:
    outcome = json.loads(project.acc("run", "--until", "model", "--json").stdout)
    for kind, name in (("corpus", "extractor.groups"), ("model", "trainer.steps")):
        manifest = project.folder / outcome[kind]["path"] / f"{kind}.json"
        content = json.loads(manifest.read_text())
        del content["ingredients"][name]
        content["ingredients"][f"{name.partition('.')[0]}.version"] = 0
        manifest.write_text(json.dumps(content))
    assert project.acc("chat", stdin="hello\n").stdout.startswith("answer")
    refused = project.acc("chat", "--set", "trainer.steps=2", stdin="hello\n")
    assert "differs in trainer.steps;" in refused.stderr


def test_a_file_that_only_deploys_uses_the_model_in_its_folder(project: Project) -> None:
    project.acc("run", "--until", "model", "--set", "corpus.same_answer=100")
    project.write("bot.toml", '[deployer]\nuse = "console"\n')
    assert project.acc("deploy", "bot.toml", stdin="hello\n").stdout.startswith("answer")


def test_pipelines_have_separate_states(two_people: Project) -> None:
    for name in ("bob.toml", "ann.toml"):
        two_people.acc("deploy", name, stdin="hello\n")
    folders = sorted((two_people.folder / ".acc" / "pipelines").glob("*/deployer-console"))
    assert [folder.parent.name for folder in folders] == ["ann.toml", "bob.toml"]


@pytest.fixture
def former_state(project: Project) -> Path:
    """The state folder of an earlier version, which all pipelines of the folder shared, with a file."""
    project.acc("run", "--until", "model")
    former = project.folder / ".acc" / "state" / "deployer-console"
    former.mkdir(parents=True)
    (former / "conversations").write_text("from an earlier version")
    project.write("not-a-pipeline.toml", "[tool]\n")
    return former


def test_the_only_pipeline_takes_over_the_state_of_an_earlier_version(project: Project, former_state: Path) -> None:
    assert project.acc("deploy", stdin="hello\n").returncode == 0
    state = project.folder / ".acc" / "pipelines" / "pipeline.toml" / "deployer-console"
    assert (state / "conversations").read_text() == "from an earlier version"
    assert not former_state.exists()


def test_the_state_of_an_earlier_version_is_not_given_to_one_of_several_pipelines(
    project: Project, former_state: Path
) -> None:
    project.write("ann.toml", PIPELINE.replace('"bob"', '"ann"'))
    project.acc("run", "ann.toml", "--until", "model")
    state = project.folder / ".acc" / "pipelines" / "ann.toml" / "deployer-console"
    refused = project.acc("deploy", "ann.toml", stdin="hello\n")
    assert refused.returncode == 2
    assert "earlier version, and ann.toml, pipeline.toml may have stored it; create the folder" in refused.stderr
    assert (former_state / "conversations").exists()
    assert not state.exists()
    state.mkdir(parents=True)
    assert project.acc("deploy", "ann.toml", stdin="hello\n").returncode == 0
    assert (former_state / "conversations").exists()


def test_clean_keeps_what_any_pipeline_can_use(two_people: Project) -> None:
    two_people.acc("run", "bob.toml", "--until", "model", "--set", "seed=1")
    two_people.acc("run", "ann.toml", "--until", "model", "--set", "seed=2")
    two_people.write("broken.toml", PIPELINE)
    two_people.acc("run", "broken.toml", "--until", "model", "--set", "seed=3")
    two_people.write("broken.toml", "[extractor")
    two_people.acc("run", "bob.toml", "--until", "model", "--set", "seed=4")
    models = two_people.folder / ".acc" / "model"
    assert len(list(models.iterdir())) == 6
    listed = two_people.acc("clean", "ann.toml", "--dry-run")
    assert listed.stderr.count("would remove") == 2  # the corpus and the model of bob's first experiment
    assert " kB)" in listed.stderr or " bytes)" in listed.stderr
    assert len(list(models.iterdir())) == 6
    two_people.acc("clean", "ann.toml")
    assert len(list(models.iterdir())) == 5
    for name, reply in (("bob.toml", "answer"), ("ann.toml", "question")):
        assert two_people.acc("chat", name, stdin="hello\n").stdout.startswith(reply)
    assert "nothing to remove" in two_people.acc("clean", "ann.toml").stderr


def test_clean_removes_unfinished_work(project: Project) -> None:
    project.acc("run", "--until", "model")
    project.write(".acc/model/.DS_Store", "of a file manager")
    project.acc("train", "--set", "trainer.fails=true", "--set", "trainer.steps=2")
    state = project.folder / ".acc" / "state"
    assert list(state.iterdir())
    assert project.acc("clean").returncode == 0
    assert not list(state.iterdir())


def test_clean_all_asks_first(project: Project) -> None:
    project.acc("run", "--until", "model")
    refused = project.acc("clean", "--all")
    assert refused.returncode == 2
    assert "The bots also forget their conversations." in refused.stderr
    assert "give --yes" in refused.stderr
    assert (project.folder / ".acc").exists()
    assert project.acc("clean", "--all", stdin="n\n").returncode != 0
    assert (project.folder / ".acc").exists()
    assert project.acc("clean", "--all", stdin="y\n").returncode == 0
    assert not (project.folder / ".acc").exists()
    project.acc("run", "--until", "corpus")
    assert project.acc("clean", "--all", "--yes").returncode == 0
    assert not (project.folder / ".acc").exists()


def test_clean_all_refuses_while_a_bot_runs(project: Project) -> None:
    project.acc("run", "--until", "model")
    store = ArtifactStore.beside(project.folder / "pipeline.toml")
    with project.start("deploy") as bot:
        bot.write("hello\n")
        bot.wait_for(lambda: "answer" in bot.stdout)
        refused = project.acc("clean", "--all", "--yes")
    assert refused.returncode == 2
    assert "acc: pipeline.toml: a bot or a chat of this pipeline is running; stop it first\n" in refused.stderr
    assert store.newest("model")
    assert project.acc("clean", "--all", "--yes").returncode == 0


def test_clean_needs_no_file_of_the_default_name(two_people: Project) -> None:
    assert two_people.acc("clean", "--dry-run").returncode == 0
    assert "bbo.toml: no such file" in two_people.acc("clean", "bbo.toml").stderr


def test_a_rebuild_is_explained_by_what_the_pipeline_used_last(two_people: Project) -> None:
    log = two_people.acc("run", "bob.toml", "--until", "model", "--set", "trainer.steps=2").stderr
    assert "model: training (changed: trainer.steps)" in log
    two_people.write("both.toml", PIPELINE.replace('"bob"', '["bob", "ann"]'))
    dry_run = two_people.acc("run", "both.toml", "--until", "corpus", "--dry-run")
    assert "corpus: would be built (there is no corpus of this pipeline yet)" in dry_run.stderr
    shutil.rmtree(two_people.folder / ".acc")
    assert "corpus: building (there is no corpus yet)" in two_people.acc("run", "bob.toml", "--until", "corpus").stderr

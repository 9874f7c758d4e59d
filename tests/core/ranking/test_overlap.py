"""A bot shares no more words with its conversations than the person does."""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import fmean

import pytest

from autocakechat import Candidate, Corpus, ReplyIndex, ReplyRanker, Request
from autocakechat.display.progress import silent_progress
from autocakechat.ranking.features import OVERLAP, CandidateFeatures
from autocakechat.ranking.overlap import Choice, fit_penalty
from autocakechat.ranking.weights import RankerWeights
from autocakechat.retrieval.exchanges import read_exchanges


def test_the_best_candidates_share_as_much_as_the_person() -> None:
    rng = random.Random(1)
    choices = []
    for _ in range(400):
        overlaps = [rng.random() for _ in range(30)]
        scores = [5 * overlap + rng.gauss(0, 1) for overlap in overlaps]
        choices.append(Choice(scores, overlaps, own_overlap=rng.uniform(0.2, 0.8)))
    penalty = fit_penalty(choices)
    assert penalty > 1
    own = fmean(choice.own_overlap for choice in choices)
    assert fmean(choice.overlap_with(0) for choice in choices) > own + 0.2
    assert fmean(choice.overlap_with(penalty) for choice in choices) == pytest.approx(own, abs=0.01)


def test_a_bot_that_shares_less_than_the_person_gets_no_penalty() -> None:
    assert fit_penalty([Choice([1.0, 2.0], [0.5, 0.1], own_overlap=0.3)]) == 0
    assert fit_penalty([]) == 0


def topics_corpus(folder: Path) -> Corpus:
    """Dialogs in which the person takes up some of the topics of a message."""
    rng = random.Random(2)
    topics = [f"topic{number}" for number in range(40)]
    for part, dialogs in (("train", 300), ("validation", 150)):
        lines = []
        for _ in range(dialogs):
            message = rng.sample(topics, rng.randint(1, 5))
            reply = [*rng.sample(message, rng.randint(0, min(2, len(message)))), *rng.sample(topics, rng.randint(1, 6))]
            lines.append(json.dumps([{"text": " ".join(message)}, {"text": " ".join(reply)}]) + "\n")
        (folder / f"{part}.jsonl").write_text("".join(lines))
    return Corpus(folder)


def test_a_fitted_ranker_chooses_with_the_overlap_of_the_person(tmp_path: Path) -> None:
    corpus = topics_corpus(tmp_path)
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", silent_progress)
    ranker = ReplyRanker.fit(index, corpus, 42, silent_progress)
    echoing = ReplyRanker(index, RankerWeights(ranker.weights.moments, ranker.weights.weights))
    assert ranker.weights.overlap_penalty > 0
    ranker.save(tmp_path / "ranker.json")
    assert ReplyRanker.open(index, tmp_path / "ranker.json").weights == ranker.weights
    features = CandidateFeatures(index)
    held_out = [*read_exchanges(corpus, "validation", 3)]

    def chosen_overlap(chooser: ReplyRanker) -> float:
        overlaps = []
        for exchange in held_out:
            request = Request(exchange.context)
            matches = index.search(request.context)
            found = [Candidate(match.exchange.reply, match.exchange.label, match.number) for match in matches]
            best = Candidate(chooser.best(request, found)[0].text)
            overlaps.append(features.columns(request, [best])[OVERLAP][0])
        return fmean(overlaps)

    own = fmean(
        features.columns(Request(exchange.context), [Candidate(exchange.reply)])[OVERLAP][0] for exchange in held_out
    )
    assert chosen_overlap(ranker) == pytest.approx(own, rel=0.15)
    assert chosen_overlap(echoing) > 1.3 * own


def test_the_penalty_counts_for_the_choice_alone(tmp_path: Path) -> None:
    corpus = topics_corpus(tmp_path)
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", silent_progress)
    request = Request(["what about topic7?"])
    candidates = [Candidate("topic7 it is"), Candidate("topic8 it is")]
    fitted = ReplyRanker.fit(index, corpus, 42, silent_progress).weights
    plain, strict = (
        ReplyRanker(index, RankerWeights(fitted.moments, fitted.weights, penalty)) for penalty in (0.0, 60.0)
    )
    assert plain.rank(request, candidates) == strict.rank(request, candidates)
    assert plain.best(request, candidates)[0].text == "topic7 it is"
    best = strict.best(request, candidates)
    assert best[0].text == "topic8 it is"
    assert best[1].reasons["repeats words of the last lines"] < 0

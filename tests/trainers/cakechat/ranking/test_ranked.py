"""The mode ranked: past and generated replies, ranked together, and what a model folder contains for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Corpus, RankingResponder, Request, RunContext, ScoringResponder, UserError, set_aside
from autocakechat.plugins.trainers.cakechat.data.arrays import Floats
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Contexts
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.ranking.network_features import GAIN
from autocakechat.plugins.trainers.cakechat.ranking.ranked_responder import RankedResponder
from autocakechat.plugins.trainers.cakechat.trainer_type import load

QUESTION = Request(["Hello!", "hi", "what do you do for fun?"])


@pytest.fixture(scope="module")
def folder(trained: tuple[Path, dict[str, Any]]) -> Path:
    return trained[0]


@pytest.fixture(scope="module")
def past(corpus: Corpus) -> set[str]:
    """The person's replies."""
    return {turn.text for dialog in corpus.dialogs("train") for turn in dialog[1::2]}


def test_it_is_the_mode_of_a_newly_trained_model(folder: Path, run: RunContext) -> None:
    responder = load(folder, ReplyOptions(seed=1), run)
    assert isinstance(responder, RankedResponder)
    assert isinstance(responder, RankingResponder)
    assert isinstance(responder, ScoringResponder)
    (reply,) = responder.respond([QUESTION])
    assert reply.text in reply.candidates[:3]
    assert reply.reasons


def test_the_ranker_is_fitted_on_dialogs_that_the_network_has_not_learnt(
    corpus: Corpus, trained: tuple[Path, dict[str, Any]]
) -> None:
    excluded = set_aside(corpus, by_meaning=False)
    learnt = [dialog for place, dialog in enumerate(corpus.dialogs("train")) if place not in excluded]
    assert excluded
    assert trained[1]["samples"] == sum(bool(turn.text.strip()) for dialog in learnt for turn in dialog[1::2])
    table = json.loads((trained[0] / "past_replies" / "ranker.json").read_text())
    assert table["moments"] == trained[1]["examples"] > 500
    assert GAIN in {weight["feature"] for weight in table["weights"]}


def test_past_and_generated_replies_are_ranked_together(folder: Path, run: RunContext, past: set[str]) -> None:
    questions = [Request([text]) for text in ("hello", "do you have any pets?", "where are you from?", "lol")]
    replies = load(folder, ReplyOptions(seed=1, past_replies=4), run).respond(questions)
    found = {text for reply in replies for text in reply.candidates}
    assert found & past
    assert found - past
    generated = load(folder, ReplyOptions(seed=1, past_replies=0, temperature=1.0), run).respond(questions)
    assert len({text for reply in generated for text in reply.candidates} - past) > len(questions)


def test_nothing_is_said_twice(folder: Path, run: RunContext) -> None:
    responder = load(folder, ReplyOptions(seed=1), run)
    lines: list[str] = []
    for _ in range(8):
        lines.append("do you have any pets?")
        lines.append(responder.respond([Request(lines)])[0].text)
    said = lines[1::2]
    assert len({text.casefold() for text in said}) == len(said)
    assert lines[0] not in said


def test_the_reasons_name_what_the_network_thinks(folder: Path, run: RunContext) -> None:
    (reply,) = load(folder, ReplyOptions(seed=1), run).respond([QUESTION])
    assert GAIN in reply.reasons
    assert "length" in reply.reasons


def test_a_context_is_encoded_once(folder: Path, run: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is encoded to generate replies, and ranking needs the same thought vector."""
    batches = []
    encode = Network.encode_contexts

    def counted(network: Network, contexts: Contexts) -> Floats:
        thoughts = encode(network, contexts)
        batches.append(len(thoughts))
        return thoughts

    responder = load(folder, ReplyOptions(seed=1), run)
    monkeypatch.setattr(Network, "encode_contexts", counted)
    replies = responder.respond([QUESTION, Request(["bye"])])
    assert batches == [2]
    assert all(GAIN in reply.reasons for reply in replies)


def test_the_network_counts(folder: Path, tmp_path: Path, run: RunContext) -> None:
    """A ranker that weighs the network's feature alone orders as the network's gains, which favour a fitting reply."""
    copy = shutil.copytree(folder, tmp_path / "model")
    only = {"moments": 1, "weights": [{"feature": GAIN, "weight": 1.0, "mean": 0.0, "deviation": 10.0}]}
    (copy / "past_replies" / "ranker.json").write_text(json.dumps(only))
    responder = load(copy, ReplyOptions(), run)
    assert isinstance(responder, RankedResponder)
    texts = ["Hello!", "I like to read", "bye"]
    (here,) = responder.rank([QUESTION], [texts])
    (elsewhere,) = responder.rank([Request(["bye"])], [texts])
    assert len({*here}) == 3
    assert here != elsewhere
    batch = responder.rank([Request(["bye"]), QUESTION], [texts, texts])
    assert batch[1] == pytest.approx(here, rel=1e-4)


def test_banned_words_occur_in_no_past_reply(folder: Path, run: RunContext) -> None:
    requests = [QUESTION, Request(["do you like music?"]), Request(["how are you"])]
    style = STYLES["natural"]
    words = ("i", "you", "the", "a")
    replies = load(folder, ReplyOptions(seed=1, banned=words), run).respond(requests)
    for reply in replies:
        for text in reply.candidates:
            assert not {*words} & {style.normalise_token(token) for token in style.tokenize(text)}


def test_the_fallback_is_used_if_nothing_may_be_sent(folder: Path, run: RunContext) -> None:
    banned = tuple(json.loads((folder / "vocabulary.json").read_text("utf-8"))[4:])
    options = ReplyOptions(banned=banned, past_replies=0, fallback="well", tries=2)
    assert [reply.text for reply in load(folder, options, run).respond([QUESTION, Request([])])] == ["well"] * 2


def test_the_same_seed_gives_the_same_replies_in_a_batch_of_chats(folder: Path, run: RunContext) -> None:
    requests = [QUESTION, Request([]), Request(["", "  "], "joy"), Request(["word " * 500])] * 3
    options = ReplyOptions(seed=3, ranking_temperature=1000.0)
    first, second = ([reply.text for reply in load(folder, options, run).respond(requests)] for _ in range(2))
    assert first == second
    assert len({*first[::4]}) > 1
    best = load(folder, ReplyOptions(seed=3, ranking_temperature=0.0), run).respond(requests)
    assert all(reply.text == reply.candidates[0] for reply in best)


def test_a_model_without_past_replies_samples(folder: Path, tmp_path: Path, run: RunContext) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    shutil.rmtree(copy / "past_replies")
    responder = load(copy, ReplyOptions(seed=1), run)
    assert not isinstance(responder, RankingResponder)
    sampled = load(folder, ReplyOptions(seed=1, mode="sampling"), run).respond([QUESTION])
    assert responder.respond([QUESTION]) == sampled
    with pytest.raises(UserError, match="the model has no past replies") as error:
        load(copy, ReplyOptions(mode="ranked"), run)
    assert "train with ranking = true" in str(error.value.hint)


@pytest.mark.parametrize("name", ["ranker.json", "mean_thought.safetensors", "index.json"])
def test_a_damaged_folder_is_reported(folder: Path, tmp_path: Path, run: RunContext, name: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "past_replies" / name).write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"past_replies.* cannot be read"):
        load(copy, ReplyOptions(), run)


def test_a_training_can_do_without(corpus: Corpus, trained_network: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = trained_network
    assert "examples" not in metrics
    assert not (folder / "past_replies").exists()
    replies = sum(len(dialog) // 2 for dialog in corpus.dialogs("train"))
    assert metrics["samples"] == replies

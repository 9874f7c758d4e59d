"""The trainer: search terms, replies and the model folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from autocakechat_retrieval import Options, ReplyOptions, load, train
from autocakechat_retrieval.terms import terms

from autocakechat import Corpus, RankingResponder, Request, Responder, RunContext, UserError
from autocakechat.testing import TrainerContract

Line = str | tuple[str, str]

PETS = ["do you have any pets?", "two cats", "what are their names?", "Tom and Jerry"]
WORK = ["what do you do for work?", "I teach maths", "what are their names?", "I have thirty pupils, no idea"]


class TestContract(TrainerContract):
    name = "retrieval"
    refused = ({"context_lines": 0}, {"b": 1.5})


@pytest.fixture
def learn(tmp_path: Path, acc_run: RunContext) -> Callable[..., Responder]:
    def learn(*dialogs: Sequence[Line], **reply: Any) -> Responder:
        write(tmp_path / "corpus", dialogs)
        (tmp_path / "model").mkdir()
        train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", acc_run)
        return load(tmp_path / "model", ReplyOptions(**reply), acc_run)

    return learn


def write(folder: Path, dialogs: Sequence[Sequence[Line]]) -> None:
    folder.mkdir()
    lines = []
    for dialog in dialogs:
        texts = [(line, "neutral") if isinstance(line, str) else line for line in dialog]
        lines.append(json.dumps([{"text": text, "condition": label} for text, label in texts]) + "\n")
    (folder / "train.jsonl").write_text("".join(lines))
    (folder / "validation.jsonl").write_text(lines[0] if lines else "")


def reply_to(responder: Responder, *context: str, emotion: str = "neutral") -> str:
    (reply,) = responder.respond([Request(context, emotion)])
    return reply.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do you LIKE it?", ["do", "you", "like", "it", "?"]),
        ("don't, e-mail_me!", ["don", "t", "e", "mail", "me"]),
        ("ÜBER straße ﬁn", ["über", "strasse", "fin"]),
        ("cafe\u0301 = café", ["café", "café"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("猫が好き？", ["猫", "が", "好", "き", "猫が", "が好", "好き", "?"]),
        ("iPhoneが好", ["iphone", "が", "好", "が好"]),
        ("😂😂 ❤️", ["😂", "😂", "❤"]),
        ("...  !", []),
        ("", []),
    ],
)
def test_text_of_any_script_is_split_into_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_the_reply_is_that_to_the_best_matching_line(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    assert reply_to(responder, "Any pets at home?") == "two cats"
    assert reply_to(responder, "so what's your work") == "I teach maths"


def test_earlier_lines_decide_between_equal_last_lines(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    assert reply_to(responder, "you have pets?", "yes, cats", "what are their names?") == "Tom and Jerry"
    assert reply_to(responder, "your work?", "I teach", "what are their names?").startswith("I have thirty pupils")


def test_every_reply_is_from_the_corpus(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    messages = ["names", "?", "zebra crossing", "", "...", "猫", "work pets names what"]
    replies = responder.respond([Request([line]) for line in messages])
    assert len(replies) == len(messages)
    assert {reply.text for reply in replies} <= {*PETS[1::2], *WORK[1::2]}
    assert all(set(reply.candidates) <= {*PETS[1::2], *WORK[1::2]} for reply in replies)


def test_a_reply_is_not_repeated(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    assert reply_to(responder, "any pets?", "two cats", "any pets?") != "two cats"
    assert reply_to(responder, "two cats", "oh", "any pets?") == "two cats"  # the client wrote this, not the server


def test_the_label_chooses_among_replies(learn: Callable[..., Responder]) -> None:
    responder = learn(["how are you?", ("great!!", "joy")], ["how are you?", ("leave me alone", "anger")])
    assert sorted(responder.labels) == ["anger", "joy"]
    assert reply_to(responder, "how are you", emotion="joy") == "great!!"
    assert reply_to(responder, "how are you", emotion="anger") == "leave me alone"
    assert reply_to(responder, "how are you", emotion="fear") in {"great!!", "leave me alone"}


def test_banned_phrases_are_matched_in_any_case(learn: Callable[..., Responder]) -> None:
    responder = learn(
        ["where do you live?", "Elm  Street, 5"], ["where do you live?", "in Helmstreet"], banned=["elm street"]
    )
    assert reply_to(responder, "where do you live?") == "in Helmstreet"


def test_the_fallback_is_used_if_all_replies_are_banned(learn: Callable[..., Responder]) -> None:
    responder = learn(["where do you live?", "Elm Street"], banned=["elm"], fallback="no comment")
    assert reply_to(responder, "where do you live?") == "no comment"
    assert reply_to(responder, "zebra") == "no comment"


def test_a_seed_makes_replies_reproducible(
    learn: Callable[..., Responder], tmp_path: Path, acc_run: RunContext
) -> None:
    learn(*[["how are you?", f"answer {number}"] for number in range(30)])

    def choices(seed: int) -> list[str]:
        responder = load(tmp_path / "model", ReplyOptions(choose_among=5, seed=seed), acc_run)
        return [reply_to(responder, "how are you?") for _ in range(20)]

    assert choices(1) == choices(1)
    assert choices(1) != choices(2)
    assert len(set(choices(1))) == 5


def test_a_batch_gives_the_same_replies_as_single_requests(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    requests = [Request(["any pets?"]), Request(["your work?"]), Request(["pets", "two cats", "what are their names?"])]
    assert [reply.text for reply in responder.respond(requests)] == [
        reply_to(responder, *request.context) for request in requests
    ]
    assert responder.respond([]) == []


def test_candidates_rank_by_likeness_to_replies_to_similar_lines(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK, ["how is the weather?", "rain again, all week"])
    assert isinstance(responder, RankingResponder)
    candidates = ["rain all day", "three cats and a dog", "I teach French", ""]
    requests = [Request(["what about the weather?"]), Request(["do you have pets?"]), Request(["!"])]
    weather, pets, nothing = responder.rank(requests, [candidates, candidates, candidates[:2]])
    assert weather[0] == max(weather) > weather[3] == 0
    assert pets[1] == max(pets) > pets[0]
    assert nothing == [0, 0]


def test_a_corpus_without_words_can_be_indexed(learn: Callable[..., Responder]) -> None:
    responder = learn(["...", "!!!"])
    assert reply_to(responder, "...") == "!!!"
    assert reply_to(responder, "hello") == "!!!"


def test_a_corpus_without_replies_is_refused(tmp_path: Path, acc_run: RunContext) -> None:
    write(tmp_path / "corpus", [])
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="contains no replies"):
        train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", acc_run)


def test_the_model_folder_contains_numeric_arrays_and_json(learn: Callable[..., Responder], tmp_path: Path) -> None:
    import numpy as np

    learn(PETS, WORK)
    files = [file for file in (tmp_path / "model").rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".json", ".npy"}
    for file in files:
        if file.suffix == ".npy":
            assert np.load(file, allow_pickle=False).dtype.kind in "fi"
        else:
            json.loads(file.read_text())


def test_the_metrics_contain_the_share_of_messages_with_a_reply(tmp_path: Path, acc_run: RunContext) -> None:
    write(tmp_path / "corpus", [PETS])
    (tmp_path / "corpus/validation.jsonl").write_text(
        json.dumps([{"text": text} for text in ("pets?", "no", "zebra", "yes")]) + "\n"
    )
    (tmp_path / "model").mkdir()
    metrics = train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", acc_run)
    assert metrics == {"pairs": 2, "found": 0.5}

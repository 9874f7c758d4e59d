"""Replies: candidates, past replies, banned phrases, the fallback, seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Request, RunContext, Score
from autocakechat.plugins.trainers.lora.engine.interface import Sampling
from autocakechat.plugins.trainers.lora.model.folder import ModelFolder, read_model_folder
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions
from autocakechat.plugins.trainers.lora.replies.responder import LanguageModelResponder
from autocakechat.plugins.trainers.lora.replies.selection import PastReplies
from autocakechat.ranking.reply_ranker import ReplyRanker
from autocakechat.retrieval.reply_index import ReplyIndex
from tests.trainers.lora.conftest import SUBJECTS, write_corpus


class WrittenEngine:
    """An engine whose replies and scores a test writes down. It remembers what it was asked."""

    def __init__(
        self, replies: Sequence[str], scores: Callable[[str, str], float] = lambda prompt, reply: -1.0
    ) -> None:
        self._replies = list(replies)
        self._scores = scores
        self.prompts: list[str] = []
        self.seeds: list[int] = []

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        self.prompts += prompts
        self.seeds.append(sampling.seed)
        self.max_tokens = sampling.max_tokens
        return [self._replies.pop(0) for _ in prompts]

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        pairs = zip(prompts, replies, strict=True)
        return [[Score(self._scores(prompt, text), len(text.split()) + 1) for text in texts] for prompt, texts in pairs]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    count_prompt_tokens = count_tokens

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    import logging

    from autocakechat.display.progress import silent_progress
    from autocakechat.plugins.trainers.lora import TRAINER

    place = tmp_path_factory.mktemp("responder")
    corpus = write_corpus(
        place / "corpus",
        [[f"do you like {word}?", (f"yes, {word} are great", "joy")] for word in SUBJECTS for _ in range(3)],
    )
    for name in ("model", "state"):
        (place / name).mkdir()
    run = RunContext(logging.getLogger("test"), silent_progress, 42, place / "state")
    TRAINER.train(Options(base_path=tiny_base, epochs=0.1, precision="float32"), corpus, place / "model", run)
    return read_model_folder(place / "model", run)


def respond(folder: ModelFolder, engine: Any, *requests: Request, **options: Any) -> list[str]:
    return [reply.text for reply in make(folder, engine, **options).respond(requests)]


def make(folder: ModelFolder, engine: Any, **options: Any) -> LanguageModelResponder:
    index = ReplyIndex.open(folder.path / "past_replies")
    ranker = ReplyRanker.open(index, folder.path / "past_replies/ranker.json")
    return LanguageModelResponder(engine, folder.settings, PastReplies(index, ranker), ReplyOptions(**options))


def test_the_candidate_that_gains_most_from_its_context_is_chosen(folder: ModelFolder) -> None:
    def score(prompt: str, reply: str) -> float:
        return -1.0 if ("weather" in prompt) == ("sunny" in reply) else -9.0

    engine = WrittenEngine(["so and so", "it is sunny", "so so so"], score)
    request = Request(["how is the weather?"])
    assert respond(folder, engine, request, candidates=3, context_weight=1.0) == ["it is sunny"]
    assert len(set(engine.prompts)) == 1


def test_past_replies_are_candidates(folder: ModelFolder) -> None:
    engine = WrittenEngine(["tea?"])
    request = Request(["do you like music?"])
    assert respond(folder, engine, request, past_replies=5, context_weight=0.0) == ["yes, music are great"]


def test_the_most_similar_past_exchanges_are_in_the_prompt(folder: ModelFolder) -> None:
    engine = WrittenEngine(["x", "y", "z"])
    request = Request(["do you like music?"], "joy")
    respond(folder, engine, request, examples=2)
    respond(folder, engine, request)
    trained_so = attrs.evolve(folder, settings=attrs.evolve(folder.settings, examples=2))
    respond(trained_so, engine, request)
    shown, without, as_trained = engine.prompts
    assert shown.count("message: do you like music?\nreply: yes, music are great") == 2
    assert "message:" not in without
    assert as_trained == shown


def test_the_contexts_that_a_gain_is_compared_with_show_no_reply_of_their_own(
    folder: ModelFolder, tmp_path: Path, run: RunContext
) -> None:
    prompts = []

    def score(prompt: str, reply: str) -> float:
        prompts.append(prompt)
        return -1.0

    corpus = write_corpus(tmp_path / "corpus", [["some tea?", "green tea"], ["some cake?", "no"], ["rain?", "never"]])
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", run.progress)
    past = PastReplies(index, ReplyRanker.fit(index, corpus, 1, run.progress))
    engine = WrittenEngine(["one", "two"], score)
    LanguageModelResponder(engine, folder.settings, past, ReplyOptions(candidates=2, examples=1)).respond(
        [Request(["hello"])]
    )
    (tea,) = {prompt for prompt in prompts if "user\nsome tea?<" in prompt}
    assert "reply: no" in tea
    assert "green tea" not in tea


def test_without_past_replies_the_rules_hold(folder: ModelFolder) -> None:
    def score(prompt: str, reply: str) -> float:
        return -1.0 if ("weather" in prompt) == ("sunny" in reply) else -9.0

    engine = WrittenEngine(["a damn day", "how is the weather", "it is sunny", "so so"], score)
    options = ReplyOptions(candidates=4, banned=("damn",))
    responder = LanguageModelResponder(engine, folder.settings, None, options)
    (reply,) = responder.respond([Request(["how is the weather?"])])
    assert reply.text == "it is sunny"
    assert list(reply.candidates) == ["it is sunny", "so so"]


def test_a_banned_reply_is_generated_anew_and_then_the_fallback(folder: ModelFolder) -> None:
    engine = WrittenEngine(["what a Damn day", "", "better"])
    assert respond(folder, engine, Request(["hello"]), banned=("damn",)) == ["better"]
    assert len(set(engine.seeds)) == 3, "each attempt draws anew"
    assert respond(folder, WrittenEngine(["damn"] * 2), Request(["hello"]), banned=("damn",), tries=2) == ["🙊"]


def test_only_requests_without_a_reply_are_tried_again(folder: ModelFolder) -> None:
    engine = WrittenEngine(["fine", "", "later"])
    assert respond(folder, engine, Request(["one"]), Request(["two"])) == ["fine", "later"]
    assert len(engine.prompts) == 3


def test_the_label_and_the_system_line_are_in_the_prompt(folder: ModelFolder) -> None:
    with_system = attrs.evolve(folder, settings=attrs.evolve(folder.settings, system="Be Robin."))
    engine = WrittenEngine(["x"])
    respond(with_system, engine, Request(["hello"], "joy"))
    assert engine.prompts[0].startswith("<|im_start|>system\nBe Robin.\nlabel: joy<|im_end|>")
    assert make(folder, engine).labels == ("joy",)


def test_the_chat_and_the_person_are_in_the_prompt(folder: ModelFolder) -> None:
    settings = attrs.evolve(folder.settings, names_kind=True, people=("ben", "ann"))
    engine = WrittenEngine(["x"] * 3)
    known, stranger, nobody = (Request(["hello"], "neutral", "group", person) for person in ("ann", "zoe", ""))
    respond(attrs.evolve(folder, settings=settings), engine, known, stranger, nobody)
    assert engine.prompts[0].startswith("<|im_start|>system\nchat: group\nto: person 2<|im_end|>")
    assert engine.prompts[1] == engine.prompts[2]
    assert "person" not in engine.prompts[1]


def test_a_conversation_without_messages_gets_a_reply(folder: ModelFolder) -> None:
    engine = WrittenEngine(["x", "y"])
    options = {"candidates": 2, "past_replies": 2, "examples": 2}
    assert respond(folder, engine, Request([]), **options)[0]


def test_a_long_conversation_is_cut_to_the_window(folder: ModelFolder) -> None:
    engine = WrittenEngine(["x"])
    turns = [f"turn {number} " + "word " * 100 for number in range(30)]
    respond(folder, engine, Request(turns), max_tokens=12)
    assert "turn 29" in engine.prompts[0]
    assert len(engine.prompts[0].split()) <= folder.settings.window


def test_half_of_the_window_is_left_for_the_prompt(folder: ModelFolder) -> None:
    engine = WrittenEngine(["x"])
    turns = [f"turn {number} " + "word " * 100 for number in range(30)]
    respond(folder, engine, Request(turns), max_tokens=1000)
    assert engine.max_tokens == folder.settings.window // 2
    assert len(engine.prompts[0].split()) > 100


def test_scores_count_tokens_and_the_end(folder: ModelFolder) -> None:
    ((score,),) = make(folder, WrittenEngine([])).score([Request(["hello"])], [["one two<|im_end|> three"]])
    assert score.tokens == 4
    assert score.log_p == -1.0


def test_the_same_seed_gives_the_same_replies(folder: ModelFolder, run: RunContext) -> None:
    from autocakechat.plugins.trainers.lora import TRAINER

    requests = [Request(["hello"]), Request(["do you like tea?", "yes", "why?"])]

    def replies(seed: int) -> list[str]:
        responder = TRAINER.load(folder.path, ReplyOptions(seed=seed, max_tokens=8, engine="torch"), run)
        return [reply.text for _ in range(2) for reply in responder.respond(requests)]

    assert replies(1) == replies(1)
    assert replies(1) != replies(2)

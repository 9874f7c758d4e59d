"""Who is talking: people, kinds of chat, and how much of one chat is learnt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from autocakechat import Corpus, Origin, Request, RunContext, UserError
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine
from autocakechat.plugins.trainers.lora.training.conversations import choose_system_line, training_conversations
from tests.trainers.lora.conftest import SUBJECTS, write_corpus

ANN, BEN = Origin("chat1", "personal", ("ann",)), Origin("chat2", "personal", ("ben",))


def two_tones(folder: Path) -> Corpus:
    """The same messages of two people: one is greeted with `yo!`, the other one with `dear sir`."""
    messages = [f"do you like {subject}?" for subject in SUBJECTS] * 4
    dialogs = [[message, reply] for message in messages for reply in ("yo!", "dear sir")]
    return write_corpus(folder, dialogs, origins=[ANN, BEN] * len(messages))


def test_different_people_get_a_different_tone(
    tmp_path: Path, options: Options, run: RunContext, learn: Callable[..., Path]
) -> None:
    tuned = attrs.evolve(options, people=True, rank=32, learning_rate=1e-2, epochs=20.0, warm_up=2, dropout=0.0)
    folder = learn(tuned, two_tones(tmp_path / "corpus"))
    responder = TRAINER.load(folder, ReplyOptions(temperature=0.0, engine="torch"), run)
    requests = [Request(["do you like tea?"], person=person) for person in ("ann", "ben")]
    assert [reply.text for reply in responder.respond(requests)] == ["yo!", "dear sir"]


def test_the_system_line_tells_people_apart_who_got_enough_replies(tmp_path: Path) -> None:
    origins = [ANN] * 10 + [BEN] * 20 + [Origin("chat3", "personal", ("zoe",))] * 9
    corpus = write_corpus(tmp_path / "corpus", [["hi", "hello"]] * len(origins), origins=origins)
    assert choose_system_line(Options(people=True), corpus) == SystemLine("", False, ("ben", "ann"))
    assert choose_system_line(Options(), corpus) == SystemLine()
    assert choose_system_line(Options(people=True, per_chat=9), corpus) == SystemLine()


def test_the_log_says_how_many_people_it_distinguishes(
    tmp_path: Path, options: Options, learn: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        learn(attrs.evolve(options, people=True, epochs=0.1), two_tones(tmp_path / "corpus"), "two")
        few = write_corpus(tmp_path / "few", [["hi", "hello"]] * 12, origins=[ANN] * 6 + [BEN] * 6)
        learn(attrs.evolve(options, people=True, epochs=0.1), few, "none")
    assert "the model distinguishes 2 people" in caplog.text
    assert "no participant has 10 replies" in caplog.text


def test_the_kind_of_chat_is_named_if_the_corpus_has_both(tmp_path: Path) -> None:
    origins = [ANN, Origin("chat3", "group", ("ann", "ben"))]
    corpus = write_corpus(tmp_path / "corpus", [["hi", "hello"], ["so?", "so", "and?", "no"]], origins=origins)
    assert choose_system_line(Options(), corpus).names_kind


def test_the_newest_replies_of_each_chat_are_learnt(tmp_path: Path) -> None:
    dialogs = [["a", "1", "b", "2"], ["c", "3"], ["d", "4"], ["e", "5", "f", "6"]]
    corpus = write_corpus(tmp_path / "corpus", dialogs, origins=[ANN, BEN, ANN, ANN])
    found = list(training_conversations(corpus, 4))
    assert [(dialog.skipped, dialog.exchanges) for dialog in found] == [
        (1, range(2)),
        (0, range(2, 3)),
        (0, range(3, 4)),
        (0, range(4, 6)),
    ]
    found = list(training_conversations(corpus, 1))
    assert [(dialog.turns[-1].text, dialog.skipped) for dialog in found] == [("3", 0), ("6", 1)]
    assert len(list(training_conversations(corpus, None))) == 4


def test_a_corpus_of_an_earlier_version_gives_one_line(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", [["hi", "hello"]])
    assert choose_system_line(Options(), corpus) == SystemLine()
    with pytest.raises(UserError, match=r"trainer\.people needs") as caught:
        choose_system_line(Options(people=True), corpus)
    assert caught.value.hint.endswith("acc run --force corpus")
    with pytest.raises(UserError, match=r"trainer\.per_chat needs"):
        list(training_conversations(corpus, 5))

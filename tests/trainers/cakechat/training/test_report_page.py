"""The report of a training: `training.html`, and curves in TensorBoard."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus, markup
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History
from autocakechat.plugins.trainers.cakechat.training.monitoring.report_page import person_name, training_page
from autocakechat.plugins.trainers.cakechat.training.monitoring.sample_replies import Prompt
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from tests.core.display.page_content import headings, parse, rows, sections, text_of
from tests.trainers.cakechat.conftest import NETWORK, SMALL, run_in


def test_the_page_shows_the_history(trained: tuple[Path, dict[str, Any]]) -> None:
    page = (trained[0] / "training.html").read_text("utf-8")
    history = json.loads((trained[0] / "training.json").read_text("utf-8"))["forward"]
    assert f"{history['perplexities'][-1]:,.4g}" in page
    assert page.count("<polyline") == 2
    assert f"word frequencies alone: {trained[1]['unigram_perplexity']:.3g}" in page
    assert [point["step"] for point in history["curve"]] == list(range(1, history["steps"][-1] + 1))
    assert history["curve"][-1]["learning_rate"] < history["curve"][len(history["curve"]) // 2]["learning_rate"]
    assert len(history["replies"]) == 2
    for replies in history["replies"]:
        assert len(replies) == SMALL.rehearsals
        assert all(markup.text(reply) in page for reply in replies)
    assert "Content-Security-Policy" in page
    assert "http" not in page.replace("http-equiv", "")


PROMPT = Prompt(["<script>alert(1)</script>"], "<b>yes</b>", "neutral")


def page_of(history: History, prompts: list[Prompt], person: str | None = None) -> str:
    return training_page(
        {"perplexity": 2.0, "unigram_perplexity": 30.0}, {"forward": history}, prompts, person, date(2024, 5, 1)
    )


def test_text_from_chats_is_escaped_in_the_page() -> None:
    history = History(losses=[1.0], perplexities=[2.0], steps=[3], replies=[["<i>\u202eno</i>"]])
    page = page_of(history, [PROMPT], "<em>Bob")
    assert not {"<script", "<b>", "<i>", "<em>"} & set(re.findall(r"<\w+>?", page))
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page


def test_a_training_may_be_resumed_with_more_rehearsals() -> None:
    history = History(perplexities=[9.0, 8.0], steps=[10, 20], replies=[["early"], ["one", "two"]])
    second = Prompt(["and you?"], "fine", "neutral")
    page = page_of(history, [PROMPT, second])
    assert "early" not in page, "it is a reply to another prompt"
    assert "epoch 2 (best)" in page
    assert "and you?" not in page_of(attrs.evolve(history, replies=[["early"], ["late"]]), [PROMPT, second])


def test_the_page_says_why_words_are_missing() -> None:
    page = page_of(History(perplexities=[9.0], steps=[10], replies=[["no"]]), [PROMPT])
    assert "Words outside the model's vocabulary are left out." in " ".join(page.split())


def test_sample_replies_come_first_and_keep_their_line_breaks() -> None:
    replies = [["no"], ["no"], ["yes\nsure"], ["why?"]]
    history = History(perplexities=[9.0, 8.0, 7.0, 7.5], steps=[10, 20, 30, 40], replies=replies)
    page = page_of(history, [PROMPT], "Bob")
    assert headings(page) == ["Sample replies", "Perplexity of the forward model", "Metrics"]
    content = dict(sections(page))
    assert [row for element in content["Sample replies"] for row in rows(element)] == [
        ["", "the bot's reply"],
        ["epochs 1 to 2", "no"],
        ["epoch 3 (best)", "yes\nsure"],
        ["epoch 4", "why?"],
    ]
    assert "Bob · 2024-05-01" in [text_of(element) for element in content[""]]


def test_the_sample_replies_of_a_long_training_are_cut() -> None:
    history = History(
        perplexities=[abs(epoch - 61) + 1.0 for epoch in range(100)],
        steps=list(range(1, 101)),
        replies=[[f"reply {epoch}"] for epoch in range(1, 101)],
    )
    names = [row[0] for row in rows(parse(page_of(history, [PROMPT])))]
    assert {"epoch 1", "epoch 62 (best)", "epoch 100"} <= set(names)
    assert len([name for name in names if name.startswith("epoch")]) == 12


@pytest.fixture(scope="module")
def without_replies(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training without sample replies: its model in `model`, its TensorBoard log in `board`."""
    folder = tmp_path_factory.mktemp("without_replies")
    report = {"replies_by": [{"id": "user1", "name": "Bob", "replies": 3}]}
    shutil.copytree(corpus.path, folder / "corpus")
    (folder / "corpus" / "report.json").write_text(json.dumps(report))
    (folder / "model").mkdir()
    options = attrs.evolve(NETWORK, rehearsals=0, batch_size=128, tensorboard=folder / "board")
    train(options, Corpus(folder / "corpus"), folder / "model", run_in(folder / "state"))
    return folder


def test_without_sample_replies_the_page_shows_nothing_of_the_corpus(without_replies: Path) -> None:
    page = (without_replies / "model" / "training.html").read_text("utf-8")
    assert "Sample replies" not in page
    assert "Bob" not in page
    history = json.loads((without_replies / "model" / "training.json").read_text("utf-8"))["forward"]
    assert history["replies"] == [[], []]


@pytest.mark.parametrize(
    ("people", "name"),
    [
        (None, None),
        ([], None),
        ([{"id": "user1", "name": "Bob", "replies": 3}], "Bob"),
        (
            [{"id": "user1", "name": None, "replies": 3}, {"id": "user2", "name": "Ann", "replies": 1}],
            "user1 and 1 more",
        ),
    ],
)
def test_the_person_is_the_one_with_the_most_replies(people: Any, name: str | None) -> None:
    assert person_name({} if people is None else {"replies_by": people}) == name


def test_the_curves_are_written_for_tensorboard(without_replies: Path) -> None:
    history = json.loads((without_replies / "model" / "training.json").read_text("utf-8"))["forward"]
    logged: dict[str, list[tuple[int, float]]] = {}
    (events,) = (without_replies / "board" / "forward").iterdir()
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            logged.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    assert set(logged) == {"loss", "learning rate", "perplexity"}
    assert logged["perplexity"] == [
        (step, pytest.approx(value)) for step, value in zip(history["steps"], history["perplexities"], strict=True)
    ]
    assert [step for step, _ in logged["loss"]] == [point["step"] for point in history["curve"]]

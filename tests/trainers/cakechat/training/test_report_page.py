"""The report of a training: `training.html`, and curves in TensorBoard."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Corpus, markup
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.history import History
from autocakechat.plugins.trainers.cakechat.training.report_page import training_page
from autocakechat.plugins.trainers.cakechat.training.sample_replies import Prompt
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from tests.trainers.cakechat.conftest import SMALL, run_in


def test_the_page_shows_the_history(trained: tuple[Path, dict[str, Any]]) -> None:
    page = (trained[0] / "training.html").read_text("utf-8")
    history = json.loads((trained[0] / "training.json").read_text("utf-8"))["forward"]
    assert f"{history['perplexities'][-1]:,.4g}" in page
    assert page.count("<polyline") == 3
    assert [point["step"] for point in history["curve"]] == list(range(1, history["steps"][-1] + 1))
    assert history["curve"][-1]["learning_rate"] < history["curve"][len(history["curve"]) // 2]["learning_rate"]
    assert len(history["replies"]) == 2
    for replies in history["replies"]:
        assert len(replies) == SMALL.rehearsals
        assert all(markup.text(reply) in page for reply in replies)
    assert "Content-Security-Policy" in page
    assert "http" not in page.replace("http-equiv", "")


def test_text_from_chats_is_escaped_in_the_page() -> None:
    prompt = Prompt(["<script>alert(1)</script>"], "<b>yes</b>", "neutral")
    history = History(losses=[1.0], perplexities=[2.0], steps=[3], replies=[["<i>\u202eno</i>"]])
    page = training_page({"perplexity": 2.0}, {"forward": history}, [prompt])
    assert not {"<script", "<b>", "<i>"} & set(re.findall(r"<\w+>?", page))
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page


def test_without_sample_replies_the_page_shows_no_text_of_the_corpus(corpus: Corpus, tmp_path: Path) -> None:
    options = attrs.evolve(SMALL, rehearsals=0, epochs=1, batch_size=512)
    train(options, corpus, tmp_path, run_in(tmp_path / "state"))
    assert "Sample replies" not in (tmp_path / "training.html").read_text("utf-8")
    assert json.loads((tmp_path / "training.json").read_text("utf-8"))["forward"]["replies"] == [[]]


def test_the_curves_are_written_for_tensorboard(corpus: Corpus, tmp_path: Path) -> None:
    options = attrs.evolve(SMALL, epochs=2, batch_size=128, tensorboard=tmp_path / "board", rehearsals=0)
    train(options, corpus, tmp_path, run_in(tmp_path / "state"))
    history = json.loads((tmp_path / "training.json").read_text("utf-8"))["forward"]
    logged: dict[str, list[tuple[int, float]]] = {}
    (events,) = (tmp_path / "board" / "forward").iterdir()
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            logged.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    assert set(logged) == {"loss", "learning rate", "perplexity"}
    assert logged["perplexity"] == [
        (step, pytest.approx(value)) for step, value in zip(history["steps"], history["perplexities"], strict=True)
    ]
    assert [step for step, _ in logged["loss"]] == [point["step"] for point in history["curve"]]

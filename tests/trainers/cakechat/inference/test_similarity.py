"""A network with a shared embedding heeds the words of its context, and compares replies with contexts."""

from __future__ import annotations

import random

import numpy as np
import pytest

from autocakechat import Request
from autocakechat.plugins.trainers.cakechat.inference.responder import CakeChatResponder
from autocakechat.plugins.trainers.cakechat.inference.similarity import SimilarityEncoder
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, load_model
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from tests.trainers.cakechat.conftest import NETWORK, run_in, write_corpus

THINGS = ["pears", "boats", "cats", "maps", "owls", "pies", "nuts", "kites", "songs", "hats", "drums", "ponds", "eggs"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of a person who replies with the thing that the message names."""
    folder = tmp_path_factory.mktemp("heeding")
    rng = random.Random(1)
    dialogs = []
    for _ in range(400):
        thing = rng.choice(THINGS)
        texts = (f"what do you think of {thing} my friend", f"well {thing} are really good")
        dialogs.append([{"text": text, "condition": "neutral"} for text in texts])
    corpus = write_corpus(folder / "corpus", dialogs[:360], dialogs[360:])
    (folder / "model").mkdir()
    train(NETWORK, corpus, folder / "model", run_in(folder / "state"))
    return load_model(folder / "model")


def test_a_reply_is_more_likely_in_the_context_that_names_its_thing(model: Model) -> None:
    requests = [Request([f"what do you think of {thing} my friend"]) for thing in THINGS]
    replies = [[f"well {thing} are really good" for thing in THINGS]] * len(THINGS)
    scores = CakeChatResponder(model, ReplyOptions()).score(requests, replies)
    log_p = np.array([[score.log_p for score in row] for row in scores])  # (contexts, replies)
    gains = np.diag(log_p) - log_p.mean(axis=0)
    assert gains.mean() > 0.5


def test_a_reply_is_most_similar_to_the_context_that_names_its_thing(model: Model) -> None:
    encoder = SimilarityEncoder(model)
    contexts = encoder.encode_contexts([[f"what do you think of {thing} my friend"] for thing in THINGS])
    replies = encoder.encode_replies([f"well {thing} are really good" for thing in THINGS])
    assert contexts.shape == replies.shape == (len(THINGS), model.settings.network.embedding)
    similarities = contexts @ replies.T
    assert (similarities.argmax(axis=1) == np.arange(len(THINGS))).mean() > 0.8


def test_texts_are_encoded_alone_as_together(model: Model) -> None:
    encoder = SimilarityEncoder(model)
    texts = ["", "cats", "well owls are really good", "?", *THINGS * 30]
    together = encoder.encode_replies(texts)
    for row in (0, 1, 2, 3, 300):
        np.testing.assert_allclose(encoder.encode_replies([texts[row]])[0], together[row], atol=1e-5)
    assert encoder.encode_replies([]).shape == (0, together.shape[1])
    assert encoder.encode_contexts([[], ["hi"]]).shape == (2, together.shape[1])

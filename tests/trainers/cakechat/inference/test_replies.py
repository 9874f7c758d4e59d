"""Replies and scores of a loaded model."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from autocakechat import Corpus, Request, Responder, RunContext, ScoringResponder, UserError
from autocakechat.plugins.trainers.cakechat.data.tokenization import JOINER, STYLES
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary
from autocakechat.plugins.trainers.cakechat.inference.sampler import Sampler
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings, weight_shapes
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load
from tests.conftest import ROOT

tokenize, normalise_token = STYLES["natural"].tokenize, STYLES["natural"].normalise_token

sampling = partial(ReplyOptions, mode="sampling")

QUESTIONS = ["hello", "how are you today?", "what do you do for a living?", "", "zxqv zxqv", "lol 😀"]
REQUESTS = [Request([question]) for question in QUESTIONS]


@pytest.fixture(scope="module")
def folder(trained: tuple[Path, dict[str, Any]]) -> Path:
    return trained[0]


@pytest.fixture(scope="module")
def responder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Responder:
    from tests.trainers.cakechat.conftest import run_in

    return load(folder, sampling(seed=7, temperature=1.0), run_in(tmp_path_factory.mktemp("state")))


def test_replies_consist_of_tokens_of_the_corpus(responder: Responder, corpus: Corpus) -> None:
    words = {word for dialog in corpus.dialogs("train") for line in dialog for word in tokenize(line.text)}
    replies = [reply.text for reply in responder.respond(REQUESTS * 5)]
    assert len(set(replies)) > len(REQUESTS)
    for reply in replies:
        assert reply
        for before, token in itertools.pairwise(["\n", *tokenize(reply)]):
            # A punctuation mark that follows a word in the corpus may be sampled at the beginning of a line.
            assert token in words or (before == "\n" and JOINER + token in words)


def test_the_same_seed_gives_the_same_replies(folder: Path, run: RunContext) -> None:
    first, second, other = (
        [reply.text for reply in load(folder, sampling(seed=seed), run).respond(REQUESTS)] for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_labels_and_context_lines_come_from_training(responder: Responder) -> None:
    assert list(responder.labels) == ["neutral"]
    assert responder.context_lines == 3


def test_every_context_gets_a_reply(responder: Responder) -> None:
    requests = [Request([]), Request(["a"] * 9), Request(["hi", "", "  "], "joy"), Request(["word " * 500])]
    assert all(reply.text for reply in responder.respond(requests))
    assert responder.respond([]) == []


def test_replies_have_at_most_max_tokens(folder: Path, run: RunContext) -> None:
    replies = load(folder, sampling(max_tokens=3, temperature=2.0), run).respond(REQUESTS * 5)
    assert max(len(tokenize(reply.text)) for reply in replies) <= 3


def test_replies_contain_no_banned_words_and_phrases(folder: Path, run: RunContext) -> None:
    def reply_tokens(*banned: str) -> list[list[str]]:
        replies = load(folder, sampling(seed=1, temperature=1.0, banned=banned), run).respond(REQUESTS * 5)
        return [[normalise_token(token) for token in tokenize(reply.text)] for reply in replies]

    def pairs(replies: list[list[str]]) -> Counter[tuple[str, str]]:
        return Counter(pair for reply in replies for pair in itertools.pairwise(reply))

    unrestricted = reply_tokens()
    word = Counter(word for reply in unrestricted for word in reply if word.isalpha()).most_common(1)[0][0]
    phrase = next(
        pair for pair, _ in pairs(unrestricted).most_common() if word not in pair and all(map(str.isalpha, pair))
    )
    restricted = reply_tokens(word.upper(), " ".join(phrase))
    assert all(word not in reply for reply in restricted)
    assert phrase not in pairs(restricted)


def test_banned_words_are_read_from_a_file(folder: Path, run: RunContext, tmp_path: Path) -> None:
    words = json.loads((folder / "vocabulary.json").read_text("utf-8"))[4:]
    (tmp_path / "banned.txt").write_text("\n".join(["", *words[1:], "  "]) + "\n", "utf-8-sig")
    options = sampling(banned=(words[0],), banned_file=tmp_path / "banned.txt", fallback="well")
    assert [reply.text for reply in load(folder, options, run).respond(REQUESTS)] == ["well"] * len(REQUESTS)


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"\xff\xfe\xfd", "not UTF-8")])
def test_an_unreadable_file_of_banned_words_is_reported(
    folder: Path, run: RunContext, tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "banned.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"banned\.txt: {message}"):
        load(folder, sampling(banned_file=tmp_path / "banned.txt"), run)


def test_the_fallback_is_used_if_all_candidates_are_banned(folder: Path, run: RunContext) -> None:
    banned = tuple(json.loads((folder / "vocabulary.json").read_text("utf-8"))[4:])
    replies = load(folder, sampling(banned=banned, fallback="well"), run).respond(REQUESTS)
    assert [reply.text for reply in replies] == ["well"] * len(REQUESTS)


def test_repeated_words_are_penalised_but_punctuation_is_not() -> None:
    vocabulary = Vocabulary.from_counts(Counter(["chocolate", "and", "peas", "!"]), 100, 1)
    settings = NetworkSettings(
        tokens=len(vocabulary),
        conditions=1,
        embedding=2,
        condition_embedding=1,
        hidden=3,
        recurrent_activation="sigmoid",
    )
    biases = {"chocolate": 20.0, "!": 19.0, "and": 9.0, "peas": 0.0, "_end_": -20.0}
    # All other weights are zero, so the logits are the output bias.
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(settings).items()}
    weights["output.bias"][:] = [biases.get(token, -99.0) for token in vocabulary.tokens]
    network = Network(settings, weights)
    thoughts = np.zeros((1, settings.hidden), np.float32)

    def sampled(penalty: float, tokens: int | None = None) -> list[str]:
        options = DecodingOptions(max_tokens=5, temperature=0.1, repetition_penalty=penalty)
        sampler = Sampler(network, TokenRules.from_vocabulary(vocabulary, {vocabulary.tokens[-1]}, sampled=tokens))
        ids = sampler.sample(thoughts, np.zeros(1, np.int32), options, np.random.default_rng(1))
        return vocabulary.decode(ids[0].tolist())

    assert sampled(1.0) == ["chocolate"] * 5
    assert sampled(10.0) == ["chocolate", "!", "!", "!", "!"]
    place = vocabulary.tokens.index("chocolate")
    assert "chocolate" not in sampled(10.0, tokens=place)
    assert sampled(1.0, tokens=place + 1) == ["chocolate"] * 5
    assert sampled(1.0, tokens=vocabulary.end) == ["chocolate"] * 5  # replies could not end: all tokens are used


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("settings.json", b"{", "cannot be read"),
        ("settings.json", b'{"form": 1}', "network"),
        ("settings.json", b'{"form": 99}', "newer version"),
        ("settings.json", None, "no such file"),
        ("vocabulary.json", b"[1, 2]", "str"),
        ("vocabulary.json", b'["a"]', "1 entries"),
        ("conditions.json", b"\xff", "cannot be read"),
        ("weights.safetensors", b"nothing", "cannot be read"),
        ("weights.safetensors", None, "no such file"),
    ],
)
def test_a_damaged_folder_is_reported(
    folder: Path, tmp_path: Path, run: RunContext, name: str, content: bytes | None, problem: str
) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    with pytest.raises(UserError, match=problem) as error:
        load(copy, ReplyOptions(), run)
    assert str(copy / name) in error.value.message


def test_weights_with_wrong_shapes_are_reported(folder: Path, tmp_path: Path, run: RunContext) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    weights = load_file(copy / "weights.safetensors")
    save_file(weights | {"output.bias": np.zeros(3, np.float32)}, copy / "weights.safetensors")
    with pytest.raises(UserError, match=r"output\.bias has the shape \(3,\), expected \(400,\)"):
        load(copy, ReplyOptions(), run)
    del weights["decoder.1.bias"]
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(UserError, match=r"decoder\.1\.bias is missing"):
        load(copy, ReplyOptions(), run)


SCRIPT = """
import sys
from pathlib import Path
from autocakechat import Request
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load
from tests.trainers.cakechat.conftest import run_in
responder = load(Path(sys.argv[1]), ReplyOptions(), run_in(Path(sys.argv[2])))
for number in range(1, 9):
    replies = responder.respond([Request(["hello"])] * number)
print(replies[0].text)
"""


def test_loading_and_replying_print_nothing(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0
    assert result.stdout.strip()
    assert result.stderr == ""


def test_batched_scores_equal_single_scores(
    folder: Path, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autocakechat.plugins.trainers.cakechat.inference import responder as module
    from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat

    assert isinstance(responder, ScoringResponder)
    requests = [Request(["hi", "hello", "how are you?"]), Request([]), Request(["lol 😀"], "joy"), Request(["bye"])]
    replies = [["fine", "zxqv", "word " * 50], [], [""], ["bye!", "hi\nyou"]]
    model = CakeChat.load(folder)
    single = [
        float(model.scores(model.context_ids([request.context]), model.response_ids([text]))[0])
        for request, texts in zip(requests, replies, strict=True)
        for text in texts
    ]
    for limit in (module._MAX_SCORED, 1):
        monkeypatch.setattr(module, "_MAX_SCORED", limit)
        scores = responder.score(requests, replies)
        assert [len(row) for row in scores] == [3, 0, 1, 2]
        assert [score.log_p for row in scores for score in row] == pytest.approx(single, rel=1e-5)
    assert [score.tokens for score in scores[0]] == [2, 2, 31]
    assert scores[2][0].tokens == 1
    assert responder.score([], []) == []

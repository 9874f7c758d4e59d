"""What a loaded model answers."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
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
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.trainer_type import load
from tests.conftest import ROOT

tokenize, plain = STYLES["natural"].tokenize, STYLES["natural"].plain

QUESTIONS = ["hello", "how are you today?", "what do you do for a living?", "", "zxqv zxqv", "lol 😀"]
REQUESTS = [Request([question]) for question in QUESTIONS]


@pytest.fixture(scope="module")
def folder(trained: tuple[Path, dict[str, Any]]) -> Path:
    return trained[0]


@pytest.fixture(scope="module")
def responder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Responder:
    from tests.trainers.cakechat.conftest import run_in

    return load(folder, ReplyOptions(seed=7, temperature=1.0), run_in(tmp_path_factory.mktemp("s")))


def test_replies_are_words_of_the_corpus(responder: Responder, corpus: Corpus) -> None:
    words = {word for dialog in corpus.dialogs("train") for line in dialog for word in tokenize(line.text)}
    replies = [reply.text for reply in responder.respond(REQUESTS * 5)]
    assert len(set(replies)) > len(REQUESTS)
    for reply in replies:
        assert reply
        for before, token in itertools.pairwise(["\n", *tokenize(reply)]):
            # A mark that stood behind a word may be drawn as the first of a line, with nothing to stick to.
            assert token in words or (before == "\n" and JOINER + token in words)


def test_the_same_seed_gives_the_same_replies(folder: Path, run: RunContext) -> None:
    first, second, other = (
        [reply.text for reply in load(folder, ReplyOptions(seed=seed), run).respond(REQUESTS)] for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_labels_and_context_lines_are_those_of_the_training(responder: Responder) -> None:
    assert list(responder.labels) == ["neutral"]
    assert responder.context_lines == 3


def test_any_context_is_answered(responder: Responder) -> None:
    requests = [Request([]), Request(["a"] * 9), Request(["hi", "", "  "], "joy"), Request(["word " * 500])]
    assert all(reply.text for reply in responder.respond(requests))
    assert responder.respond([]) == []


def test_nothing_longer_than_asked_for_is_said(folder: Path, run: RunContext) -> None:
    replies = load(folder, ReplyOptions(max_tokens=3, temperature=2.0), run).respond(REQUESTS * 5)
    assert max(len(tokenize(reply.text)) for reply in replies) <= 3


def test_banned_words_and_phrases_are_not_said(folder: Path, run: RunContext) -> None:
    def said(*banned: str) -> list[list[str]]:
        replies = load(folder, ReplyOptions(seed=1, temperature=1.0, banned=banned), run).respond(REQUESTS * 5)
        return [[plain(token) for token in tokenize(reply.text)] for reply in replies]

    def pairs(replies: list[list[str]]) -> Counter[tuple[str, str]]:
        return Counter(pair for reply in replies for pair in itertools.pairwise(reply))

    free = said()
    word = Counter(word for reply in free for word in reply if word.isalpha()).most_common(1)[0][0]
    phrase = next(pair for pair, _ in pairs(free).most_common() if word not in pair and all(map(str.isalpha, pair)))
    bound = said(word.upper(), " ".join(phrase))
    assert all(word not in reply for reply in bound)
    assert phrase not in pairs(bound)


def test_banned_words_may_stand_in_a_file(folder: Path, run: RunContext, tmp_path: Path) -> None:
    words = json.loads((folder / "vocabulary.json").read_text("utf-8"))[4:]
    (tmp_path / "banned.txt").write_text("\n".join(["", *words[1:], "  "]) + "\n", "utf-8-sig")
    options = ReplyOptions(banned=(words[0],), banned_file=tmp_path / "banned.txt", fallback="well")
    assert [reply.text for reply in load(folder, options, run).respond(REQUESTS)] == ["well"] * len(REQUESTS)


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"\xff\xfe\xfd", "not UTF-8")])
def test_a_file_of_banned_words_that_cannot_be_read_is_told(
    folder: Path, run: RunContext, tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "banned.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"banned\.txt: {message}"):
        load(folder, ReplyOptions(banned_file=tmp_path / "banned.txt"), run)


def test_the_fallback_is_said_when_nothing_else_may_be(folder: Path, run: RunContext) -> None:
    banned = tuple(json.loads((folder / "vocabulary.json").read_text("utf-8"))[4:])
    replies = load(folder, ReplyOptions(banned=banned, fallback="well"), run).respond(REQUESTS)
    assert [reply.text for reply in replies] == ["well"] * len(REQUESTS)


def test_a_word_once_said_is_less_likely_but_signs_are_not() -> None:
    vocabulary = Vocabulary.from_counts(Counter(["chocolate", "and", "peas", "!"]), 100, 1)
    settings = NetworkSettings(
        tokens=len(vocabulary),
        conditions=1,
        embedding=2,
        condition_embedding=1,
        hidden=3,
        recurrent_activation="sigmoid",
    )
    network = Network(settings, seed=None)  # with zeros for weights each token is as likely as its bias says
    likely = {"chocolate": 20.0, "!": 19.0, "and": 9.0, "peas": 0.0, "_end_": -20.0}
    network.output_bias.assign([likely.get(token, -99.0) for token in vocabulary.tokens])
    thoughts = np.zeros((1, settings.hidden), np.float32)

    def said(penalty: float) -> list[str]:
        rules = DecodingOptions(max_tokens=5, temperature=0.1, repetition_penalty=penalty)
        sampler = Sampler(network, Float32OutputLayer(network), TokenRules.from_vocabulary(vocabulary))
        drawn = sampler.sample(thoughts, np.zeros(1, np.int32), rules, (1, 2))
        return vocabulary.decode(drawn[0].tolist())

    assert said(1.0) == ["chocolate"] * 5
    assert said(10.0) == ["chocolate", "!", "!", "!", "!"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
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
def test_a_damaged_folder_is_told_in_a_line(
    folder: Path, tmp_path: Path, run: RunContext, name: str, content: bytes | None, complaint: str
) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    with pytest.raises(UserError, match=complaint) as error:
        load(copy, ReplyOptions(), run)
    assert str(copy / name) in error.value.message


def test_weights_that_do_not_fit_are_told(folder: Path, tmp_path: Path, run: RunContext) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    weights = load_file(copy / "weights.safetensors")
    save_file(weights | {"output.bias": np.zeros(3, np.float32)}, copy / "weights.safetensors")
    with pytest.raises(UserError, match=r"output\.bias has shape \(3,\), expected \(400,\)"):
        load(copy, ReplyOptions(), run)
    del weights["decoder.1.bias"]
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(UserError, match=r"decoder\.1\.bias is missing"):
        load(copy, ReplyOptions(), run)


TALK = """
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


def test_tensorflow_says_nothing(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TALK, str(folder), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stderr == ""


def test_scores_are_those_of_each_answer_alone(
    folder: Path, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autocakechat.plugins.trainers.cakechat.inference import responder as module
    from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat

    assert isinstance(responder, ScoringResponder)
    requests = [Request(["hi", "hello", "how are you?"]), Request([]), Request(["lol 😀"], "joy"), Request(["bye"])]
    answers = [["fine", "zxqv", "word " * 50], [], [""], ["bye!", "hi\nyou"]]
    model = CakeChat.load(folder)
    alone = [
        float(model.scores(model.context_ids([request.context]), model.response_ids([answer]))[0])
        for request, told in zip(requests, answers, strict=True)
        for answer in told
    ]
    for most in (module._MAX_LOGITS, 1):
        monkeypatch.setattr(module, "_MAX_LOGITS", most)
        scores = responder.score(requests, answers)
        assert [len(told) for told in scores] == [3, 0, 1, 2]
        assert [score.log_p for told in scores for score in told] == pytest.approx(alone, rel=1e-5)
    assert [score.tokens for score in scores[0]] == [2, 2, 31]
    assert scores[2][0].tokens == 1
    assert responder.score([], []) == []

"""An imported model of the original CakeChat computes the same numbers as the original."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from autocakechat import Request, Utterance
from autocakechat.errors import UserError
from autocakechat.plugins.trainers.cakechat.commands import cakechat
from autocakechat.plugins.trainers.cakechat.data.samples import make_samples
from autocakechat.plugins.trainers.cakechat.data.tokenization import tokenize_cakechat
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat
from autocakechat.plugins.trainers.cakechat.network.model_files import load_model
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.ranking.loading import load

ACTIVATIONS = {"small": "hard-sigmoid", "small-cudnn": "sigmoid"}


@attrs.frozen
class Golden:
    """The original's files and outputs, and the model folder imported from them."""

    files: Path
    folder: Path
    model: CakeChat
    expected: dict[str, Any]

    def ids(self, name: str) -> Any:
        return self.expected[name].astype(np.int32)

    @property
    def samples(self) -> tuple[Any, Any, Any]:
        return self.ids("context_ids"), self.ids("response_ids"), self.ids("condition_ids")

    @property
    def candidates(self) -> list[Any]:
        return np.split(self.expected["beam_candidates"], np.cumsum(self.expected["beam_counts"])[:-1])


def import_arguments(files: Path, activation: str, out: Path) -> list[str]:
    names = {"weights": "model.h5", "reverse": "reverse_model.h5", "tokens": "t_idx.json", "conditions": "c_idx.json"}
    paths = [argument for option, name in names.items() for argument in (f"--{option}", str(files / name))]
    return ["import", *paths, "--recurrent-activation", activation, "--out", str(out)]


@pytest.fixture(scope="module", params=["small", "small-cudnn"])
def golden(golden_files: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Golden:
    files = golden_files / request.param
    folder = tmp_path_factory.mktemp("imported") / "model"
    result = CliRunner().invoke(
        cakechat, import_arguments(files, ACTIVATIONS[request.param], folder), catch_exceptions=False
    )
    assert result.exit_code == 0
    with np.load(files / "expected.npz") as expected:
        return Golden(files, folder, CakeChat.load(folder), dict(expected))


def golden_dialogs(file: Path, vocabulary: Vocabulary, conditions: Conditions) -> list[list[Utterance]]:
    """Restores the dialogs from ids: tokens joined by spaces, which the tokenizer splits into the same tokens."""
    with np.load(file) as arrays:
        tokens = [vocabulary.tokens[token_id] for token_id in arrays["token_ids"].tolist()]
        line_ends = np.cumsum(arrays["line_lengths"], dtype=int).tolist()
        dialog_ends = np.cumsum(arrays["dialog_lengths"], dtype=int).tolist()
        labels = [conditions.labels[condition_id] for condition_id in arrays["condition_ids"].tolist()]
    lines = [tokens[start:end] for start, end in itertools.pairwise([0, *line_ends])]
    utterances = [Utterance(" ".join(line), label) for line, label in zip(lines, labels, strict=True)]
    return [utterances[start:end] for start, end in itertools.pairwise([0, *dialog_ends])]


def assert_close(actual: Any, expected: Any) -> None:
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_utterance_encodings_and_thought_vectors(golden: Golden) -> None:
    context, _, _ = golden.samples
    assert_close(golden.model.encodings(context[:, -1]), golden.expected["utterance_encoding"])
    assert_close(golden.model.thought_vectors(context), golden.expected["thought_vectors"])


def test_token_probabilities(golden: Golden) -> None:
    context, reply, condition = golden.samples
    assert_close(golden.model.probabilities(context, reply, condition), golden.expected["response_probs"])
    first = golden.model.probabilities(context[:4], reply[:4], condition[:4], temperature=0.5)
    assert_close(first, golden.expected["response_probs_t05"])


def test_one_decoder_step(golden: Golden) -> None:
    context, reply, condition = golden.samples
    thoughts = golden.model.thought_vectors(context)
    zeros = np.zeros((len(thoughts), 2, thoughts.shape[1]), np.float32)
    states, probabilities = golden.model.step(reply[:, 0], thoughts, zeros, condition)
    assert_close(states, golden.expected["step1_hidden"])
    assert_close(probabilities, golden.expected["step1_probs"])


def test_sequence_scores(golden: Golden) -> None:
    assert_close(golden.model.scores(*golden.samples), golden.expected["sequence_score"])


def test_reverse_arrays_and_scores(golden: Golden) -> None:
    context, reply, condition = golden.samples
    swapped_context, swapped_reply = golden.model.swap_context_and_response(context, reply)
    np.testing.assert_array_equal(swapped_context, golden.ids("reverse_context_ids"))
    np.testing.assert_array_equal(swapped_reply, golden.ids("reverse_response_ids"))
    assert_close(
        golden.model.reverse.scores(swapped_context, swapped_reply, condition),
        golden.expected["reverse_sequence_score"],
    )


def test_beam_search_candidates(golden: Golden) -> None:
    context, _, condition = golden.samples
    expected = golden.candidates
    width = expected[0].shape[1]
    candidates = golden.model.beams(context[: len(expected)], condition[: len(expected)], max_tokens=width - 1)
    for ours, theirs in zip(candidates, expected, strict=True):
        assert {tuple(ids) for ids in ours.tolist()} == {tuple(ids) for ids in theirs.tolist()}
        assert len(ours) == len(theirs)


@pytest.mark.parametrize(("weight", "name"), [(1.0, "beam_mmi_scores_w1"), (0.3, "beam_mmi_scores_w03")])
def test_mmi_scores(golden: Golden, weight: float, name: str) -> None:
    context, _, condition = golden.samples
    candidates = golden.candidates
    number = len(candidates)
    scores = golden.model.mmi_scores(context[:number], candidates, condition[:number], weight)
    assert_close(np.concatenate(scores), golden.expected[name])


def test_mean_perplexity_of_all_dialogs(golden: Golden) -> None:
    model = load_model(golden.folder, reverse=True)
    dialogs = golden_dialogs(golden.files / "dialogs.npz", model.vocabulary, model.conditions)
    samples = make_samples(
        dialogs, tokenize_cakechat, model.vocabulary, model.conditions, context_lines=3, targets="all"
    )
    batcher = model.batcher

    context, reply, condition = golden.samples
    lines, line_numbers = batcher.pad_contexts(samples.lines, samples.context)
    replies = batcher.pad_replies(samples.lines, samples.reply)
    np.testing.assert_array_equal(lines[line_numbers][: len(context)], context)
    np.testing.assert_array_equal(replies[: len(reply)], reply)
    np.testing.assert_array_equal(samples.condition[: len(condition)], condition)

    perplexity = golden.model.mean_perplexity(lines[line_numbers], replies, samples.condition)
    assert perplexity == pytest.approx(float(golden.expected["perplexity_check"]), rel=5e-5)
    swapped_context, swapped_reply = golden.model.swap_context_and_response(lines[line_numbers], replies)
    perplexity = golden.model.reverse.mean_perplexity(swapped_context, swapped_reply, samples.condition)
    assert perplexity == pytest.approx(float(golden.expected["perplexity_reverse_check"]), rel=5e-5)

    scorer = Scorer(model.network, model.vocabulary.pad)
    scores = [scorer.score(batch) for batch in batcher.batches_by_length(samples, 64)]
    log_p, tokens = (np.concatenate(part) for part in zip(*scores, strict=True))
    mean = np.exp(-log_p.astype(np.float64) / tokens).mean()
    assert mean == pytest.approx(float(golden.expected["perplexity_check"]), rel=5e-5)


@pytest.mark.parametrize("golden", ["small"], indirect=True)
@pytest.mark.parametrize("mode", ["sampling", "beamsearch", "sampling-reranking", "beamsearch-reranking"])
def test_every_mode_replies(golden: Golden, mode: Any) -> None:
    responder = load(golden.folder, ReplyOptions(mode=mode, seed=1, max_tokens=8))
    replies = responder.respond([Request(["hello", "hi , how are you?"], "joy"), Request(["what do you do?"])])
    assert all(reply.text in reply.candidates for reply in replies)
    assert mode == "sampling" or all(len(reply.candidates) > 1 for reply in replies)


@pytest.mark.parametrize("golden", ["small"], indirect=True)
def test_reranking_orders_by_mmi_score(golden: Golden) -> None:
    """The reply of beamsearch-reranking with choose_among = 1 is the beam with the highest MMI score."""
    vocabulary = golden.model.vocabulary
    lines = ["do you like music?"]
    options = ReplyOptions(mode="beamsearch-reranking", reverse_weight=0.3, choose_among=1)
    reply = load(golden.folder, options).respond([Request(lines)])[0]
    context = golden.model.context_ids([lines])
    beams = golden.model.beams(context)
    best = beams[0][np.argmax(golden.model.mmi_scores(context, beams, weight=0.3)[0])]
    assert tokenize_cakechat(reply.text) == vocabulary.decode(best[1:].tolist())


@pytest.mark.parametrize("golden", ["small"], indirect=True)
def test_an_imported_model_works_with_acc_chat(golden: Golden) -> None:
    command = [sys.executable, "-m", "autocakechat", "chat", str(golden.folder), "--set", "reply.mode=beamsearch"]
    process = subprocess.run(command, input="hello\n", capture_output=True, text=True, timeout=120)
    assert process.returncode == 0
    assert re.fullmatch(r"model: imported, .*, trainer cakechat\n", process.stderr)
    assert len(process.stdout.splitlines()) == 1


# Files that the importer rejects.


@pytest.fixture
def files(golden_files: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("model.h5", "reverse_model.h5", "t_idx.json", "c_idx.json"):
        (folder / name).write_bytes((golden_files / "small-cudnn" / name).read_bytes())
    return folder


def import_error(files: Path) -> str:
    out = files.parent / "out"
    with pytest.raises(UserError) as error:
        CliRunner().invoke(cakechat, import_arguments(files, "sigmoid", out), catch_exceptions=False)
    assert not out.exists()
    return str(error.value)


CONTEXT = "model_weights/encoder_model/encoder_scope_1/context_encoder"


def test_links_out_of_the_file_are_refused(files: Path) -> None:
    with h5py.File(files / "model.h5", "a") as opened:
        del opened[f"{CONTEXT}/kernel:0"]
        opened[f"{CONTEXT}/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/")
    assert "is a link" in import_error(files)


def test_soft_links_are_refused(files: Path) -> None:
    with h5py.File(files / "model.h5", "a") as opened:
        opened[f"{CONTEXT}/other"] = h5py.SoftLink("/model_weights")
    assert "is a link" in import_error(files)


def test_data_in_another_file_is_refused(files: Path) -> None:
    with h5py.File(files / "model.h5", "a") as opened:
        del opened[f"{CONTEXT}/kernel:0"]
        opened[CONTEXT].create_dataset("kernel:0", (40, 120), "f4", external=[(str(files / "t_idx.json"), 0, 19200)])
    assert "is outside the file" in import_error(files)


def test_datasets_larger_than_the_file_are_refused(files: Path) -> None:
    with h5py.File(files / "model.h5", "a") as opened:
        del opened[f"{CONTEXT}/kernel:0"]
        opened[CONTEXT].create_dataset("kernel:0", (10**6, 10**6), "f4", chunks=(100, 100))
    assert "larger than the file" in import_error(files)


@pytest.mark.parametrize(
    ("path", "shape", "expected"),
    [
        (f"{CONTEXT}/kernel:0", (41, 120), r"context_encoder.kernel has the shape (41, 120), expected (40, 120)"),
        (f"{CONTEXT}/bias:0", (2, 121), r"context_encoder.bias has the shape (2, 121), expected (2, 120)"),
        (f"{CONTEXT}/kernel:0", None, "missing weights: context_encoder.kernel"),
        (f"{CONTEXT}/gain:0", (3,), "unknown weights: context_encoder.gain"),
        ("model_weights", None, "contains no model_weights"),
        ("model_weights/encoder_model", None, "contains no CakeChat layers"),
    ],
)
def test_an_invalid_weight_is_named(files: Path, path: str, shape: tuple[int, ...] | None, expected: str) -> None:
    with h5py.File(files / "model.h5", "a") as opened:
        if path in opened:
            del opened[path]
        if shape:
            opened[path] = np.zeros(shape, np.float32)
    message = import_error(files)
    assert str(files / "model.h5") in message
    assert expected in message


def test_the_index_of_another_model_is_refused(files: Path) -> None:
    index = json.loads((files / "t_idx.json").read_text("utf-8"))
    (files / "t_idx.json").write_text(json.dumps({**index, "500": "qqqq"}), "utf-8")
    assert "has the shape (500, 24), expected (501, 24)" in import_error(files)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "not JSON"),
        ("[]", "not an index"),
        ('{"1": "a"}', "no entry with the id 0"),
        ('{"0": "a", "1": "a"}', 'several ids have the entry "a"'),
        ('{"0": "a"}', "missing service tokens: _pad_, _unk_, _start_, _end_"),
    ],
)
def test_an_invalid_index_is_refused(files: Path, content: str, expected: str) -> None:
    (files / "t_idx.json").write_text(content)
    assert expected in import_error(files)


def test_a_reverse_model_of_another_size_is_refused(files: Path, golden_files: Path) -> None:
    (files / "reverse_model.h5").write_bytes((golden_files / "small" / "model.h5").read_bytes())
    assert str(files / "reverse_model.h5") in import_error(files)


def test_an_existing_folder_is_not_overwritten(files: Path) -> None:
    out = files.parent / "out"
    out.mkdir()
    (out / "precious").touch()
    with pytest.raises(UserError, match="already exists"):
        CliRunner().invoke(cakechat, import_arguments(files, "sigmoid", out), catch_exceptions=False)
    assert (out / "precious").exists()


def test_reranking_without_a_reverse_model_hints_at_both_options(trained: tuple[Path, dict[str, Any]]) -> None:
    with pytest.raises(UserError, match=r"reverse = true.*mode = \"sampling\""):
        load(trained[0], ReplyOptions(mode="sampling-reranking"))

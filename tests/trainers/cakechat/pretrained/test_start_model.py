"""Training that continues from a start model: a model folder, or an original CakeChat model."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from autocakechat import Corpus, Request, RunContext, UserError
from autocakechat.plugins.trainers.cakechat.inference.array_api import CakeChat
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, load_model, save_model
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.pretrained.start_model import (
    StartModel,
    load_start_model,
    with_new_labels,
    with_new_tokens,
)
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER, load, train
from tests.trainers.cakechat.conftest import assert_same_weights, interrupted, run_in, write_corpus
from tests.trainers.cakechat.pretrained.bucket import make_authority, serve_bucket

TUNING = Options(
    start="pretrained",
    batch_size=32,
    epochs=1,
    learning_rate=0.01,
    rehearsals=0,
    ranking=False,
    precision="float32",
)


def trained_on(options: Options, corpus: Corpus, folder: Path) -> tuple[Path, dict[str, Any]]:
    model = folder / "tuned"
    model.mkdir()
    return model, dict(train(options, corpus, model, run_in(folder / "state")))


def test_training_continues_from_an_original_model(golden_files: Path, corpus: Corpus, tmp_path: Path) -> None:
    files = golden_files / "small-cudnn"
    options = attrs.evolve(TUNING, start_path=files, reverse=True, epochs=2)
    folder, metrics = trained_on(options, corpus, tmp_path)
    history = json.loads((folder / "training.json").read_text())
    for name in ("forward", "reverse"):
        assert history[name]["losses"][1] < history[name]["losses"][0]
    assert metrics["perplexity"] < 0.7 * metrics["start_perplexity"]

    settings = json.loads((folder / "settings.json").read_text())
    assert (settings["padding"], settings["text"]) == ("cakechat", "cakechat")
    tokens = list(json.loads((files / "t_idx.json").read_text()).values())
    assert json.loads((folder / "vocabulary.json").read_text()) == tokens
    digest = hashlib.sha256((files / "model.h5").read_bytes()).hexdigest()
    assert json.loads((folder / "start.json").read_text())["model.h5"] == digest

    responder = load(folder, ReplyOptions(mode="sampling-reranking", seed=1), run_in(tmp_path / "replies"))
    assert all(reply.text != "🙊" for reply in responder.respond([Request(["hello"]), Request(["how are you?"])]))


def test_training_continues_from_a_model_folder_and_can_be_interrupted(
    corpus: Corpus, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    options = attrs.evolve(TUNING, start_path=trained[0], learning_rate=0.005, warm_up=2)
    folder, metrics = trained_on(options, corpus, tmp_path)
    assert metrics["start_perplexity"] == pytest.approx(trained[1]["perplexity"], rel=1e-4)
    assert metrics["perplexity"] < metrics["start_perplexity"]
    assert metrics["words"] == trained[1]["words"]
    assert json.loads((folder / "settings.json").read_text())["padding"] == "masked"

    resumed, run = tmp_path / "resumed", run_in(tmp_path / "other")
    resumed.mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(options, corpus, resumed, interrupted(run, 3))
    train(options, corpus, resumed, run)
    assert_same_weights(folder, resumed)


def test_a_training_that_makes_the_start_model_worse_keeps_its_weights(
    corpus: Corpus, trained: tuple[Path, dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = attrs.evolve(TUNING, start_path=trained[0], learning_rate=0.1, warm_up=0)
    folder, metrics = trained_on(options, corpus, tmp_path)
    assert metrics["perplexity"] == metrics["start_perplexity"] == pytest.approx(trained[1]["perplexity"], rel=1e-4)
    assert caplog.messages == [
        "forward model: the training has not improved the start model, so the model has the weights of the start model"
    ]
    start, tuned = load_model(trained[0]), load_model(folder)
    for name, weight in start.network.weights.items():
        np.testing.assert_array_equal(tuned.network.weights[name], weight)


def test_the_published_model_is_downloaded_and_equals_the_archived_one(
    golden_files: Path,
    run: RunContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    files = golden_files / "small-cudnn"
    with tarfile.open(tmp_path / "id.tar.gz", "w:gz") as tar:
        tar.add(files / "model.h5", "id/model")
    archive = (tmp_path / "id.tar.gz").read_bytes()
    authority, certificate_file = make_authority(tmp_path)
    for name, value in (("XDG_CACHE_HOME", tmp_path), ("HOME", tmp_path), ("REQUESTS_CA_BUNDLE", certificate_file)):
        monkeypatch.setenv(name, str(value))
    with serve_bucket(authority.issue_cert("localhost")) as bucket:
        bucket.files = {
            "/data/nn_models/id.tar.gz": archive,
            "/data/tokens_index/t_idx_processed_dialogs.json": (files / "t_idx.json").read_bytes(),
            "/data/conditions_index/c_idx_processed_dialogs.json": (files / "c_idx.json").read_bytes(),
        }
        confirmed = tuple(hashlib.sha256(content).hexdigest() for content in bucket.files.values())
        options = attrs.evolve(TUNING, start_address=bucket.address, start_name="id", sha256=confirmed)
        downloaded = load_start_model(options, run)
    local = load_start_model(attrs.evolve(TUNING, start_path=files), run)
    assert downloaded.settings == local.settings
    assert downloaded.vocabulary.tokens == local.vocabulary.tokens
    assert downloaded.conditions.labels == local.conditions.labels
    for name, weight in local.weights.items():
        np.testing.assert_array_equal(downloaded.weights[name], weight)
    digest = hashlib.sha256(archive).hexdigest()
    assert downloaded.checksums["id.tar.gz"] == digest
    assert digest in caplog.text


@pytest.fixture
def original(golden_files: Path, run: RunContext) -> StartModel:
    return load_start_model(attrs.evolve(TUNING, start_path=golden_files / "small", reverse=True), run)


def save_and_load(start: StartModel, folder: Path) -> CakeChat:
    network = Network(start.settings.network, start.weights)
    folder.mkdir()
    save_model(Model(start.settings, start.vocabulary, start.conditions, network), folder)
    return CakeChat.load(folder)


def test_new_tokens_do_not_change_existing_weights(original: StartModel, tmp_path: Path) -> None:
    counts = Counter({"zyzzyva": 30, "quokka": 20, "axolotl": 10, "rare": 1, "_end_": 50, "hello": 99})
    extended = with_new_tokens(original, counts, limit=2, min_count=2, seed=1)
    old = len(original.vocabulary)
    assert extended.vocabulary.tokens == (*original.vocabulary.tokens, "zyzzyva", "quokka")
    for before, after in ((original.weights, extended.weights), (original.reverse, extended.reverse)):
        assert before is not None
        assert after is not None
        for name, weight in before.items():
            kept = after[name][..., :old] if name.startswith("output") else after[name][: len(weight)]
            np.testing.assert_array_equal(kept, weight)
        for table in ("context_embedding", "response_embedding"):
            fresh = after[table][old:]
            assert np.isfinite(fresh).all()
            assert not np.array_equal(fresh[0], fresh[1])

    first, second = save_and_load(original, tmp_path / "before"), save_and_load(extended, tmp_path / "after")
    context, response = first.context_ids([["hi", "how are you?"]]), first.response_ids(["i am fine"])
    before, after = first.probabilities(context, response), second.probabilities(context, response)
    np.testing.assert_allclose(
        after[..., :old] / after[..., :old].sum(axis=-1, keepdims=True), before, rtol=1e-4, atol=1e-8
    )
    # The probability of a new token is its share of the occurrences times that of the unknown token.
    unknown = after[..., original.vocabulary.unknown]
    np.testing.assert_allclose(after[..., old] / unknown, 30 / 61, rtol=1e-3)


def test_new_tokens_of_a_shared_embedding(
    trained: tuple[Path, dict[str, Any]], run: RunContext, tmp_path: Path
) -> None:
    start = load_start_model(attrs.evolve(TUNING, start_path=trained[0]), run)
    assert start.settings.network.shared_embedding
    extended = with_new_tokens(start, Counter({"quokka": 20, "zyzzyva": 10}), limit=1, min_count=2, seed=1)
    first, second = save_and_load(start, tmp_path / "before"), save_and_load(extended, tmp_path / "after")
    context, response = first.context_ids([["hi", "how are you?"]]), first.response_ids(["i am fine"])
    before, after = first.probabilities(context, response), second.probabilities(context, response)
    np.testing.assert_allclose(after[..., :-1] / after[..., :-1].sum(axis=-1, keepdims=True), before, rtol=1e-4)
    np.testing.assert_allclose(after[..., -1] / after[..., start.vocabulary.unknown], 20 / 30, rtol=0.5)


def test_the_number_of_new_tokens_is_limited(original: StartModel) -> None:
    counts = Counter({"quokka": 20, "hello": 99})
    assert with_new_tokens(original, counts, limit=1000, min_count=1, seed=1).vocabulary.tokens[-1] == "quokka"
    assert with_new_tokens(original, counts, limit=0, min_count=1, seed=1) == original


def test_a_new_label_is_initialised_with_neutral(original: StartModel) -> None:
    extended = with_new_labels(original, {"neutral", "joy", "to-mum"})
    assert extended.conditions.labels == (*original.conditions.labels, "to-mum")
    table = extended.weights["condition_embedding"]
    np.testing.assert_array_equal(table[-1], table[original.conditions.id("neutral")])
    np.testing.assert_array_equal(table[:-1], original.weights["condition_embedding"])


def test_new_tokens_and_labels_are_learnt(golden_files: Path, tmp_path: Path) -> None:
    dialog = [{"text": "quokka ?", "condition": "neutral"}, {"text": "zyzzyva !", "condition": "to-mum"}]
    corpus = write_corpus(tmp_path / "corpus", [dialog] * 300, [dialog] * 5)
    options = attrs.evolve(
        TUNING, start_path=golden_files / "small", new_words=5, recurrent_activation="hard-sigmoid", epochs=8
    )
    folder, _ = trained_on(attrs.evolve(options, learning_rate=0.02), corpus, tmp_path)
    model = load_model(folder)
    assert set(model.vocabulary.tokens[-2:]) == {"quokka", "zyzzyva"}
    assert model.conditions.labels[-1] == "to-mum"
    assert model.settings.network.recurrent_activation == "hard-sigmoid"
    responder = load(folder, ReplyOptions(mode="sampling", seed=1), run_in(tmp_path / "replies"))
    assert responder.respond([Request(["quokka ?"], "to-mum")])[0].text == "Zyzzyva!"


def options_from(path: Path, **options: object) -> Options:
    return Options(start="pretrained", start_path=path, **options)  # type: ignore[arg-type]


def input_names(options: Options) -> list[str]:
    assert TRAINER.inputs is not None
    return [path.name for entry in TRAINER.inputs(options) for path in entry.paths]


def test_the_files_of_a_local_start_model_are_part_of_the_artifact_key(
    golden_files: Path, trained: tuple[Path, dict[str, Any]]
) -> None:
    files = golden_files / "small"
    assert input_names(options_from(files)) == ["model.h5", "t_idx.json", "c_idx.json"]
    assert input_names(options_from(files, reverse=True))[-1] == "reverse_model.h5"
    assert input_names(options_from(files / "model.h5")) == ["model.h5", "t_idx.json", "c_idx.json"]
    assert "weights.safetensors" in input_names(options_from(trained[0]))
    assert "training.json" not in input_names(options_from(trained[0]))
    assert input_names(Options()) == input_names(Options(start="pretrained")) == []


def test_a_folder_with_the_layout_of_the_bucket_is_accepted(tmp_path: Path) -> None:
    for name in (
        "nn_models/a.tar.gz",
        "nn_models/reverse_a.tar.gz",
        "tokens_index/t_idx_x.json",
        "conditions_index/c_idx_x.json",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = ["a.tar.gz", "t_idx_x.json", "c_idx_x.json"]
    assert input_names(options_from(tmp_path)) == names
    assert input_names(options_from(tmp_path / "nn_models" / "a.tar.gz", reverse=True)) == [*names, "reverse_a.tar.gz"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "contains no model"),
        (["model.h5", "c_idx.json"], r"t_idx\*\.json"),
        (["model.h5", "t_idx.json"], r"c_idx\*\.json"),
        (
            ["model.h5", "other.h5", "t_idx.json", "c_idx.json"],
            "contains several candidates for the model: model.h5, other.h5",
        ),
    ],
)
def test_an_incomplete_start_model_is_rejected(tmp_path: Path, files: list[str], message: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        input_names(options_from(tmp_path))


def test_contradictory_options_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        input_names(options_from(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"trainer\.hidden: is determined by the start model"):
        input_names(options_from(tmp_path, hidden=64))
    with pytest.raises(UserError, match='set start = "pretrained"'):
        input_names(Options(start_path=tmp_path))


def test_a_start_model_with_an_unexpected_checksum_is_rejected(golden_files: Path, run: RunContext) -> None:
    with pytest.raises(UserError, match=r"model\.h5: the SHA-256 [0-9a-f]{64} is not listed in trainer\.sha256"):
        load_start_model(options_from(golden_files / "small", sha256=("1" * 64,)), run)


def test_a_damaged_start_model_is_rejected(golden_files: Path, run: RunContext, tmp_path: Path) -> None:
    for name in ("t_idx.json", "c_idx.json"):
        (tmp_path / name).write_bytes((golden_files / "small" / name).read_bytes())
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n and nothing else")
    with pytest.raises(UserError, match=r"model\.h5: cannot be read"):
        load_start_model(options_from(tmp_path), run)

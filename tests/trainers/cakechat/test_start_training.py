"""`start = "conversations"`: a start model that is trained once on this machine and shared by all pipelines."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import resource
import shutil
import sys
import threading
from pathlib import Path

import attrs
import pytest

from autocakechat import Corpus, RunContext, UserError
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.conversations import dataset_file, is_kept_back
from autocakechat.plugins.trainers.cakechat.start_training import (
    RECIPE,
    conversation_model,
    model_folder,
    with_start_model,
)
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER, continue_training, train
from tests.trainers.cakechat.conftest import NETWORK, interrupted, run_in
from tests.trainers.cakechat.pretrained.bucket import make_authority, serve_bucket

TINY = attrs.evolve(NETWORK, targets="all", rehearsals=0)
TUNING = Options(start="conversations", batch_size=32, epochs=1, rehearsals=0, ranking=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like that of the package, with 200 of its conversations."""
    conversations = sorted(json.loads(dataset_file().read_bytes()).items())[:200]
    file = tmp_path_factory.mktemp("data") / "dataset.json"
    file.write_text(json.dumps(dict(conversations)))
    return file


@pytest.fixture(scope="module")
def made(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder after the start model was trained."""
    with pytest.MonkeyPatch.context() as patch:
        cache = use_cache(tmp_path_factory.mktemp("cache"), patch)
        conversation_model(TRAINER, dataset, TINY, run_in(cache.parent / "state"))
    return cache


@pytest.fixture
def cache(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that cache folder, in use."""
    shutil.copytree(made, tmp_path / "cache" / made.name)
    return use_cache(tmp_path / "cache", monkeypatch)


def use_cache(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.setenv("XDG_CACHE_HOME", str(folder))
    patch.setenv("HOME", str(folder))
    return model_folder(TRAINER, Path(__file__), TINY).parents[1]


def is_trained(caplog: pytest.LogCaptureFixture) -> bool:
    trained = "it is trained once" in caplog.text
    caplog.clear()
    return trained


def test_the_model_is_trained_once_and_can_be_opened(
    cache: Path, dataset: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = conversation_model(TRAINER, dataset, TINY, run)
    assert not is_trained(caplog)
    assert folder.is_relative_to(cache)
    manifest = json.loads((folder / "model.json").read_text())
    assert (manifest["trainer"], manifest["options"]["targets"]) == ("cakechat", "all")
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}.lock"]

    (dataset.parent / "other.json").write_bytes(dataset.read_bytes() + b"\n")
    other = conversation_model(TRAINER, dataset.parent / "other.json", attrs.evolve(TINY, epochs=1), run)
    assert is_trained(caplog)
    names = {model_folder(TRAINER, file, TINY).name for file in (dataset, dataset.parent / "other.json")}
    assert len(names | {other.name}) == 3


def test_a_damaged_model_is_trained_again_and_continues_after_an_interruption(
    cache: Path, dataset: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = model_folder(TRAINER, dataset, TINY)
    weights = folder / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(KeyboardInterrupt):
        conversation_model(TRAINER, dataset, TINY, interrupted(run, 20))
    assert f"{weights} is damaged, so it is trained again" in caplog.text
    assert weights.read_bytes() != content

    assert conversation_model(TRAINER, dataset, TINY, run) == folder
    assert "resuming from step 20" in caplog.text
    assert weights.read_bytes() == content


def test_a_second_process_waits_for_the_model_of_the_first(
    cache: Path, dataset: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    waiting = threading.Event()
    run.log.addFilter(lambda record: waiting.set() if "waiting until" in record.getMessage() else True)
    folder = model_folder(TRAINER, dataset, TINY)
    folder.rename(cache / "unfinished")
    found: list[Path] = []
    second = threading.Thread(target=lambda: found.append(conversation_model(TRAINER, dataset, TINY, run)))
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        assert waiting.wait(60)
        (cache / "unfinished").rename(folder)
    second.join(60)
    assert found == [folder]
    assert not is_trained(caplog)


def test_a_cache_folder_that_cannot_be_used_is_one_line(
    dataset: Path, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = use_cache(tmp_path, monkeypatch)
    cache.write_text("a file")
    with pytest.raises(UserError, match="the start model is kept there: make the folder writable") as caught:
        conversation_model(TRAINER, dataset, TINY, run)
    assert str(cache) in caught.value.message


def test_a_full_disk_is_reported_with_its_place(
    dataset: Path, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = use_cache(tmp_path, monkeypatch)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            conversation_model(TRAINER, dataset, TINY, run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(cache / "start-models")


def test_conversations_that_cannot_be_read_are_one_line(cache: Path, run: RunContext, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"id": {"messages": [{}]}}')
    for name in ("dataset.json", "missing.json"):
        with pytest.raises(UserError, match=rf"{name}: cannot be read: .*; run: pip install --force-reinstall"):
            conversation_model(TRAINER, tmp_path / name, TINY, run)


def test_a_missing_package_is_one_line_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chitchat_dataset", None)
    assert TRAINER.inputs is not None
    expected = r"needs the package chitchat-dataset; run: pip install 'autocakechat\[conversations\]'"
    for options in (Options(start="conversations"), Options(start="pretrained", start_fallback="conversations")):
        with pytest.raises(UserError, match=expected):
            TRAINER.inputs(options)
    assert TRAINER.inputs(Options()) == []


def test_a_training_starts_from_the_model(cache: Path, dataset: Path, corpus: Corpus, tmp_path: Path) -> None:
    own = model_folder(TRAINER, dataset, TINY)
    own.rename(model_folder(TRAINER, dataset_file(), RECIPE))  # as if it were trained on all conversations
    for name in ("tuned", "continued"):
        (tmp_path / name).mkdir()
    metrics = train(TUNING, corpus, tmp_path / "tuned", run_in(tmp_path / "state"))
    assert metrics["start_perplexity"] < 0.7 * metrics["unigram_perplexity"]
    # A continued training starts from the former model alone.
    shutil.rmtree(cache)
    again = continue_training(TUNING, tmp_path / "tuned", corpus, tmp_path / "continued", run_in(tmp_path / "other"))
    assert again["start_perplexity"] == pytest.approx(metrics["perplexity"], rel=1e-4)


def test_the_published_model_comes_first_and_its_absence_is_one_line(
    cache: Path, dataset: Path, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    authority, certificate_file = make_authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate_file))
    with serve_bucket(authority.issue_cert("localhost")) as bucket:
        confirmed = (hashlib.sha256(b"x").hexdigest(),)
        options = Options(start="pretrained", start_address=bucket.address, start_name="id", sha256=confirmed)
        falling_back = attrs.evolve(options, start_fallback="conversations")

        def resolved(options: Options) -> Options:
            return with_start_model(options, TRAINER, run, TINY, lambda: dataset)

        assert resolved(falling_back).start_path == model_folder(TRAINER, dataset, TINY)
        (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert line.startswith(f"{bucket.address}/nn_models/id.tar.gz: the server responds with 404")
        assert line.endswith("; a start model from conversations is used instead")
        assert resolved(options) == options  # the training itself then says what is missing

        names = ("nn_models/id.tar.gz", "tokens_index/t_idx_processed_dialogs.json")
        bucket.files = {f"/data/{name}": b"x" for name in (*names, "conditions_index/c_idx_processed_dialogs.json")}
        assert resolved(falling_back) == falling_back


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(start="conversations", start_path=Path("model")), "start_path: has no effect with"),
        (Options(start="conversations", hidden=64), "hidden: is determined by the start model"),
        (Options(start="conversations", word2vec=True), "word2vec: the start model already has embeddings"),
        (Options(start_fallback="conversations"), "start_fallback: has an effect only if"),
    ],
)
def test_options_that_contradict_each_other_are_rejected(options: Options, problem: str) -> None:
    assert TRAINER.inputs is not None
    with pytest.raises(UserError, match=problem):
        TRAINER.inputs(options)


def test_a_tenth_of_the_conversations_is_kept_back(dataset: Path, made: Path, tmp_path: Path) -> None:
    from autocakechat.plugins.trainers.cakechat.pretrained.conversations import write_corpus

    conversations = json.loads(dataset.read_bytes())
    kept = {name for name in conversations if is_kept_back(name)}
    assert 0.04 < len(kept) / len(conversations) < 0.16
    corpus = write_corpus(dataset, tmp_path)
    dialogs = [*corpus.dialogs("train"), *corpus.dialogs("validation")]
    learnt = {line for dialog in dialogs for turn in dialog for line in turn.text.splitlines() if len(line) > 60}
    messages = {
        name: {message["text"] for group in conversation["messages"] for message in group}
        for name, conversation in conversations.items()
    }
    assert learnt
    assert not [name for name in kept if messages[name] & learnt]

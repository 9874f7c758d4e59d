"""`acc lora export` and `acc lora base`, and models without PyTorch."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora import commands
from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.engine.choice import open_engine
from autocakechat.plugins.trainers.lora.engine.interface import Sampling
from autocakechat.plugins.trainers.lora.engine.llama_engine import LlamaEngine
from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine
from autocakechat.plugins.trainers.lora.gguf_files import llama_files
from autocakechat.plugins.trainers.lora.gguf_files.chat_template import gguf_chat_format
from autocakechat.plugins.trainers.lora.gguf_files.merged import write_merged_gguf
from autocakechat.plugins.trainers.lora.language_model.loading import encode, load_tokenizer
from autocakechat.plugins.trainers.lora.model.folder import (
    ADAPTER,
    ADAPTER_GGUF,
    MERGED_GGUF,
    ModelFolder,
    read_model_folder,
)
from autocakechat.plugins.trainers.lora.prompts.prompt import render
from autocakechat.testing.project import Project
from tests.trainers.lora.llama_cpp.gguf_base import END, write_gguf_base

GREEDY = Sampling(temperature=0, min_p=0, repetition_penalty=1, max_tokens=16, seed=1)
WITHOUT = ("torch", "transformers", "peft", "tokenizers")


@pytest.fixture
def prompts(model: ModelFolder) -> list[str]:
    return [render(model.settings.chat_format, "", [text]).text for text in ("Hello!", "Do you have pets?")]


def test_a_merged_folder_replies_like_the_model(
    model: ModelFolder, acc_project: Project, prompts: Sequence[str], tmp_path: Path
) -> None:
    import torch
    import transformers

    out = tmp_path / "new" / "merged"
    done = acc_project.acc("lora", "export", model.path, "--merged", out)
    assert done.returncode == 0, done.stderr
    loaded = transformers.AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    expected = open_engine(model, "torch").score(prompts[:1], [["yes"]])[0][0].log_p
    prompt = tokenizer(prompts[0], add_special_tokens=False)["input_ids"]
    reply = tokenizer("yes" + END, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        log_p = loaded(torch.tensor([prompt + reply])).logits[0].log_softmax(-1)
    found = sum(float(log_p[len(prompt) - 1 + place, token]) for place, token in enumerate(reply))
    assert found == pytest.approx(expected, rel=0.02)  # rounded to bfloat16
    assert "assistant" in tokenizer.chat_template


def test_a_merged_gguf_replies_like_the_model(
    model: ModelFolder, acc_project: Project, prompts: Sequence[str], tmp_path: Path
) -> None:
    done = acc_project.acc("lora", "export", model.path, "--gguf", tmp_path / "merged.gguf")
    assert done.returncode == 0, done.stderr
    engine = LlamaEngine(tmp_path / "merged.gguf", None, END, 128)
    assert engine.generate(prompts, GREEDY) == open_engine(model, "llama.cpp").generate(prompts, GREEDY)
    assert gguf_chat_format(tmp_path / "merged.gguf") == model.settings.chat_format


def test_a_base_with_an_alignment_and_an_empty_array_is_merged(
    model: ModelFolder, prompts: Sequence[str], tmp_path: Path
) -> None:
    base, merged, expected = (tmp_path / name for name in ("base.gguf", "merged.gguf", "expected.gguf"))
    content = write_gguf_base(base, alignment=64).read_bytes()
    magic, tensors, fields = content[:8], content[8:16], int.from_bytes(content[16:24], "little")
    name = b"general.%032d" % 0  # so that the field has 64 bytes, and the tensors stay aligned
    array, of_strings = (number.to_bytes(4, "little") for number in (9, 8))
    field = len(name).to_bytes(8, "little") + name + array + of_strings + bytes(8)
    base.write_bytes(magic + tensors + (fields + 1).to_bytes(8, "little") + field + content[24:])
    assert model.adapter
    assert model.base.gguf
    write_merged_gguf(base, model.adapter, model.adapter_file, merged)
    write_merged_gguf(model.base_folder / model.base.gguf, model.adapter, model.adapter_file, expected)
    replies = [LlamaEngine(file, None, END, 128).generate(prompts, GREEDY) for file in (merged, expected)]
    assert replies[0] == replies[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "add --merged DIR or --gguf FILE"),
        (["--gguf", "there"], "already exists"),
        (["--merged", "there/nested"], "there"),
    ],
)
def test_a_wrong_export_gives_one_line(
    model: ModelFolder, acc_project: Project, arguments: list[str], message: str
) -> None:
    acc_project.write("there", "mine")
    done = acc_project.acc("lora", "export", model.path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (acc_project.folder / "there").read_text() == "mine"


def test_a_folder_of_another_trainer_is_refused(acc_project: Project, tmp_path: Path) -> None:
    done = acc_project.acc("lora", "export", tmp_path, "--gguf", tmp_path / "file.gguf")
    assert done.returncode == 2
    assert "base.json" in done.stderr


def test_a_model_replies_and_judges_without_pytorch(
    model_path: Path, gguf_base: Path, acc_project: Project, tmp_path: Path
) -> None:
    project = acc_project.without_modules(WITHOUT)
    project.write("log.txt", "".join(f"ann: do you like tea {n}?\nbob: yes, {n} cups\n" for n in range(60)))
    project.pipeline(trainer={"use": "retrieval"})
    run = project.run("--until", "model")
    assert run.returncode == 0, run.stderr

    made = project.acc("lora", "base", gguf_base, "-o", tmp_path / "judge")
    assert made.returncode == 0, made.stderr
    chat = project.acc("chat", tmp_path / "judge", "--set", "reply.max_tokens=8", stdin="hello\n")
    assert chat.returncode == 0, chat.stderr
    assert chat.stdout.strip()
    done = project.acc("evaluate", "--json", "--samples", "5", "--judge", tmp_path / "judge")
    assert done.returncode == 0, done.stderr
    (measured,) = json.loads(done.stdout)["models"].values()
    assert "relevance.fit" in json.dumps(measured)


def test_a_file_without_a_tokenizer_is_no_base(acc_project: Project, model: ModelFolder, tmp_path: Path) -> None:
    shutil.copy(model.path / ADAPTER_GGUF, tmp_path / "adapter.gguf")
    project = acc_project.without_modules(WITHOUT)
    done = project.acc("lora", "base", tmp_path / "adapter.gguf", "-o", tmp_path / "judge")
    assert done.returncode == 2
    assert "contains no tokenizer" in done.stderr
    assert not list(tmp_path.glob("judge*"))


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("hf:owner/name", "hf:owner/name: not a base on Hugging Face; write hf:owner/name@revision"),
        ("hf:name", "hf:name: not a base on Hugging Face; write hf:owner/name@revision"),
        ("nosuch", "nosuch: no such file or folder; give smollm2, hf:"),
        ("README.md", "README.md: not a GGUF file; give smollm2, hf:"),
        ("hf:owner/name@main", "this needs transformers; run: pip install 'autocakechat[lora]'"),
    ],
)
def test_a_wrong_base_gives_one_line(base: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("# Read me")
    assert commands.make_judge.callback
    with pytest.raises(UserError) as caught:
        commands.make_judge.callback(base, tmp_path / "judge")
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.glob("judge*"))


def test_a_judge_that_was_made_without_pytorch_can_be_used_with_it(
    gguf_base: Path, model: ModelFolder, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert commands.make_judge.callback
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "transformers", None)
        commands.make_judge.callback(str(gguf_base), tmp_path / "judge")
    assert not (tmp_path / "judge/tokenizer.json").exists()
    engine = TorchEngine.open(read_model_folder(tmp_path / "judge", run))
    assert engine.count_tokens(["hello", END]) == TorchEngine.open(model).count_tokens(["hello", END])


def test_the_chat_format_is_that_of_transformers(gguf_base: Path) -> None:
    tokenizer, expected = load_tokenizer(find_local(gguf_base))
    assert gguf_chat_format(gguf_base) == expected
    assert len(encode(tokenizer, expected.end)) == 1


@pytest.mark.parametrize(("largest", "written"), [(10**9, MERGED_GGUF), (0, ADAPTER_GGUF)])
def test_a_small_base_is_merged_with_its_adapter(
    model: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int, written: str
) -> None:
    assert model.adapter
    assert model.base.gguf
    (tmp_path / ADAPTER).write_bytes(model.adapter_file.read_bytes())
    monkeypatch.setattr(llama_files, "_MAX_MERGED_BYTES", largest)
    base = model.base_folder / model.base.gguf
    llama_files.write_llama_files(base, model.adapter, tmp_path)
    assert [file.name for file in tmp_path.glob("*.gguf")] == [written]
    found = attrs.evolve(model, path=tmp_path).gguf_files
    assert found == ((tmp_path / written, None) if largest else (base, tmp_path / written))


def test_an_unknown_architecture_has_no_adapter_in_gguf(tmp_path: Path, model: ModelFolder) -> None:
    from autocakechat.plugins.trainers.lora.gguf_files.adapter import write_adapter_gguf

    base = write_gguf_base(tmp_path / "base.gguf", architecture="mamba")
    assert model.adapter
    assert not write_adapter_gguf(base, model.adapter, model.adapter_file, tmp_path / "adapter.gguf")
    assert not (tmp_path / "adapter.gguf").exists()

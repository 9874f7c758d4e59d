"""The engine llama.cpp gives the replies and the scores of PyTorch, and survives what happens to its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from autocakechat import Score, UserError
from autocakechat.plugins.trainers.lora.engine import llama_engine
from autocakechat.plugins.trainers.lora.engine.choice import open_engine, open_scoring_engine
from autocakechat.plugins.trainers.lora.engine.interface import Engine, Sampling
from autocakechat.plugins.trainers.lora.engine.llama_engine import LlamaEngine
from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine
from autocakechat.plugins.trainers.lora.model.folder import ModelFolder
from autocakechat.plugins.trainers.lora.prompts.prompt import render
from tests.trainers.lora.llama_cpp.gguf_base import END, write_gguf_base

WINDOW = 128
GREEDY = Sampling(temperature=0, min_p=0, repetition_penalty=1, max_tokens=24, seed=1)
RANDOM = Sampling(temperature=2, min_p=0, repetition_penalty=1.05, max_tokens=12, seed=1)
CONVERSATIONS = (["Hello! How are you?"], ["Do you have pets?"], ["one", "two", "three"])
REPLIES = ("I am fine, thanks!", "", "two\nlines", "👋🏽", "Всё хорошо?", "\x00\u202e", "?" * 300)


@pytest.fixture(scope="module")
def engine(model_path: Path, prompts: list[str]) -> Iterator[Engine]:
    base = model_path / "base" / "tiny.gguf"
    engine = LlamaEngine(base, model_path / "adapter.gguf", END, WINDOW)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def prompts(model_path: Path) -> list[str]:
    from autocakechat.plugins.trainers.lora.gguf_files.chat_template import gguf_chat_format

    chat_format = gguf_chat_format(model_path / "base" / "tiny.gguf")
    return [render(chat_format, "", conversation).text for conversation in CONVERSATIONS]


def test_greedy_replies_are_those_of_pytorch(engine: Engine, model: ModelFolder, prompts: list[str]) -> None:
    replies = engine.generate(prompts, GREEDY)
    assert replies == TorchEngine.open(model).generate(prompts, GREEDY)
    assert all(replies)
    copies = [prompt for prompt in prompts for _ in range(3)] + prompts[1:2]
    assert engine.generate(copies, GREEDY) == [reply for reply in replies for _ in range(3)] + replies[1:2]
    without_adapter = LlamaEngine(model.base_folder / "tiny.gguf", None, END, WINDOW)
    assert without_adapter.generate(prompts, GREEDY) != replies


def test_scores_are_those_of_pytorch(engine: Engine, model: ModelFolder, prompts: list[str]) -> None:
    """Also of empty and very long replies, and of tokens that end within a character."""
    model = attrs.evolve(model, settings=attrs.evolve(model.settings, window=WINDOW))
    long = [prompts[0], "x" * 110 + prompts[0]]
    expected = TorchEngine.open(model).score(long, [REPLIES, REPLIES])
    found = engine.score(long, [REPLIES, REPLIES])
    for scores, true in zip(found, expected, strict=True):
        assert [score.tokens for score in scores] == [score.tokens for score in true]
        assert values(scores) == pytest.approx(values(true), rel=1e-3)
    assert engine.score([], []) == []
    assert engine.score(prompts[:2], [[], ["yes"]])[0] == []


def test_a_score_does_not_depend_on_the_batch(engine: Engine, prompts: list[str]) -> None:
    batch = engine.score(prompts, [REPLIES] * len(prompts))
    for prompt, scores in zip(prompts, batch, strict=True):
        alone = [engine.score([prompt], [[reply]])[0][0] for reply in REPLIES]
        assert values(alone) == pytest.approx(values(scores), rel=1e-4)


def values(scores: Sequence[Score]) -> list[float]:
    return [score.log_p for score in scores]


def test_equal_prompts_get_different_replies_and_a_seed_repeats_them(engine: Engine, prompts: list[str]) -> None:
    asked = [prompts[0]] * 20 + prompts
    first, second = (engine.generate(asked, RANDOM) for _ in range(2))
    assert first == second
    assert len(set(first[:20])) > 15
    assert first != engine.generate(asked, attrs.evolve(RANDOM, seed=2))
    assert engine.generate([], RANDOM) == []


def test_a_prompt_that_is_too_long_is_shortened(engine: Engine, prompts: list[str]) -> None:
    (reply,) = engine.generate(["x" * 5000 + prompts[0]], GREEDY)
    assert reply
    assert engine.score(["x" * 5000 + prompts[0]], [["yes"]])[0][0].log_p < 0


def test_many_long_conversations_at_once_get_replies(gguf_base: Path) -> None:
    """Together they have more tokens than llama.cpp holds at once, also a second time."""
    engine = LlamaEngine(gguf_base, None, END, window=512)
    long = [f"{number}" + "?" * 600 for number in range(12)]
    first, second = (engine.generate(long, GREEDY) for _ in range(2))
    assert first == second
    assert len(first) == len(long)
    engine.close()


def test_long_windows_get_fewer_slots(gguf_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = []
    monkeypatch.setattr(
        llama_engine, "LlamaProcess", lambda base, adapter, slots, window: tokens.append(slots * window)
    )
    for window in (512, 1024, 2048, 4096):
        LlamaEngine(gguf_base, None, END, window)
    assert tokens == [8 * 512, 8 * 1024, 4 * 2048, 4 * 4096]


def test_special_tokens_are_counted_as_text(engine: Engine, model: ModelFolder) -> None:
    texts = ["hello", END, "", "Всё"]
    assert engine.count_tokens(texts) == [5, len(END), 0, 6]
    assert engine.count_tokens(texts[:1]) == TorchEngine.open(model).count_tokens(texts[:1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"hello", "invalid magic"), (None, "no such file"), (b"GGUF", "failed to read"), (b"", "failed to")],
)
def test_a_file_that_is_no_model_gives_one_line(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        LlamaEngine(file, None, END, WINDOW)
    assert str(caught.value).count("\n") <= 1
    assert str(file) in str(caught.value)


def test_a_damaged_model_gives_one_line(tmp_path: Path, gguf_base: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(gguf_base.read_bytes()[:-40_000])
    with pytest.raises(UserError, match="corrupted or incomplete"):
        LlamaEngine(file, None, END, WINDOW)


def test_an_unknown_architecture_gives_one_line(tmp_path: Path) -> None:
    file = write_gguf_base(tmp_path / "model.gguf", architecture="no-such")
    with pytest.raises(UserError, match="unknown model architecture: 'no-such'"):
        LlamaEngine(file, None, END, WINDOW)


def test_a_damaged_adapter_gives_one_line(tmp_path: Path, gguf_base: Path) -> None:
    (tmp_path / "adapter.gguf").write_bytes(b"hello")
    with pytest.raises(UserError, match=r"adapter\.gguf: llama\.cpp cannot load it"):
        LlamaEngine(gguf_base, tmp_path / "adapter.gguf", END, WINDOW)


def test_a_crash_of_llama_cpp_gives_one_line(gguf_base: Path) -> None:
    before = _children()
    engine = LlamaEngine(gguf_base, None, END, WINDOW)
    (child,) = _children() - before
    os.kill(child, signal.SIGKILL)
    with pytest.raises(UserError, match=r"llama\.cpp ended"):
        engine.generate(["hello"], GREEDY)
    engine.close()


def test_llama_cpp_ends_with_the_bot(gguf_base: Path, tmp_path: Path) -> None:
    """Even if the bot is killed; the folder of the socket is removed. Ctrl-C and SIGTERM are left to the bot."""
    script = (
        "import sys; from pathlib import Path\n"
        "from autocakechat.plugins.trainers.lora.engine.llama_engine import LlamaEngine\n"
        f"engine = LlamaEngine(Path({str(gguf_base)!r}), None, {END!r}, 256)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as bot:
        assert bot.stdout
        assert bot.stdout.readline() == "ready\n"
        (child,) = _children(bot.pid)
        os.kill(child, signal.SIGTERM)
        os.kill(child, signal.SIGINT)
        time.sleep(0.3)
        assert _children(bot.pid) == {child}
        bot.kill()
    deadline = time.monotonic() + 30
    while (Path(f"/proc/{child}").exists() or list(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(tmp_path.iterdir())


def test_the_folder_for_temporary_files_may_have_a_long_path(
    gguf_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    engine = LlamaEngine(gguf_base, None, END, WINDOW)
    assert engine.count_tokens(["hello"]) == [5]
    folder = engine._process._socket.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    engine.close()
    assert not list(long.iterdir())
    assert not folder.exists()


def test_pytorch_without_transformers_is_no_engine(model: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"needs PyTorch, transformers and peft; run: pip install"):
        open_engine(model, "torch")
    monkeypatch.setattr("autocakechat.plugins.trainers.lora.engine.choice._GPU_DEVICES", ("/dev/null",))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    engine = open_engine(model, "auto")
    assert isinstance(engine, LlamaEngine)
    engine.close()


def test_auto_takes_llama_cpp_if_it_can_run_the_model(model: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_engine(model, "auto"), LlamaEngine)
    assert isinstance(open_engine(model, "torch"), TorchEngine)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert isinstance(open_engine(model, "auto"), TorchEngine)
    with pytest.raises(UserError, match=r"pip install 'autocakechat\[llama\]'"):
        open_engine(model, "llama.cpp")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"pip install 'autocakechat\[llama\]'"):
        open_engine(model, "auto")


def test_many_replies_are_scored_with_pytorch_if_it_is_installed(
    model: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    replying = open_engine(model, "auto")
    assert isinstance(open_scoring_engine(model, "auto", replying), TorchEngine)
    assert open_scoring_engine(model, "llama.cpp", replying) is replying
    monkeypatch.setitem(sys.modules, "peft", None)
    assert open_scoring_engine(model, "auto", replying) is replying
    replying.close()


def _children(parent: int | None = None) -> set[int]:
    tasks = Path(f"/proc/{parent or os.getpid()}/task")
    return {int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()}

"""A tiny base, and training on a few dialogs. The tests of this folder are skipped without the extra `lora`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

import attrs
import msgspec
import pytest

from autocakechat import Corpus, Origin, RunContext
from autocakechat.plugins.trainers.lora.options import Options
from tests.trainers.lora.tiny_base import make_tiny_base

collect_ignore = [] if find_spec("gguf") and find_spec("xllamacpp") and find_spec("peft") else ["llama_cpp"]

Line = str | tuple[str, str]
SUBJECTS = ("cats", "dogs", "tea", "rain", "music")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Computes in one thread: on a small model, threads only wait for each other."""
    torch = pytest.importorskip("torch", reason="the extra `lora` is not installed")
    pytest.importorskip("peft", reason="the extra `lora` is not installed")
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny-llama")


@pytest.fixture
def options(tiny_base: Path) -> Options:
    return Options(base_path=tiny_base, window=128, step_tokens=512, precision="float32", epochs=2.0, rehearsals=1)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    dialogs = [
        [f"do you like {subject} number {number}?", f"yes, {subject} and {number} more", "why?", f"{subject} are fun"]
        for number in range(6)
        for subject in SUBJECTS
    ]
    return write_corpus(tmp_path / "corpus", dialogs[:25], dialogs[25:])


@pytest.fixture
def learn(tmp_path: Path, run: RunContext) -> Callable[..., Path]:
    """Trains a model; each `name` has its own state folder."""

    def learn(options: Options, corpus: Corpus, name: str = "model") -> Path:
        from autocakechat.plugins.trainers.lora import TRAINER

        state, folder = tmp_path / f"state of {name}", tmp_path / name
        for path in (state, folder):
            path.mkdir(exist_ok=True)
        TRAINER.train(options, corpus, folder, attrs.evolve(run, state=state))
        return folder

    return learn


def write_corpus(
    folder: Path,
    train: Sequence[Sequence[Line]],
    validation: Sequence[Sequence[Line]] = (),
    origins: Sequence[Origin] = (),
) -> Corpus:
    """Writes a corpus.

    Args:
        folder: The folder to create.
        train: The dialogs of the training part.
        validation: The held-out dialogs.
        origins: The origins of the first dialogs of both parts.
    """
    folder.mkdir()
    for name, dialogs in (("train", train), ("validation", validation)):
        lines = []
        for dialog, origin in zip_longest(dialogs, origins[: len(dialogs)]):
            texts = [(line, "neutral") if isinstance(line, str) else line for line in dialog]
            turns: list[dict[str, object]] = [{"text": text, "condition": label} for text, label in texts]
            if origin:
                turns[0]["origin"] = msgspec.to_builtins(origin)
            lines.append(json.dumps(turns) + "\n")
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "report.json").write_text('{"replies_by": [{"id": "user1", "name": "Robin"}]}')
    return Corpus(folder)

"""A model folder with a random base in GGUF and a random adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from autocakechat import RunContext, finalize_model_folder
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.gguf_files.adapter import write_adapter_gguf
from autocakechat.plugins.trainers.lora.language_model.adapter import (
    adapter_weights,
    add_adapter,
    write_tensors,
)
from autocakechat.plugins.trainers.lora.language_model.loading import load_base, load_tokenizer
from autocakechat.plugins.trainers.lora.model.folder import (
    ADAPTER,
    ADAPTER_GGUF,
    TOKENIZER,
    ModelFolder,
    Settings,
    read_model_folder,
    write_model_folder,
)
from autocakechat.plugins.trainers.lora.options import Options
from tests.trainers.lora.llama_cpp.gguf_base import write_gguf_base


@pytest.fixture(scope="session")
def gguf_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf_base(tmp_path_factory.mktemp("base") / "tiny.gguf")


@pytest.fixture(scope="session")
def model_path(gguf_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose adapter changes every reply."""
    import torch

    path = tmp_path_factory.mktemp("model")
    found = find_local(gguf_base)
    tokenizer, chat_format = load_tokenizer(found)
    model, adapter = add_adapter(load_base(found, "float32", torch.device("cpu")), 4, 8.0, 0.0, 1)
    random = torch.Generator().manual_seed(1)
    weights = adapter_weights(model)
    for weight in weights.values():
        weight.data = torch.randn(weight.shape, generator=random) / 10
    write_tensors(path / ADAPTER, weights)
    assert write_adapter_gguf(gguf_base, adapter, path / ADAPTER, path / ADAPTER_GGUF)
    (path / TOKENIZER).write_text(tokenizer.to_str())
    write_model_folder(path, found, adapter, Settings(chat_format, "", ("neutral",), 128))
    finalize_model_folder(path, TRAINER, Options(base_path=gguf_base), {"weights": 1})
    return path


@pytest.fixture
def model(model_path: Path, run: RunContext) -> ModelFolder:
    return read_model_folder(model_path, run)

"""Chooses and opens the engine of a model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.engine.interface import Engine
from autocakechat.plugins.trainers.lora.model.folder import ModelFolder

# The devices of the drivers of NVIDIA, AMD and WSL.
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def has_pytorch() -> bool:
    """Returns whether everything is installed that runs a model in PyTorch."""
    return all(map(find_spec, ("torch", "transformers", "peft")))


def open_engine(folder: ModelFolder, wanted: Literal["auto", "torch", "llama.cpp"]) -> Engine:
    """Loads a model into an engine.

    Args:
        folder: The model folder.
        wanted: The option `engine`.

    Raises:
        UserError: The engine is not installed or cannot run the model, or a file is damaged.
    """
    obstacle = _llama_obstacle(folder)
    if wanted == "llama.cpp" and obstacle:
        raise obstacle
    if wanted == "llama.cpp" or (wanted == "auto" and not obstacle and not _has_gpu_for_torch()):
        return _open_llama(folder)
    if not has_pytorch():
        if wanted == "auto" and obstacle:
            raise obstacle
        raise UserError(
            "the engine torch needs PyTorch, transformers and peft", "run: pip install 'autocakechat[lora]'"
        )
    from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine

    return TorchEngine.open(folder)


def open_scoring_engine(folder: ModelFolder, wanted: Literal["auto", "torch", "llama.cpp"], replies: Engine) -> Engine:
    """Returns the engine for scoring many replies: PyTorch if allowed and installed, since it scores them in batches.

    Args:
        folder: The model folder.
        wanted: The option `engine`.
        replies: The engine that generates replies.
    """
    if wanted != "auto" or not has_pytorch():
        return replies
    from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine

    return replies if isinstance(replies, TorchEngine) else TorchEngine.open(folder)


def _open_llama(folder: ModelFolder) -> Engine:
    from autocakechat.plugins.trainers.lora.engine.llama_engine import LlamaEngine

    assert folder.gguf_files
    model, adapter = folder.gguf_files
    return LlamaEngine(model, adapter, folder.settings.chat_format.end, folder.settings.window)


def _llama_obstacle(folder: ModelFolder) -> UserError | None:
    """Returns why llama.cpp cannot run a model; None if it can."""
    if not folder.base.gguf:
        return UserError(
            f"{folder.path}: llama.cpp needs a base in a .gguf file", 'set engine = "torch", or train with such a base'
        )
    if not folder.gguf_files:
        return UserError(
            f"{folder.path}: adapters for {folder.base.name} cannot be converted for llama.cpp", 'set engine = "torch"'
        )
    if find_spec("xllamacpp") is None:
        return UserError("the engine llama.cpp needs xllamacpp", "run: pip install 'autocakechat[llama]'")
    return None


def _has_gpu_for_torch() -> bool:
    """Returns whether PyTorch is installed and finds a GPU. Without the device of a driver it is not imported."""
    if not has_pytorch() or not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    from autocakechat.plugins.trainers.lora.language_model.precision import choose_device

    return bool(choose_device().type != "cpu")

"""Chooses and opens the engine of a model."""

from __future__ import annotations

from typing import Literal

from autocakechat.plugins.trainers.lora.engine.interface import Engine
from autocakechat.plugins.trainers.lora.model.folder import ModelFolder


def open_engine(folder: ModelFolder, wanted: Literal["auto", "torch", "llama.cpp"]) -> Engine:
    """Loads a model into an engine.

    Args:
        folder: The model folder.
        wanted: The option `engine`.

    Raises:
        UserError: The engine is not installed, or a file is damaged.
    """
    from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine

    return TorchEngine.open(folder)

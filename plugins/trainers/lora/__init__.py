"""A language model that is trained on the person's replies with a low-rank adapter (LoRA, arXiv 2106.09685).

Packages, in the order of their layers:
    `prompts`: dialogs as text. `bases`: the language models to start from.
    `model`: the model folder.
    `language_model`: base, tokenizer and adapter in PyTorch.
    `engine`: generates and scores replies, with PyTorch or llama.cpp.
    `replies`: candidates, ranking, the responder.
    `training`: from a corpus to a model folder; begins in `training.train`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autocakechat import TrainerType, hookimpl
from autocakechat.plugins.trainers.lora.trainer_type import TRAINER


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields the trainer."""
    yield TRAINER

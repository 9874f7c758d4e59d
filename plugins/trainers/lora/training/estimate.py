"""Estimates a training with the default options, without PyTorch: how long it takes, and what it brings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from autocakechat import TrainingEstimate, multiplies_bfloat16, split_terms
from autocakechat.plugins.trainers.lora.training.memory import free_memory

# Measured on two cores, with bfloat16 and with float32.
_TOKENS_PER_SECOND = (400, 200)
_MEASURED_CORES = 2
# More cores make small matrices hardly faster.
_MOST_CORES = 8
_TOKENS_PER_REPLY = 61
_USUAL_EPOCHS = 1.25
_START_SECONDS = 60
_NEEDED_MEMORY = 2.8e9
# The base alone, and what thousands of replies add: measured with 6,354 replies.
_BASE_QUALITY, _LEARNT_QUALITY = 0.68, 0.11
_REPLIES_FOR_HALF = 500
# Without the language of the base, the bot knows the person's words only.
_FOREIGN_QUALITY = 0.4
_ENGLISH_WORDS = ("the", "you", "to", "and", "is", "it", "that", "of", "what", "my")
_ENGLISH_SHARE = 0.08


def estimate_training(replies: int, texts: Sequence[str]) -> TrainingEstimate:
    """Estimates the training of an adapter for the default base.

    Args:
        replies: The number of replies to learn.
        texts: Some messages of the chat log.
    """
    cores = min(os.cpu_count() or 1, _MOST_CORES)
    speed = _TOKENS_PER_SECOND[0 if multiplies_bfloat16() else 1] * cores / _MEASURED_CORES
    seconds = _START_SECONDS + replies * _TOKENS_PER_REPLY * _USUAL_EPOCHS / speed
    memory = free_memory()
    if memory is not None and memory < _NEEDED_MEMORY:
        return TrainingEstimate(
            seconds=seconds, quality=0.0, remark=f"needs {_NEEDED_MEMORY / 1e9:.1f} GB of free memory"
        )
    if not is_english(texts):
        remark = "fluent new sentences, but the default base knows English only: set another one"
        return TrainingEstimate(seconds=seconds, quality=_FOREIGN_QUALITY, remark=remark)
    quality = _BASE_QUALITY + _LEARNT_QUALITY * replies / (replies + _REPLIES_FOR_HALF)
    remark = "a language model: fluent new sentences, mostly to the point, partly made up"
    return TrainingEstimate(seconds=seconds, quality=quality, remark=remark)


def is_english(texts: Sequence[str]) -> bool:
    """Returns whether texts are mostly English, by the share of its most frequent words."""
    words = Counter(word for text in texts for word in split_terms(text))
    return sum(words[word] for word in _ENGLISH_WORDS) >= _ENGLISH_SHARE * words.total() > 0

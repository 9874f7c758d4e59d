"""The options of `[trainer]` and `[reply]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import and_, ge, gt, le, lt, min_len, optional

from autocakechat import option

SIZES = "taken from `size` unless given"


def _https(options: Any, field: attrs.Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"https://[^/\s?#]+[^\s?#]*", value):
        raise ValueError("must be an address that begins with https://")


def _sha256(options: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for digest in value:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError(f'must be of 64 digits 0-9 and a-f each, not "{digest}"')


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[trainer]`."""

    start: Literal["scratch", "pretrained"] = option(
        default="scratch", help="what to begin with: a network that knows nothing, or one that can talk"
    )
    start_path: Path | None = option(
        default=None,
        help="a model that lies here: a model folder, or a folder or archive with a model of CakeChat's; without it "
        "pretrained fetches the published one",
        affects_key=False,
    )
    start_address: str = option(
        default="https://cake-chat-data-v2.s3.amazonaws.com",
        check=_https,
        help="where the published model is fetched from",
    )
    start_name: str = option(default="cakechat_v2.0_keras_tf_1bced8e69869", help="the published model's name there")
    start_reverse_name: str = option(
        default="reverse_cakechat_v2.0_keras_tf_6648fddd592a", help="the published reverse model's name there"
    )
    sha256: tuple[str, ...] = option(
        default=(), check=_sha256, help="the only files to begin with, by their SHA-256, as a first run shows them"
    )
    word2vec: bool = option(
        default=False, help="from scratch: begin with word vectors that gensim learns from the same lines"
    )
    new_words: int = option(
        default=0, check=ge(0), help="most words of the corpus to add to those that the start model knows"
    )
    size: Literal["auto", "tiny", "small", "medium", "cakechat"] = option(
        default="auto", help="how large the network is; auto: by the number of samples"
    )
    hidden: int | None = option(default=None, check=optional(ge(1)), help=f"units of each GRU; {SIZES}")
    embedding: int | None = option(default=None, check=optional(ge(1)), help=f"numbers that stand for a token; {SIZES}")
    condition_embedding: int | None = option(
        default=None, check=optional(ge(1)), help=f"numbers that stand for an emotion; {SIZES}"
    )
    vocabulary: int | None = option(
        default=None, check=optional(ge(5)), help=f"most tokens to know, service tokens included; {SIZES}"
    )
    min_count: int = option(default=2, check=ge(1), help="tokens seen less often in the training part stay unknown")
    reverse: bool = option(default=False, help="train a reverse model along, which the reranking modes need")
    text: Literal["natural", "cakechat"] = option(
        default="natural",
        help="natural: case, emoji and line breaks are learnt; cakechat: lower-case words and signs, as the original",
    )
    targets: Literal["server", "all"] = option(
        default="server", help="whose lines are learnt: the server's, or everybody's as in CakeChat"
    )
    context_lines: int = option(default=3, check=ge(1), help="lines before an answer that are read")
    line_tokens: int = option(default=30, check=ge(1), help="tokens of a context line that are read")
    reply_tokens: int = option(default=30, check=ge(1), help="tokens of an answer that are learnt")
    padding: Literal["masked", "cakechat"] = option(
        default="masked", help="masked: pads are ignored, long lines cut at the front; cakechat: as the original, read"
    )
    recurrent_activation: Literal["sigmoid", "hard-sigmoid"] = option(
        default="sigmoid", help="activation of the gates; hard-sigmoid is what the original computes without a GPU"
    )
    dropout: float = option(default=0.2, check=and_(ge(0.0), lt(1.0)), help="share of decoder outputs dropped")
    epochs: int | None = option(default=None, check=optional(ge(1)), help=f"most passes over the corpus; {SIZES}")
    patience: int = option(default=2, check=ge(1), help="epochs without a better perplexity after which to stop")
    batch_size: int | None = option(default=None, check=optional(ge(1)), help=f"samples a step; {SIZES}")
    optimizer: Literal["adam", "adadelta"] = option(default="adam", help="what turns gradients into learning")
    learning_rate: float | None = option(
        default=None,
        check=optional(gt(0.0)),
        help="length of a step; for adam taken from `size`, for adadelta 6.0 unless given",
    )
    decay: bool | None = option(
        default=None, help="let the learning rate fall along a cosine; yes for adam, no for adadelta unless given"
    )
    warm_up: int = option(default=50, check=ge(0), help="first steps in which the learning rate rises, with decay")
    clip_norm: float | None = option(
        default=5.0, check=optional(gt(0.0)), help="longest gradient, over all weights together"
    )
    clip_value: float | None = option(default=None, check=optional(gt(0.0)), help="largest number of a gradient")
    min_pairs: int = option(default=50, check=ge(2), help="refuse to train on fewer answers", affects_key=False)
    rehearsals: int = option(
        default=5,
        check=and_(ge(0), le(50)),
        help="lines of the corpus to answer after each epoch, shown in training.html; 0 for none",
        affects_key=False,
    )
    tensorboard: Path | None = option(
        default=None, help="folder to write the curves to for TensorBoard while training", affects_key=False
    )
    checkpoint_seconds: float = option(
        default=30.0, check=gt(0.0), help="how often an unfinished training is saved", affects_key=False
    )


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    mode: Literal["sampling", "beamsearch", "sampling-reranking", "beamsearch-reranking"] = option(
        default="sampling", help="how an answer is found; reranking needs a reverse model"
    )
    temperature: float = option(default=0.5, check=gt(0.0), help="low: the most likely words; high: daring ones")
    repetition_penalty: float = option(
        default=10.0, check=ge(1.0), help="how much less likely a word becomes once it is used; 1 for not at all"
    )
    max_tokens: int = option(default=40, check=and_(ge(1), le(1000)), help="longest answer")
    banned: tuple[str, ...] = option(default=(), help="words and phrases never to say, in any case")
    banned_file: Path | None = option(default=None, help="a file with more of them, one a line, UTF-8")
    fallback: str = option(default="🙊", check=min_len(1), help="what to say when there is nothing else to say")
    beams: int = option(default=10, check=and_(ge(1), le(100)), help="answers followed side by side by beamsearch")
    candidates: int = option(default=10, check=and_(ge(1), le(1000)), help="answers drawn by sampling-reranking")
    reverse_weight: float = option(
        default=1.0, check=and_(ge(0.0), le(1.0)), help="how much reranking listens to the reverse model"
    )
    choose_among: int = option(default=3, check=ge(1), help="best candidates of which one is said at random")
    tries: int = option(default=10, check=ge(1), help="answers to draw before the fallback")
    seed: int | None = option(default=None, check=optional(ge(0)), help="for the same answers every time")

"""A random language model of two layers with 64 units, as a GGUF file that PyTorch and llama.cpp load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.trainers.lora.tiny_base import CHAT_TEMPLATE, SPECIAL

if TYPE_CHECKING:
    import gguf

LAYERS, UNITS, INNER, HEADS, KEY_HEADS, CONTEXT = 2, 64, 128, 4, 2, 1024
END = "<|im_end|>"


def write_gguf_base(file: Path, seed: int = 0, architecture: str = "llama", alignment: int | None = None) -> Path:
    """Writes the model and returns its path."""
    import gguf

    writer = gguf.GGUFWriter(file, architecture)
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_name("tiny")
    writer.add_license("apache-2.0")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(UNITS)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(UNITS // HEADS)
    _add_vocabulary(writer)
    for name, value in _weights(seed).items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    """Adds the special tokens and one token per byte, without merges but one, which GGUF requires."""
    import gguf

    letters = [*_byte_letters(), "th"]
    types = [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * len(letters)
    writer.add_vocab_size(len(SPECIAL) + len(letters))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([*SPECIAL, *letters])
    writer.add_token_types(types)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _byte_letters() -> list[str]:
    """Returns the letters by which byte-level tokenizers write the 256 bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def _weights(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.normal(0, 2 / np.sqrt(columns), (rows, columns)).astype(np.float32)

    tokens = len(SPECIAL) + 257
    output = matrix(tokens, UNITS)
    printable = [SPECIAL.index(END), *range(len(SPECIAL) + 0x20, len(SPECIAL) + 0x7F), tokens - 1]
    output[[token for token in range(tokens) if token not in printable]] = 0  # so that replies are text
    ones = np.ones(UNITS, np.float32)
    weights = {"token_embd.weight": matrix(tokens, UNITS), "output_norm.weight": ones, "output.weight": output}
    keys = UNITS // HEADS * KEY_HEADS
    for layer in range(LAYERS):
        weights |= {
            f"blk.{layer}.attn_norm.weight": ones,
            f"blk.{layer}.attn_q.weight": matrix(UNITS, UNITS),
            f"blk.{layer}.attn_k.weight": matrix(keys, UNITS),
            f"blk.{layer}.attn_v.weight": matrix(keys, UNITS),
            f"blk.{layer}.attn_output.weight": matrix(UNITS, UNITS),
            f"blk.{layer}.ffn_norm.weight": ones,
            f"blk.{layer}.ffn_gate.weight": matrix(INNER, UNITS),
            f"blk.{layer}.ffn_up.weight": matrix(INNER, UNITS),
            f"blk.{layer}.ffn_down.weight": matrix(UNITS, INNER),
        }
    return weights

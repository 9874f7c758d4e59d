"""The engine `torch`: generates and scores with PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from autocakechat import Score
from autocakechat.plugins.trainers.lora.bases.record import FoundBase
from autocakechat.plugins.trainers.lora.engine.interface import Sampling, fit_into_window
from autocakechat.plugins.trainers.lora.engine.token_sampler import TokenSampler
from autocakechat.plugins.trainers.lora.language_model.adapter import merged
from autocakechat.plugins.trainers.lora.language_model.loading import count_tokens, encode, load_base, load_tokenizer
from autocakechat.plugins.trainers.lora.language_model.precision import choose_device
from autocakechat.plugins.trainers.lora.model.folder import ModelFolder

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    from autocakechat.plugins.trainers.lora.language_model.precision import Precision
    from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat

_ROWS = 32
"""The largest number of replies that are generated at once."""
_SCORED_TOKENS = 1024
"""The largest number of tokens that are scored at once, unless one reply has more: their logits take 4 bytes for each
token of the vocabulary."""


class TorchEngine:
    """Runs a model in PyTorch.

    Args:
        model: A causal language model of transformers, with or without an adapter.
        tokenizer: Its tokenizer.
        chat_format: Its chat format.
        window: The maximum number of tokens of a prompt and its reply.
    """

    def __init__(self, model: Any, tokenizer: Tokenizer, chat_format: ChatFormat, window: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._end = tokenizer.token_to_id(chat_format.end)
        self._window = window
        causal = model.get_base_model() if hasattr(model, "peft_config") else model
        # Newer versions of transformers have another name for it.
        names = inspect.signature(causal.forward).parameters
        self._cache_name = "cache" if "cache" in names else "past_key_values"

    @classmethod
    def open(cls, folder: ModelFolder) -> TorchEngine:
        """Loads the base and merges the adapter into its weights.

        On a processor, numbers are float32: in bfloat16 it would score 1.7 times as fast, but rounding, and so the
        score of a reply, would depend on what is scored with it.

        Raises:
            UserError: A file is damaged.
        """
        from tokenizers import Tokenizer

        device = choose_device()
        precision: Precision = "float32" if device.type == "cpu" else "bfloat16"
        found = FoundBase(folder.base, folder.base_folder)
        base = load_base(found, precision, device)
        model = merged(base, folder.adapter, folder.adapter_file) if folder.adapter else base
        if folder.tokenizer_file.is_file():
            tokenizer = Tokenizer.from_file(str(folder.tokenizer_file))
        else:  # `acc lora base` made the folder on a machine without PyTorch
            tokenizer, _ = load_tokenizer(found)
        return cls(model.eval(), tokenizer, folder.settings.chat_format, folder.settings.window)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """Generates one reply to each prompt; see `Engine`. Equal prompts side by side are read once."""
        import torch

        replies: list[str] = []
        with torch.inference_mode():
            for start in range(0, len(prompts), _ROWS):
                chunk = prompts[start : start + _ROWS]
                found = self._generate([(text, len(list(same))) for text, same in groupby(chunk)], sampling, start)
                replies += self._tokenizer.decode_batch(found, skip_special_tokens=True)
        return replies

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes log p of replies; see `Engine`. A prompt is read once for each batch of replies."""
        import torch

        found: list[list[Score]] = []
        with torch.inference_mode():
            for prompt, texts in zip(prompts, replies, strict=True):
                found.append(self._score(encode(self._tokenizer, prompt), texts) if texts else [])
        return found

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of texts; see `Engine`."""
        return count_tokens(self._tokenizer, texts)

    def count_prompt_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of prompts; see `Engine`."""
        return count_tokens(self._tokenizer, texts)

    def close(self) -> None:
        """Frees the memory of the model."""
        self._model = None

    def _new_cache(self) -> Any:
        """Makes a cache of keys and values."""
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)

    def _run(self, cache: Any, **inputs: Any) -> Any:
        """Runs the model on tokens that follow those in the cache, and adds them to it."""
        return self._model(**inputs, **{self._cache_name: cache}, use_cache=True)

    def _generate(self, prompts: Sequence[tuple[str, int]], sampling: Sampling, first: int) -> list[list[int]]:
        """Generates replies to prompts, each with the number of replies; returns token ids without the end token."""
        import torch

        device = self._model.device
        room = max(1, self._window - sampling.max_tokens)
        ids = [encode(self._tokenizer, prompt)[-room:] for prompt, _ in prompts]
        width = max(map(len, ids))
        padded = torch.tensor([[self._end] * (width - len(row)) + row for row in ids], device=device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids], device=device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache = self._new_cache()
        out = self._run(cache, input_ids=padded, attention_mask=mask, position_ids=positions, logits_to_keep=1)
        counts = torch.tensor([count for _, count in prompts], device=device)
        source = torch.arange(len(prompts), device=device).repeat_interleave(counts)
        cache.batch_select_indices(source)
        mask, position, logits = mask[source], positions[source, -1:], out.logits[source, -1]
        sampler = TokenSampler(sampling, len(source), first)
        for _ in range(sampling.max_tokens):
            tokens = sampler.draw(logits, self._end)
            if sampler.all_ended:
                break
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
            position = position + 1
            out = self._run(cache, input_ids=tokens[:, None], attention_mask=mask, position_ids=position)
            logits = out.logits[:, -1]
        return sampler.drawn

    def _score(self, prompt: Sequence[int], texts: Sequence[str]) -> list[Score]:
        """Computes log p of replies to one prompt."""
        import torch

        replies = [[*encode(self._tokenizer, text), self._end] for text in texts]
        sizes = [fit_into_window(len(prompt), len(reply), self._window) for reply in replies]
        found = [Score(0.0, size) for _, size in sizes]
        order = sorted(range(len(replies)), key=lambda number: sizes[number])
        while order:
            kept, width = sizes[order[-1]]
            rows_at_once = max(1, _SCORED_TOKENS // width)
            numbers: list[int] = []
            while order and len(numbers) < rows_at_once and sizes[order[-1]][0] == kept:
                numbers.append(order.pop())
            padded = [(replies[number] + [self._end] * width)[:width] for number in numbers]
            # Each batch reads the prompt again: the reply tokens are most of the work.
            log_p = self._token_log_p(prompt[-kept:], torch.tensor(padded, device=self._model.device))
            for row, number in zip(log_p, numbers, strict=True):
                size = sizes[number][1]
                found[number] = Score(float(row[:size].double().sum()), size)
        return found

    def _token_log_p(self, prompt: Sequence[int], rows: torch.Tensor) -> torch.Tensor:
        """Returns log p of each token of some rows, each after the prompt."""
        import torch

        from autocakechat.plugins.trainers.lora.language_model.layers import cross_entropy

        device = rows.device
        first = torch.full((len(rows), 1), prompt[-1], device=device)
        inputs = torch.cat([first, rows[:, :-1]], 1)
        cache = self._new_cache()
        if len(prompt) > 1:
            self._run(cache, input_ids=torch.tensor([prompt[:-1]], device=device), logits_to_keep=1)
            cache.batch_repeat_interleave(len(rows))
        logits = self._run(cache, input_ids=inputs).logits
        return -cross_entropy(logits.flatten(0, 1), rows.flatten()).view_as(rows)

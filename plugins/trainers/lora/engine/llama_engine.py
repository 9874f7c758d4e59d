"""The engine `llama.cpp`: replies without PyTorch, from a base and an adapter in GGUF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby, islice, takewhile
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Score, UserError
from autocakechat.plugins.trainers.lora.engine.interface import Sampling, fit_into_window
from autocakechat.plugins.trainers.lora.engine.llama_process import LlamaProcess

_MOST_SLOTS, _FEWEST_SLOTS = 8, 4
# The slots have their contexts in memory, also unused ones: long windows get fewer slots.
_CONTEXT_TOKENS = 8192
# Larger than any difference of logits.
_CERTAIN = 1000
# The token in question is mostly among the first; no vocabulary has more tokens than the second number.
_MOST_LIKELY = (256, 10**9)


@attrs.frozen
class _Token:
    """A token of a reply.

    Attributes:
        id: Its number in the vocabulary.
        is_text: Whether it is a text on its own, and not a part of a character. llama.cpp reports only such tokens.
    """

    id: int
    is_text: bool


class LlamaEngine:
    """Runs a base with an adapter in llama.cpp.

    Args:
        base: The base, a GGUF file.
        adapter: The adapter, a GGUF file; None for the base alone.
        end: The token that ends a reply, as text.
        window: The largest number of tokens of a prompt and its reply.

    Raises:
        UserError: A file is missing or damaged, or llama.cpp cannot run the model.
    """

    def __init__(self, base: Path, adapter: Path | None, end: str, window: int) -> None:
        self._base = base
        self._end = end
        self._window = window
        self._slots = max(_FEWEST_SLOTS, min(_MOST_SLOTS, _CONTEXT_TOKENS // window))
        self._process = LlamaProcess(base, adapter, self._slots, window)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """Generates one reply to each prompt. Equal prompts get independent draws.

        Args:
            prompts: The prompts.
            sampling: How to sample. The repetition penalty includes the last tokens of the prompt.

        Returns:
            One reply per prompt, without its end token.
        """
        replies: dict[str, list[str]] = {prompt: [] for prompt in prompts}
        missing = Counter(prompts)
        tokens = {
            prompt: self._fitting(found, sampling.max_tokens)
            for prompt, found in zip(missing, self._tokenize(list(missing), special=True), strict=True)
        }
        while missing:
            # Several in one request: llama.cpp then computes them together, each time in the same order.
            drawn = len(replies[next(iter(missing))])
            asked, count = self._together({prompt: n for prompt, n in missing.items() if len(replies[prompt]) == drawn})
            job = self._sampling(sampling, drawn) | {
                "prompt": [tokens[prompt] for prompt in asked],
                "n_cmpl": count,
                "response_fields": ["content"],
            }
            found = iter(self._complete(job))
            for prompt in asked:
                replies[prompt] += [next(found)["content"] for _ in range(count)]
            missing -= Counter(dict.fromkeys(asked, count))
        draws = {prompt: iter(found) for prompt, found in replies.items()}
        return [next(draws[prompt]) for prompt in prompts]

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes log p of replies: the sum over its tokens and its end token, in nats.

        llama.cpp returns the probabilities of generated tokens only. Each reply is therefore generated, by a grammar
        that leaves no choice; the probabilities are those without the grammar.

        Args:
            prompts: The prompts.
            replies: For each prompt, any number of replies.
        """
        contexts = self._tokenize(prompts, special=True)
        tokens = [[self._reply_tokens(text) for text in texts] for texts in replies]
        # One after the other: in a batch, rounding depends on what else is computed.
        return [
            [self._score(context, reply) for reply in texts] for context, texts in zip(contexts, tokens, strict=True)
        ]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of texts. Special tokens in them are not parsed."""
        return [len(tokens) for tokens in self._tokenize(texts)]

    def count_prompt_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of prompts. Special tokens in them are parsed."""
        return [len(tokens) for tokens in self._tokenize(texts, special=True)]

    def close(self) -> None:
        """Ends the process of llama.cpp."""
        self._process.close()

    @cached_property
    def _end_token(self) -> int:
        """The id of the token that ends a reply."""
        (tokens,) = self._tokenize([self._end], special=True)
        if len(tokens) != 1:
            raise UserError(f"{self._base}: {self._end!r} is not a token", "use another base")
        return tokens[0]

    def _tokenize(self, texts: Sequence[str], special: bool = False) -> list[list[int]]:
        def tokenize(text: str) -> list[int]:
            content = {"content": text, "add_special": False, "parse_special": special}
            tokens: list[int] = self._process.post("/tokenize", content)["tokens"]
            return tokens

        return [tokenize(text) for text in texts]

    def _reply_tokens(self, text: str) -> list[_Token]:
        content = {"content": text, "add_special": False, "parse_special": False, "with_pieces": True}
        found = self._process.post("/tokenize", content)["tokens"]
        return [_Token(token["id"], isinstance(token["piece"], str) and token["piece"][:1] > "\0") for token in found]

    def _together(self, missing: Mapping[str, int]) -> tuple[list[str], int]:
        """Chooses prompts that are continued in the slots together.

        Args:
            missing: How many replies each prompt needs.

        Returns:
            The prompts, and how many replies to generate to each.
        """
        count = min(self._slots, next(iter(missing.values())))
        alike = takewhile(lambda prompt: missing[prompt] >= count, missing)
        return list(islice(alike, self._slots // count)), count

    def _fitting(self, prompt: list[int], reply_tokens: int) -> list[int]:
        """Returns the end of a prompt that leaves space for the reply."""
        return prompt[-max(1, self._window - reply_tokens) :]

    def _sampling(self, sampling: Sampling, drawn: int) -> dict[str, Any]:
        """Returns the parameters of sampling, after some draws for the same prompts."""
        return {
            "n_predict": sampling.max_tokens,
            "samplers": ["penalties", "temperature", "min_p"],
            "temperature": sampling.temperature,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repetition_penalty,
            "repeat_last_n": sampling.max_tokens,
            "seed": (sampling.seed + drawn) % 2**31,  # each draw for a prompt takes the next seed
            "stop": [self._end],
        }

    def _complete(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Sends a request; returns its replies."""
        answer = self._process.post("/completion", job)
        return answer if isinstance(answer, list) else [answer]

    def _score(self, prompt: list[int], reply: list[_Token]) -> Score:
        """Computes log p of a reply and its end token. The slot keeps the tokens of the prompt for the next reply."""
        kept, size = fit_into_window(len(prompt), len(reply) + 1, self._window)
        before, total = prompt[-kept:], 0.0
        for is_text, run in groupby(reply[:size], attrgetter("is_text")):
            tokens = [token.id for token in run]
            if is_text:
                total += self._text_log_p(before, tokens)
            else:
                total += sum(self._token_log_p(before + tokens[:place], token) for place, token in enumerate(tokens))
            before = before + tokens
        if size > len(reply):
            total += self._token_log_p(before, self._end_token)
        return Score(total, size)

    def _text_log_p(self, before: list[int], tokens: list[int]) -> float:
        """Computes log p of tokens after others, in one request."""
        grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
        found = self._probabilities({"prompt": before, "n_predict": len(tokens), "n_probs": 1, "grammar": grammar})
        return sum(float(entry["logprob"]) for entry in found)

    def _token_log_p(self, before: list[int], token: int) -> float:
        """Computes log p of any token after others: it is looked for among the most likely tokens."""
        for most_likely in _MOST_LIKELY:
            # The end token is generated, since it is always reported.
            bias = [[self._end_token, _CERTAIN]]
            job = {"prompt": before, "n_predict": 1, "n_probs": most_likely, "logit_bias": bias}
            (found,) = self._probabilities(job)
            for entry in (found, *found["top_logprobs"]):
                if entry["id"] == token:
                    return float(entry["logprob"])
        raise UserError(f"{self._base}: llama.cpp reports no probability of token {token}", 'set engine = "torch"')

    def _probabilities(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Generates tokens; returns the probability of each, and in `top_logprobs` those of the most likely ones."""
        settings = {
            "id_slot": 0,
            "samplers": ["temperature"],
            "temperature": 0,
            "response_fields": ["completion_probabilities"],
        }
        (answer,) = self._complete({**settings, **job})
        found: list[dict[str, Any]] = answer["completion_probabilities"]
        return found

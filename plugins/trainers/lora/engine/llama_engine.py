"""The engine `llama.cpp`: replies without PyTorch, from a base and an adapter in GGUF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.engine.interface import Sampling
from autocakechat.plugins.trainers.lora.engine.llama_process import LlamaProcess

_SLOTS = 8
_SMALLEST_CONTEXT = 2048
# Larger than any difference of logits.
_CERTAIN = 1000


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
        self._process = LlamaProcess(base, adapter, _SLOTS, max(_SMALLEST_CONTEXT, 4 * window))

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """Generates one reply to each prompt. Equal prompts get independent draws.

        Args:
            prompts: The prompts.
            sampling: How to sample. The repetition penalty includes the last tokens of the prompt.

        Returns:
            One reply per prompt, without its end token.
        """
        copies = [(prompt, count) for prompt, total in Counter(prompts).items() for count in _portions(total)]
        tokens = self._tokenize([prompt for prompt, _ in copies], special=True)
        jobs = [
            self._sampling(sampling, number)
            | {"prompt": self._fitting(prompt, sampling.max_tokens), "n_cmpl": count, "response_fields": ["content"]}
            for number, (prompt, (_, count)) in enumerate(zip(tokens, copies, strict=True))
        ]
        replies: dict[str, list[str]] = {prompt: [] for prompt in prompts}
        for (prompt, _), answer in zip(copies, self._complete(jobs), strict=True):
            replies[prompt] += [reply["content"] for reply in (answer if isinstance(answer, list) else [answer])]
        draws = {prompt: iter(found) for prompt, found in replies.items()}
        return [next(draws[prompt]) for prompt in prompts]

    def score(self, prompts: Sequence[str], replies: Sequence[Sequence[str]]) -> list[list[float]]:
        """Computes log p of replies: the sum over its tokens and its end token, in nats.

        llama.cpp returns probabilities of the tokens that it generates, so a grammar makes it generate the reply.

        Args:
            prompts: The prompts.
            replies: For each prompt, any number of replies. A reply that is too long for the window is cut.
        """
        contexts = self._tokenize(prompts, special=True)
        tokens = [self._tokenize(texts) for texts in replies]
        places = _in_rounds(tokens)
        jobs = [self._forced(contexts[prompt], tokens[prompt][reply]) for prompt, reply in places]
        scores = [[0.0] * len(texts) for texts in replies]
        for (prompt, reply), answer in zip(places, self._complete(jobs), strict=True):
            scores[prompt][reply] = self._log_p(answer["completion_probabilities"])
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Counts the tokens of texts. Special tokens in them are not parsed."""
        return [len(tokens) for tokens in self._tokenize(texts)]

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

    def _complete(self, jobs: Sequence[dict[str, Any]]) -> list[Any]:
        """Sends requests, as many at once as there are slots, and returns the answers in order."""
        with ThreadPoolExecutor(_SLOTS) as pool:
            return list(pool.map(lambda job: self._process.post("/completion", job), jobs))

    def _fitting(self, prompt: list[int], reply_tokens: int) -> list[int]:
        """Returns the end of a prompt that leaves space for the reply."""
        return prompt[-max(1, self._window - reply_tokens) :]

    def _sampling(self, sampling: Sampling, number: int) -> dict[str, Any]:
        return {
            "n_predict": sampling.max_tokens,
            "samplers": ["penalties", "min_p", "temperature"],
            "temperature": sampling.temperature,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repetition_penalty,
            "repeat_last_n": sampling.max_tokens,
            "seed": (sampling.seed + number * _SLOTS) % 2**31,  # the draws of one prompt take the next seeds
            "stop": [self._end],
        }

    def _forced(self, prompt: list[int], reply: list[int]) -> dict[str, Any]:
        """Returns a request that generates a reply and its end token, and nothing else."""
        prompt = self._fitting(prompt, self._window // 2) if len(prompt) >= self._window else prompt
        reply = reply[: max(1, self._window - len(prompt) - 1)]
        return {
            "prompt": prompt,
            "n_predict": len(reply) + 1,
            "n_probs": 1,
            "grammar": "root ::= " + (" ".join(f"<[{token}]>" for token in reply) or '""'),
            # The grammar allows every end token after the reply.
            "logit_bias": [[self._end_token, _CERTAIN]],
            "samplers": ["temperature"],
            "temperature": 0,
            "response_fields": ["completion_probabilities"],
        }

    def _log_p(self, tokens: Sequence[dict[str, Any]]) -> float:
        if tokens[-1]["id"] != self._end_token:
            raise UserError(
                f"{self._base}: llama.cpp does not end a reply at {self._end!r}", 'set engine = "torch" in [reply]'
            )
        return sum(token["logprob"] for token in tokens)


def _portions(count: int) -> Iterator[int]:
    """Divides a number of draws into portions that fit into the slots."""
    while count > 0:
        yield min(count, _SLOTS)
        count -= _SLOTS


def _in_rounds(replies: Sequence[Sequence[object]]) -> list[tuple[int, int]]:
    """Returns the places of all replies in an order in which each slot keeps its prompt for the next reply.

    For as many prompts as there are slots: the first reply of each, then the second of each, and so on.
    """
    places: list[tuple[int, int]] = []
    for start in range(0, len(replies), _SLOTS):
        prompts = range(start, min(start + _SLOTS, len(replies)))
        rounds = zip_longest(*([(prompt, reply) for reply in range(len(replies[prompt]))] for prompt in prompts))
        places += [place for places_of_round in rounds for place in places_of_round if place]
    return places

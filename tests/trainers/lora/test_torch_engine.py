"""The engine `torch`: the same results as transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.engine.interface import Sampling
from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine
from autocakechat.plugins.trainers.lora.language_model.likelihood import logits_function, negative_log_likelihood
from autocakechat.plugins.trainers.lora.language_model.loading import encode, load_base, load_tokenizer
from autocakechat.plugins.trainers.lora.language_model.precision import choose_device
from autocakechat.plugins.trainers.lora.prompts.prompt import render

GREEDY = Sampling(temperature=0.0, min_p=0.0, repetition_penalty=1.0, max_tokens=12, seed=1)
SAMPLED = Sampling(temperature=1.0, min_p=0.01, repetition_penalty=1.1, max_tokens=12, seed=1)


@pytest.fixture(scope="module")
def loaded(tiny_base: Path) -> Any:
    found = find_local(tiny_base)
    return load_base(found, "float32", choose_device()).eval(), *load_tokenizer(found)


@pytest.fixture
def engine(loaded: Any) -> TorchEngine:
    model, tokenizer, chat_format = loaded
    return TorchEngine(model, tokenizer, chat_format, window=256)


@pytest.fixture
def prompts(loaded: Any) -> list[str]:
    return [render(loaded[2], "", turns).text for turns in (["hello"], ["do you like tea?", "yes", "why is that so?"])]


def test_greedy_replies_are_those_of_transformers(engine: TorchEngine, loaded: Any, prompts: list[str]) -> None:
    import torch

    model, tokenizer, _ = loaded
    expected = []
    for prompt in prompts:
        ids = torch.tensor([encode(tokenizer, prompt)])
        out = model.generate(ids, do_sample=False, max_new_tokens=12, attention_mask=torch.ones_like(ids))
        expected.append(tokenizer.decode(out[0, ids.shape[1] :].tolist(), skip_special_tokens=True))
    assert engine.generate(prompts, GREEDY) == expected


def test_a_reply_does_not_depend_on_other_prompts(engine: TorchEngine, prompts: list[str]) -> None:
    together = engine.generate(prompts, SAMPLED)
    assert engine.generate(prompts[:1], SAMPLED) == together[:1]
    assert engine.generate([prompts[1], prompts[1]], SAMPLED)[1] == together[1]


def test_equal_prompts_get_independent_draws(engine: TorchEngine, prompts: list[str]) -> None:
    replies = engine.generate([prompts[0]] * 40, SAMPLED)
    assert len(set(replies)) > 20
    assert replies == engine.generate([prompts[0]] * 40, SAMPLED)


def test_the_score_is_log_p_of_the_reply_and_its_end(engine: TorchEngine, loaded: Any, prompts: list[str]) -> None:
    replies = ["yes, cats", "", "no " * 40, "why?"]
    found = engine.score(prompts, [replies, replies[:1]])
    assert [len(scores) for scores in found] == [4, 1]
    for prompt, texts, scores in zip(prompts, (replies, replies[:1]), found, strict=True):
        for text, score in zip(texts, scores, strict=True):
            before, reply = tokens_of(loaded, prompt, text)
            assert score.log_p == pytest.approx(log_p_of(loaded, before, reply), abs=1e-3)
            assert score.tokens == len(reply)


def test_a_reply_and_its_prompt_are_cut_to_the_window(loaded: Any, prompts: list[str]) -> None:
    engine = TorchEngine(*loaded, window=32)
    replies = ["yes", "no " * 5, "no " * 40]
    (found,) = engine.score(prompts[1:], [replies])
    for text, score in zip(replies, found, strict=True):
        before, reply = tokens_of(loaded, prompts[1], text)
        kept = max(16, 32 - len(reply))
        assert len(before) > kept
        expected = log_p_of(loaded, before[-kept:], reply[: 32 - kept])
        assert score.log_p == pytest.approx(expected, abs=1e-3)
        assert score.tokens == len(reply[: 32 - kept])


def tokens_of(loaded: Any, prompt: str, reply: str) -> tuple[list[int], list[int]]:
    _, tokenizer, chat_format = loaded
    return encode(tokenizer, prompt), [*encode(tokenizer, reply), tokenizer.token_to_id(chat_format.end)]


def log_p_of(loaded: Any, before: list[int], reply: list[int]) -> float:
    import torch

    log_p = loaded[0](torch.tensor([before + reply])).logits[0].log_softmax(-1)
    return sum(float(log_p[len(before) + place - 1, token]) for place, token in enumerate(reply))


def test_logits_are_computed_at_the_targets_only_and_are_right(loaded: Any) -> None:
    import torch

    model = loaded[0]
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 0]])
    targets = torch.tensor([[False, False, True, True], [False, True, False, False]])
    found = negative_log_likelihood(logits_function(model), ids, targets)
    log_p = model(ids).logits.log_softmax(-1)
    expected = [-log_p[0, 1, 7], -log_p[0, 2, 8], -log_p[1, 0, 10]]
    assert found.tolist() == pytest.approx([float(value) for value in expected], abs=1e-5)
